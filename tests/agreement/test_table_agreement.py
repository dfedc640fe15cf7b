"""Every way to ask about an address gives one answer, which is that of the file."""

from __future__ import annotations

import ipaddress
import socket
from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, Any

import dns.edns
import dns.message
import dns.rdatatype
import pytest
from nameservers import LOOPBACK, PATIENCE_S, Sparrow, exchange, run_sparrow, serving_sparrow
from routescan import Placing, RouteScan, sample_addresses, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from routescan import IpAddress

BLOCKS = {
    "apnic": (131072, 151865),
    "ripe": (196608, 221000),
    "lacnic": (262144, 274844),
    "afrinic": (327680, 329727),
    "arin": (393216, 402332),
    "mixed": (1, 64495),
}
"""AS numbers of the regional registries (IANA, 32-bit), and the older ones of all of them."""
FALLBACK = "rest"
SITES = (*BLOCKS, FALLBACK)
VIPS = {site: (f"192.0.2.{number}", f"2001:db8::{number}") for number, site in enumerate(SITES, 10)}
TYPES = ("A", "AAAA")
ZONE = "steered.example"
RESOLVER = ipaddress.IPv4Address(LOOPBACK)

ADDRESSES = 10_000
FEWEST = 300
"""Addresses that each site has at least in the sample."""
TABLE_SIZES = (1_168_945, 279_855)
MAX_RSS_KIB = 350 * 1024
PROMPT = b"sparrow> "


@pytest.fixture
def config(tables: Path, free_port: Callable[[], int]) -> dict[str, Any]:
    sites = {
        site: {"asn": ["-".join(map(str, BLOCKS[site]))] if site in BLOCKS else [], "vips": vips}
        for site, vips in VIPS.items()
    }
    soa = {"mname": f"ns.{ZONE}.", "rname": f"hostmaster.{ZONE}."}
    return {
        "self": FALLBACK,
        "sites": sites,
        "routes": [{"file": str(path), "format": "pfx2as"} for path in table_files(tables)],
        "zones": {ZONE: {"soa": soa, "ns": [f"ns.{ZONE}."]}},
        "ssrs": {"listen": f"{LOOPBACK}:{free_port()}", "hostname": "sparrow"},
    }


@pytest.fixture
def sparrow(
    config: dict[str, Any], free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Sparrow]:
    with serving_sparrow(config, tmp_path, free_port()) as server:
        yield server


def table_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("internet-*.pfx2as.gz"))


def ask_dns(port: int, addresses: list[IpAddress]) -> list[str]:
    """Give the VIP for each address as ECS tells it whole; A and AAAA by turns."""
    wires = exchange(port, [encode_query(*each) for each in enumerate(addresses)])
    return [read_vip(*each) for each in zip(range(len(wires)), wires, addresses, strict=True)]


def encode_query(number: int, address: IpAddress) -> bytes:
    option = dns.edns.ECSOption(str(address), address.max_prefixlen)
    query = dns.message.make_query(ZONE, TYPES[number % 2], use_edns=0, options=[option])
    query.id = number
    return query.to_wire()


def read_vip(number: int, wire: bytes, address: IpAddress) -> str:
    message = dns.message.from_wire(wire)
    (option,) = message.options
    assert (text_of(address), address.max_prefixlen) == (option.address, option.srclen)
    (rrset,) = message.answer
    assert TYPES[number % 2] == dns.rdatatype.to_text(rrset.rdtype)
    (rdata,) = rrset
    return str(rdata.address)


def ask_route_port(port: int, addresses: list[IpAddress]) -> list[str | None]:
    """Give `PREFIX AS` for each address, from one session."""
    lines: list[str | None] = []
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as peer:
        stream = peer.makefile("rb")
        peer.sendall(b"any password\n")
        read_prompts(stream, 1)
        for start in range(0, len(addresses), 200):
            batch = [str(address).encode() for address in addresses[start : start + 200]]
            peer.sendall(b"\n".join(batch) + b"\n")
            for typed, reply in zip(batch, read_prompts(stream, len(batch)), strict=True):
                echo, line, rest = reply.split(b"\r\n")
                assert (typed, b"") == (echo, rest)
                lines.append(None if line.startswith(b"%") else line.decode())
    return lines


def read_prompts(stream: Any, count: int) -> list[bytes]:
    text = b""
    while text.count(PROMPT) < count or not text.endswith(PROMPT):
        octets = stream.read1()
        assert octets, text[-1000:]
        text += octets
    return text.split(PROMPT)[:-1]


def text_of(address: IpAddress) -> str:
    """Write an address as the C library does, which shows an IPv4 address that is mapped."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return socket.inet_ntop(family, address.packed)


def differing(addresses: list[IpAddress], expected: list[Any], actual: list[Any]) -> list[Any]:
    """Give the first addresses of which something else is said than expected."""
    assert len(expected) == len(actual)
    rows = zip(addresses, expected, actual, strict=True)
    return [row for row in rows if row[1] != row[2]][:20]


def read_table(tables: Path) -> Placing:
    scan = RouteScan()
    for path in table_files(tables):
        scan.read(path)
    return Placing(scan, BLOCKS, FALLBACK)


def site_of_line(placing: Placing, line: str | None) -> str:
    return placing.site_of_origin(line.split(" ", 1)[1]) if line else FALLBACK


def expected_row(placing: Placing, address: IpAddress) -> str:
    """Give the line of `sparrow lookup`."""
    line = placing.scan.line(address)
    site = placing.site_of_source(address)
    place = f"{site}\t{' '.join(VIPS[site])}"
    if line:
        return f"{line}\t{place}"
    inner = unwrapped(address)
    if placing.scan.line(inner):
        return f"{text_of(address)} -\t{place}\tas {inner}, which it wraps"
    return f"{text_of(address)} -"


@pytest.mark.timeout(600)
def test_every_way_to_ask_gives_what_the_files_say(
    sparrow: Sparrow, config: dict[str, Any], tables: Path
) -> None:
    placing = read_table(tables)
    addresses = sample_addresses(placing, seed=7871, count=ADDRESSES)
    assert ADDRESSES == len(set(addresses))
    sites = [placing.site_of_subnet(address, RESOLVER) for address in addresses]
    assert set(SITES) == {site for site, count in Counter(sites).items() if count >= FEWEST}

    before = sparrow.status()
    assert TABLE_SIZES == (before["tables"]["v4"], before["tables"]["v6"])
    assert TABLE_SIZES == (placing.scan.count(4), placing.scan.count(6))

    vips = ask_dns(sparrow.server.port, addresses)
    expected = [VIPS[site][number % 2] for number, site in enumerate(sites)]
    assert [] == differing(addresses, expected, vips)
    check_counters(before["counters"], sparrow.status()["counters"], sites)

    printed = run_sparrow(sparrow.config, "lookup", "-", stdin="\n".join(map(str, addresses)))
    rows = [expected_row(placing, address) for address in addresses]
    assert [] == differing(addresses, rows, printed.stdout.splitlines())
    assert "asking the daemon" in printed.stderr
    assert 1 == printed.returncode  # some addresses have no route

    lines = ask_route_port(int(config["ssrs"]["listen"].rpartition(":")[2]), addresses)
    assert [] == differing(addresses, list(map(placing.scan.line, addresses)), lines)
    by_line = [site_of_line(placing, line) for line in lines]
    told = [placing.is_told(address) for address in addresses]
    assert [] == differing(
        *(list(compress(column, told)) for column in (addresses, sites, by_line))
    )


def check_counters(before: dict[str, Any], after: dict[str, Any], sites: list[str]) -> None:
    """Want each query counted once, for the site that it was answered with."""
    for path in (("queries", "udp"), ("ecs",), ("responses", "NOERROR")):
        assert ADDRESSES == read_counter(after, path) - read_counter(before, path)
    assert dict.fromkeys(SITES, 0) == before["sites"]
    assert dict(Counter(sites)) == after["sites"]
    assert {"default": ADDRESSES} == after["services"]
    assert 0 == after["exceptions"] == after["truncated"]


def read_counter(counters: Any, path: tuple[str, ...]) -> int:
    for key in path:
        counters = counters.get(key, 0)
    return int(counters)


@pytest.mark.timeout(600)
def test_memory_is_bounded_and_three_reloads_take_no_more(sparrow: Sparrow) -> None:
    loaded = sparrow.server.rss_kib()
    reloaded = []
    for _ in range(3):
        said = run_sparrow(sparrow.config, "reload")
        assert (0, "") == (said.returncode, said.stdout)
        reloaded.append(sparrow.server.rss_kib())
    status = sparrow.status()
    assert TABLE_SIZES == (status["tables"]["v4"], status["tables"]["v6"])
    assert (1, True) == (status["serial"], status["reload"]["ok"])
    assert loaded <= MAX_RSS_KIB
    assert all(abs(rss - loaded) <= loaded * 0.05 for rss in reloaded), (loaded, reloaded)
