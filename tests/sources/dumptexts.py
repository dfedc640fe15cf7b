"""Entries written as each program would print them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sparrow.sources.dumps import DumpFormat
from sparrow.values.address import render_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sparrow.rib.route import Route
    from sparrow.sources.entry import Entry, PeerPath

SHOW_HEAD = (
    "BGP table version is 7, local router ID is 192.0.2.9\n"
    "   Network          Next Hop            Metric LocPrf Weight Path\n"
)


def show_row(
    network: str,
    path: str,
    flags: str = "*> ",
    hop: str = "192.0.2.1",
    numbers: tuple[str, str] = ("", ""),
) -> str:
    """Write a row as Zebra's code does: columns of 3, 17, 16, 10, 7 and 7, then the path.

    `numbers` are metric and local preference.
    """
    metric, local_pref = numbers
    first = f"{flags}{network:<17}" if len(network) < 17 else f"{flags}{network}\n{'':20}"
    second = f"{hop:<16}" if len(hop) < 16 else f"{hop}\n{'':36}"
    return f"{first}{second}{metric:>10}{local_pref:>7}{'0':>7} {path}\n"


def render(dump_format: DumpFormat, entries: Sequence[Entry]) -> bytes:
    """Write entries in one of the text formats; of SSRS and PFX2AS one path of each entry."""
    return _RENDERERS[dump_format](entries).encode()


def _with_braces(route: Route) -> str:
    return " ".join(f"{{{hop}}}" if len(hop.asns) > 1 else str(hop) for hop in route.hops)


def _address(path: PeerPath) -> str:
    assert path.peer is not None
    assert path.peer.address is not None
    return render_address(path.peer.address)


def _asn(path: PeerPath) -> int:
    assert path.peer is not None
    assert path.peer.asn is not None
    return path.peer.asn


def _bgpdump(entries: Iterable[Entry]) -> str:
    return "".join(
        f"TABLE_DUMP2|1400824800|B|{_address(path)}|{_asn(path)}|{entry.prefix}|"
        f"{_with_braces(path.route)}|IGP|192.0.2.1|{path.local_pref or 0}|0||NAG||\n"
        for entry in entries
        for path in entry.paths
    )


def _show_bgp(entries: Iterable[Entry]) -> str:
    rows = [
        show_row(
            "" if number else str(entry.prefix),
            f"{_with_braces(path.route)} i",
            "*  " if number else "*> ",
            _address(path),
            ("0", str(path.local_pref or "")),
        )
        for entry in entries
        for number, path in enumerate(entry.paths)
    ]
    return SHOW_HEAD + "".join(rows) + "\nTotal number of prefixes 7\n"


def _frr_json(entries: Iterable[Entry]) -> str:
    routes = {
        str(entry.prefix): [
            {
                "valid": True,
                "bestpath": not number,
                "path": _with_braces(path.route),
                "peerId": _address(path),
                "nexthops": [{"ip": _address(path), "used": True}],
            }
            for number, path in enumerate(entry.paths)
        ]
        for entry in entries
    }
    return json.dumps({"vrfId": 0, "routes": routes, "totalRoutes": len(routes)})


def _bird(entries: Iterable[Entry]) -> str:
    lines = ["BIRD 2.0.12 ready.", "Table master4:"]
    for entry in entries:
        for number, path in enumerate(entry.paths):
            place = f"{'' if number else entry.prefix!s:<20} "
            lines += [
                f"{place}unicast [up{number} 2026-06-19] {'' if number else '* '}(100) [AS7i]",
                f"\tvia {_address(path)} on eth0",
                "\tBGP.origin: IGP",
                f"\tBGP.as_path: {_with_braces(path.route).replace(',', ' ')}",
                f"\tBGP.next_hop: {_address(path)}",
            ]
    return "\n".join(lines) + "\n"


def _ssrs(entries: Iterable[Entry]) -> str:
    return "".join(f"{entry.prefix} {entry.paths[0].route}\n" for entry in entries)


def _pfx2as(entries: Iterable[Entry]) -> str:
    return "".join(
        f"{render_address(entry.prefix.network)}\t{entry.prefix.length}"
        f"\t{entry.paths[0].route.hops[-1]}\n"
        for entry in entries
    )


_RENDERERS: dict[DumpFormat, Callable[[Sequence[Entry]], str]] = {
    DumpFormat.BGPDUMP: _bgpdump,
    DumpFormat.SHOW_BGP: _show_bgp,
    DumpFormat.FRR_JSON: _frr_json,
    DumpFormat.BIRD: _bird,
    DumpFormat.SSRS: _ssrs,
    DumpFormat.PFX2AS: _pfx2as,
}
