"""How often distance finds the site that is nearest by ping.

    python bench/truth.py [FOLDER]

FOLDER, or the one that SPARROW_TABLES names, has the table of pings between cities. Every
city that is no site itself is a client. The truth is the site with the lowest round-trip
time, of all pings of a day in either direction; what a choice costs is how much longer it
takes to the chosen site. The bench fails where country centres, with the margin that is the
default, do worse than they must for sites on four continents.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from tabular import print_table

from sparrow.policy.distance import Location, country_distance_km, great_circle_km
from sparrow.policy.ranking import Evidence, RankBy, Rules, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TABLES = Path(
    os.environ.get("SPARROW_TABLES", Path(__file__).resolve().parents[2] / "shared" / "data")
)
_PINGS, _PLACES = "rtt-cities-2020-07-19.csv.gz", "rtt-cities-2020-07-19.places.csv.gz"
_SEED = 2020
_DRAWS = 1000
"""Random choices for each city, so that chance plays no part in their mean."""
_MIN_SHARE, _MAX_EXTRA_MS = 0.92, 5.0
"""What country centres must reach with the sites of four continents."""

WORLD = ("Sydney", "Amsterdam", "New York", "Sao Paulo")
EUROPE = ("London", "Frankfurt", "Madrid", "Stockholm")
NEIGHBOURS = ("Amsterdam", "Frankfurt", "London", "Paris")
"""So near each other that the default margin spares all four: the nearest of equals is taken."""

_COUNTRIES = """
    AE United Arab Emirates, AL Albania, AR Argentina, AT Austria, AU Australia, BD Bangladesh,
    BE Belgium, BG Bulgaria, BR Brazil, CA Canada, CH Switzerland, CL Chile, CN China,
    CO Colombia, CR Costa Rica, CY Cyprus, CZ Czech Republic, DE Germany, DK Denmark,
    DZ Algeria, EC Ecuador, EE Estonia, EG Egypt, ES Spain, FI Finland, FR France,
    GB United Kingdom, GE Georgia, GH Ghana, GR Greece, GT Guatemala, HK Hong Kong,
    HN Honduras, HR Croatia, HU Hungary, ID Indonesia, IE Ireland, IL Israel, IM Isle of Man,
    IN India, IS Iceland, IT Italy, JP Japan, KE Kenya, KH Cambodia, KR South Korea,
    KZ Kazakhstan, LB Lebanon, LT Lithuania, LU Luxembourg, LV Latvia, MA Morocco, MD Moldova,
    MT Malta, MX Mexico, MY Malaysia, NG Nigeria, NL Netherlands, NO Norway, NZ New Zealand,
    PA Panama, PE Peru, PH Philippines, PK Pakistan, PL Poland, PR Puerto Rico, PT Portugal,
    RO Romania, RS Serbia, RU Russia, SA Saudi Arabia, SE Sweden, SG Singapore, SI Slovenia,
    SK Slovakia, SR Suriname, TH Thailand, TN Tunisia, TR Turkey, TW Taiwan, TZ Tanzania,
    UA Ukraine, UG Uganda, US United States, UY Uruguay, VE Venezuela, VN Vietnam, XK Kosovo,
    ZA South Africa
"""
CODES = {
    name.strip(): code for code, name in (pair.split(maxsplit=1) for pair in _COUNTRIES.split(","))
}
"""Country codes by the names of the table."""


@dataclass(frozen=True, slots=True)
class City:
    """A place that pings, and is pinged."""

    title: str
    """Its name."""
    country: str
    """Code of its country."""
    location: Location
    """Where it is."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Clients, and the sites that they may be sent to."""

    clients: tuple[City, ...]
    """Every city that is no site."""
    sites: tuple[City, ...]
    """In configured order."""
    rtts: tuple[tuple[float, ...], ...]
    """For each client the milliseconds to each site."""


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def load_cities(folder: Path) -> dict[str, City]:
    """Read the cities that have a place, by their number in the table of pings."""
    return {
        row["id"]: City(row["title"], CODES[row["country"]], (float(row["lat"]), float(row["lon"])))
        for row in _read_rows(folder / _PLACES)
    }


def load_pings(folder: Path) -> dict[frozenset[str], float]:
    """Read the lowest round-trip time in ms, by the numbers of the two cities."""
    found: dict[frozenset[str], float] = {}
    for row in _read_rows(folder / _PINGS):
        pair = frozenset((row["source"], row["destination"]))
        found[pair] = min(float(row["min"]), found.get(pair, math.inf))
    return found


def make_trial(
    cities: dict[str, City], pings: dict[frozenset[str], float], titles: Sequence[str]
) -> Trial:
    """Let every city that is no site, and of which all pings are known, be a client."""
    numbers = {city.title: number for number, city in cities.items()}
    sites = [numbers[title] for title in titles]
    clients = [
        number
        for number in cities
        if number not in sites and all(frozenset((number, site)) in pings for site in sites)
    ]
    return Trial(
        tuple(cities[number] for number in clients),
        tuple(cities[site] for site in sites),
        tuple(tuple(pings[frozenset((number, site))] for site in sites) for number in clients),
    )


def choose_nearest(
    trial: Trial, measure: Callable[[City, City], float | None], margin_km: float
) -> list[int]:
    """Give the site of each client, as a server that knows distances alone chooses it."""
    rules = Rules(rank_by=(RankBy.DISTANCE,), distance_margin_km=margin_km, depth=1)
    return [
        rank([Evidence(hops=1, distance_km=measure(client, site)) for site in trial.sites], rules)[
            0
        ].site
        for client in trial.clients
    ]


def by_country(client: City, site: City) -> float | None:
    """Measure from the centre of the client's country."""
    return country_distance_km(client.country, site.location)


def by_place(client: City, site: City) -> float:
    """Measure from where the client is."""
    return great_circle_km(client.location, site.location)


def score(trial: Trial, chosen: Sequence[int]) -> tuple[float, float]:
    """Give the share of clients at their best site, and the mean ms that the others add.

    `chosen` may be of several rounds, one behind the other.
    """
    rounds = len(chosen) // len(trial.rtts)
    costs = [rtts[site] - min(rtts) for rtts, site in zip(trial.rtts * rounds, chosen, strict=True)]
    return costs.count(0) / len(costs), fmean(costs)


def list_scores(trial: Trial) -> dict[str, tuple[float, float]]:
    """Give the scores of all ways to choose, by name."""
    chance = random.Random(_SEED)
    numbers = range(len(trial.sites))
    single = min(numbers, key=lambda site: fmean(rtts[site] for rtts in trial.rtts))
    margin_km = Rules().distance_margin_km
    found = {
        "random": chance.choices(numbers, k=len(trial.clients) * _DRAWS),
        f"all to {trial.sites[single].title}": [single] * len(trial.clients),
        "country, nearest": choose_nearest(trial, by_country, 0),
        "country, default margin": choose_nearest(trial, by_country, margin_km),
        "exact place, nearest": choose_nearest(trial, by_place, 0),
    }
    return {name: score(trial, chosen) for name, chosen in found.items()}


def main() -> None:
    """Print the tables; exit 1 where country centres do worse than they must."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else TABLES
    cities, pings = load_cities(folder), load_pings(folder)
    is_good = True
    for titles in (WORLD, EUROPE, NEIGHBOURS):
        trial = make_trial(cities, pings, titles)
        scores = list_scores(trial)
        rows = [(name, f"{share:.1%}", f"{extra:.1f}") for name, (share, extra) in scores.items()]
        title = f"{len(trial.clients)} cities to {', '.join(titles)}"
        print_table(title, ("chosen by", "best site", "extra ms"), rows)
        if titles is WORLD:
            share, extra = scores["country, default margin"]
            is_good = share >= _MIN_SHARE and extra <= _MAX_EXTRA_MS
    if not is_good:
        sys.exit(f"fewer than {_MIN_SHARE:.0%} at their best site, or over {_MAX_EXTRA_MS} ms more")


if __name__ == "__main__":
    main()
