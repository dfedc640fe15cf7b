"""Views, places, times and overrides of four sites, and who is preferred by `docs/views.md`.

It is written from that page alone, and looks every table through for every address. Start
from `Judge.prefer`; `make_world` makes something to choose by.
"""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import json
import math
from bisect import bisect_right
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import sparrow.geo
from sparrow.policy.centres import CENTRES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Key: TypeAlias = tuple[int, int, int]

SITES = ("au", "nl", "br", "us")
VIPS = {"au": "192.0.2.1", "nl": "192.0.2.2", "br": "192.0.2.3", "us": "192.0.2.4"}
PLACES = {"au": (-33.87, 151.21), "nl": (52.37, 4.9), "us": (40.71, -74.0)}
"""`br` has none."""
BIASES = {"br": 1}
MARGINS = {"rtt": 5, "distance": 500, "path": 0}
"""Those that are in force where none are configured."""
NAMED = {64601: "nl", 64604: "us"}
"""By AS number: the site that it belongs to in the common view."""
FALLBACKS = {"au": ("br",)}
SELF = "us"
ODD = tuple(map(ipaddress.ip_network, ("2001::/23", "2002::/16", "64:ff9b::/96")))
"""Blocks of addresses that wrap others, or are special-purpose in part."""


class Rows:
    """What is said of prefixes, to be searched length by length."""

    def __init__(self, rows: Mapping[Network, Any]) -> None:
        self._rows = {key_of(network): what for network, what in rows.items()}
        self._lengths = sorted({key[:2] for key in self._rows}, reverse=True)

    def find(self, address: Address, least: int = 0) -> tuple[int, Any] | None:
        """Give the longest prefix around an address, of `least` bits, and what is said of it."""
        for version, length in self._lengths:
            if version == address.version and length >= least:
                shift = address.max_prefixlen - length
                key = version, length, int(address) >> shift << shift
                if key in self._rows:
                    return length, self._rows[key]
        return None


def key_of(network: Network) -> Key:
    return network.version, network.prefixlen, int(network.network_address)


class Countries:
    """The table that comes with sparrow, as `docs/country-table.md` has its format."""

    def __init__(self) -> None:
        path = Path(sparrow.geo.__file__).with_name("countries.json.gz")
        tree = json.loads(gzip.decompress(path.read_bytes()))
        self._codes = tree["codes"]
        self._numbers: dict[int, bytes] = {}
        self.starts: dict[int, list[int]] = {}
        for version, digits in ((4, 8), (6, 16)):
            text = tree[f"v{version}"]["sizes"]
            sizes = [int(text[at : at + digits], 16) for at in range(0, len(text), digits)]
            self.starts[version] = [0, *itertools.accumulate(sizes)]
            self._numbers[version] = bytes.fromhex(tree[f"v{version}"]["codes"])

    def find(self, address: Address) -> str:
        """Give a country's code; "" where none is known."""
        unit = int(address) >> (64 if address.version == 6 else 0)
        place = bisect_right(self.starts[address.version], unit) - 1
        return str(self._codes[self._numbers[address.version][place]])


def kilometres(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Give the length of the great circle by the spherical law of cosines."""
    one, other = math.radians(start[0]), math.radians(end[0])
    turn = math.radians(end[1] - start[1])
    cosine = math.sin(one) * math.sin(other) + math.cos(one) * math.cos(other) * math.cos(turn)
    return 6371.0088 * math.acos(max(-1.0, min(1.0, cosine)))


@dataclass
class Preferred:
    """Who an address prefers."""

    ground: str
    """`views`, `common`, `nearness` or `self`."""
    override: bool
    order: tuple[str, ...]
    """Every site, best first."""
    places: tuple[tuple[str, str], ...]
    """The sites that were ranked, and the step that decided each."""


@dataclass
class World:
    """All that is known, by the words of the configuration."""

    countries: Countries
    rank_by: tuple[str, ...]
    views: dict[str, dict[Network, tuple[int, ...]]] = field(default_factory=dict)
    common: dict[Network, tuple[int, ...]] = field(default_factory=dict)
    rtts: dict[Network, dict[str, float]] = field(default_factory=dict)
    rtts_of_asn: dict[int, dict[str, float]] = field(default_factory=dict)
    overrides: dict[Network, str] = field(default_factory=dict)
    override_of_asn: dict[int, str] = field(default_factory=dict)
    depth: int = 3

    def render_routes(self, site: str | None) -> str:
        """Give a route file: the common one, or that of a site's view."""
        table = self.common if site is None else self.views[site]
        return "".join(f"{prefix} {' '.join(map(str, path))}\n" for prefix, path in table.items())

    def render_times(self) -> str:
        clients: list[tuple[object, dict[str, float]]] = [*self.rtts.items()]
        clients += self.rtts_of_asn.items()
        return "clients,site,milliseconds\n" + "".join(
            f"{client},{site},{ms}\n" for client, times in clients for site, ms in times.items()
        )

    def render_overrides(self) -> str:
        rows = [f"prefix: {network}, site: {site}" for network, site in self.overrides.items()]
        rows += [f"asn: {asn}, site: {site}" for asn, site in self.override_of_asn.items()]
        return "overrides:\n" + "".join(f"  - {{{row}}}\n" for row in rows) if rows else ""

    def render_sites(self) -> str:
        """Give the parts of a configuration that are no routes and no zones."""
        asns = {site: asn for asn, site in NAMED.items()}
        places = {site: f"[{north}, {east}]" for site, (north, east) in PLACES.items()}
        sites = ""
        for site in SITES:
            keys = [f"vips: [{VIPS[site]}]"]
            keys += [f"location: {places[site]}"] if site in places else []
            keys += [f"asn: [{asns[site]}]"] if site in asns else []
            keys += [f"bias: {BIASES[site]}"] if site in BIASES else []
            keys += [f"fallback: [{', '.join(FALLBACKS[site])}]"] if site in FALLBACKS else []
            sites += f"  {site}: {{{', '.join(keys)}}}\n"
        ranking = f"rank_by: [{', '.join(self.rank_by)}], rtt: times.csv, depth: {self.depth}"
        return (
            f"self: {SELF}\nsites:\n{sites}geo: builtin\nranking: {{{ranking}}}\n"
            f"{self.render_overrides()}"
        )


class Judge:
    """Chooses as the page says, for a service that runs everywhere."""

    def __init__(self, world: World) -> None:
        """Take a world as it is."""
        self._world = world
        self._views = {site: Rows(world.views.get(site, {})) for site in SITES}
        self._common = Rows(world.common)
        self._overrides = Rows(world.overrides)

    def prefer(self, address: Address) -> Preferred:
        """Choose for the clients at an address."""
        seen = {site: self._find_hops(site, address) for site in SITES}
        known = {
            "rtt": self._find_rtts(address),
            "distance": self._find_distances(address),
            "path": {s: hops - BIASES.get(s, 0) for s, hops in seen.items() if hops is not None},
        }
        common = self._common.find(address)
        named = [NAMED[asn] for asn in (common[1] if common else ()) if asn in NAMED]
        places: tuple[tuple[str, str], ...] = ()
        if any(hops is not None for hops in seen.values()):
            ground, places = "views", self._rank(seen, known)
        elif named:
            ground = "common"
        elif any(known[metric] for metric in self._world.rank_by):  # what is left out counts not
            ground, places = "nearness", self._rank(seen, known)
        else:
            ground = "self"
        order = [site for site, _ in places] or [named[0] if ground == "common" else SELF]
        wanted = self._find_override(address)
        if wanted:
            order = list(dict.fromkeys((wanted, *order)))
        whole = dict.fromkeys((*order, *FALLBACKS.get(order[0], ()), SELF, *SITES))
        return Preferred(ground, wanted is not None, tuple(whole), places)

    def _find_hops(self, site: str, address: Address) -> int | None:
        """Count the hops in a site's view, repeated ones once; a default route is none."""
        found = self._views[site].find(address, least=1)
        return len(list(itertools.groupby(found[1]))) if found else None

    def _find_origin(self, address: Address) -> int:
        """Give the origin of the most specific route in any table; 0 without one."""
        found = [self._common.find(address)]
        found += [view.find(address, least=1) for view in self._views.values()]
        # Of equally long ones the common view's counts, then that of the first site.
        _, path = max((each for each in found if each), key=itemgetter(0), default=(0, (0,)))
        return path[-1]

    def _find_rtts(self, address: Address) -> dict[str, float]:
        """Give for each site the time of the most specific prefix, else of the origin."""
        known = dict(self._world.rtts_of_asn.get(self._find_origin(address), {}))
        for network in sorted(self._world.rtts, key=attrgetter("prefixlen")):
            if address in network:
                known |= self._world.rtts[network]
        return known

    def _find_distances(self, address: Address) -> dict[str, float]:
        centre = CENTRES.get(self._world.countries.find(address))
        return {s: kilometres(centre, place) for s, place in PLACES.items()} if centre else {}

    def _find_override(self, address: Address) -> str | None:
        found = self._overrides.find(address)
        return found[1] if found else self._world.override_of_asn.get(self._find_origin(address))

    def _rank(
        self, seen: Mapping[str, int | None], known: Mapping[str, Mapping[str, float]]
    ) -> tuple[tuple[str, str], ...]:
        """Put sites in order: for each place, every step puts some out."""
        left, places = list(SITES), []
        while left and len(places) < self._world.depth:
            standing = [site for site in left if seen[site] is not None] or left
            step = "route" if len(standing) < len(left) else "the only site left"
            standing, step = self._eliminate(standing, step, known)
            places.append((standing[0], "configured order" if len(standing) > 1 else step))
            left.remove(standing[0])
        return tuple(places)

    def _eliminate(
        self, standing: list[str], step: str, known: Mapping[str, Mapping[str, float]]
    ) -> tuple[list[str], str]:
        rank_by = self._world.rank_by
        steps = [(metric, metric, MARGINS[metric]) for metric in rank_by]
        steps += [("the nearest of equals", each, 0) for each in rank_by if each != "path"]
        for name, metric, margin in steps:
            figures = {site: known[metric][site] for site in standing if site in known[metric]}
            if len(standing) == 1 or not figures:
                continue
            most = min(figures.values()) + margin
            staying = [site for site in standing if figures.get(site, most) <= most]
            if len(staying) < len(standing):
                standing, step = staying, name
        return standing, step


def is_usual(address: Address) -> bool:
    """Tell whether an address is globally reachable unicast, and wraps no other."""
    if address.version == 6 and int(address) >> 125 != 1:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in block for block in ODD if block.version == address.version)
    )


def pick_seeds(chance: Random, countries: Countries, version: int, count: int) -> list[Address]:
    """Give addresses, most of them in stretches of different countries."""
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    shift = 64 if version == 6 else 0
    found: list[Address] = []
    while len(found) < count:
        address = kind(chance.choice(countries.starts[version]) << shift | chance.getrandbits(8))
        if is_usual(address):
            found.append(address)
    return found


def around(chance: Random, address: Address, longer: int = 0) -> Network:
    """Give a prefix around an address, a common length or `longer` than that."""
    length = chance.choice((10, 12, 16, 19, 20) if address.version == 4 else (24, 29, 32, 40))
    return ipaddress.ip_network((address, length + longer), strict=False)


def make_world(chance: Random, countries: Countries, rank_by: Sequence[str]) -> World:
    """Make tables around some addresses, with all that the page speaks of."""
    world = World(countries, tuple(rank_by), views={"au": {}, "nl": {}, "br": {}})
    for version, count in ((4, 260), (6, 140)):
        for seed in pick_seeds(chance, countries, version, count):
            add_routes(chance, world, seed)
    for site in ("au", "nl"):  # they count for nothing
        for default in ("0.0.0.0/0", "::/0"):
            world.views[site][ipaddress.ip_network(default)] = (700, 799)
    world.override_of_asn = {1003: "br", 1011: "nl", 799: "au"}
    world.rtts_of_asn = {1005: {"au": 30, "nl": 33.5, "us": 90}, 799: {"nl": 1}}
    return world


def add_routes(chance: Random, world: World, seed: Address) -> None:
    """Say this and that of the addresses around one."""
    origin = 1000 + int(seed) % 97
    covering = around(chance, seed)
    for site, view in world.views.items():
        if chance.random() < 0.55:
            view[covering] = make_path(chance, origin)
        if chance.random() < 0.12:  # a more specific one, at this site alone
            view[around(chance, seed, longer=4)] = make_path(
                chance, origin + 200, repeats=site == "br"
            )
    if chance.random() < 0.35:
        first = chance.choice((64601, 64604, 64699))
        world.common[around(chance, seed, longer=2)] = (3, first, origin + 400)
    if chance.random() < 0.2:
        times = {site: chance.choice((8, 11, 12.5, 40, 170)) for site in SITES}
        some = chance.sample(SITES, chance.randint(1, 4))
        world.rtts[around(chance, seed, longer=chance.choice((0, 3)))] = {s: times[s] for s in some}
    if chance.random() < 0.06:
        world.overrides[around(chance, seed, longer=1)] = chance.choice(SITES)


def make_path(chance: Random, origin: int, repeats: int = 0) -> tuple[int, ...]:
    path = [700 + chance.randrange(40) for _ in range(chance.randint(0, 3))]
    path += [origin] * (chance.choice((1, 1, 3)) + repeats)
    return tuple(path)


def pick_addresses(chance: Random, world: World, count: int) -> list[Address]:
    """Give addresses near to what is said, and some about which nothing is."""
    tables = [*world.views.values(), world.common, world.rtts, world.overrides]
    networks = [network for table in tables for network in table if network.prefixlen]
    found: list[Address] = []
    while len(found) < count:
        network = chance.choice(networks)
        address = network[chance.randrange(network.num_addresses)]
        if chance.random() < 0.15:
            address = type(address)(chance.getrandbits(address.max_prefixlen))
            if address.version == 6:
                address = ipaddress.IPv6Address(int(address) >> 3 | 1 << 125)
        if is_usual(address):
            found.append(address)
    return found
