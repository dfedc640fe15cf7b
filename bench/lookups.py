"""How fast addresses are looked up, in one process.

    python bench/lookups.py

The same random announced addresses are looked up by PyTricia, by the RIB around it, and in
a plan's map by the pure and the native twin.
"""

from __future__ import annotations

import ctypes
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confs import compile_plan
from ground import FAMILIES, Client, Ground, load_ground, packed, sample_announced
from pytricia import PyTricia
from tables import build_snapshot
from tabular import print_table

from sparrow.plan.lookup import find_leaf
from sparrow.plan.reader import open_plan
from sparrow.rib.route import parse_route
from sparrow.rib.table import Rib, build_rib
from sparrow.values.address import Prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.plan.plan import MapFile, Plan

_ADDRESSES = 100_000
_REPEATS = 7
_SEED = 7871


class _Map(ctypes.Structure):
    """`struct map` of sparrow/plan/map.h."""

    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in ("v4_words", "v4_index", "v6_high", "v6_low", "v6_codes", "v6_index")
        ),
        ("v4_count", ctypes.c_uint32),
        ("v6_count", ctypes.c_uint32),
    ]


def build_native_finder(address_map: MapFile, folder: Path) -> Callable[[bytes, int], list[int]]:
    """Compile the native look-up alone; give what finds the codes of addresses of one size."""
    here = Path(__file__).parent
    library = folder / "lookups.so"
    headers = here.parent / "sparrow" / "plan"
    command = ["cc", "-O3", "-std=gnu11", "-shared", "-fPIC", "-I", headers, "-o", library]
    subprocess.run([*command, here / "lookups.c"], check=True)
    views = {
        name: (ctypes.c_char * view.nbytes).from_buffer_copy(view)
        for name, view in ((name, getattr(address_map, name)) for name, kind in _Map._fields_[:6])
    }
    table = _Map(
        *map(ctypes.addressof, views.values()), len(address_map.v4_words), len(address_map.v6_high)
    )
    find_all = ctypes.CDLL(str(library)).find_all

    def find(addresses: bytes, size: int) -> list[int]:
        codes = (ctypes.c_uint32 * (len(addresses) // size))()
        find_all(ctypes.byref(table), addresses, size, len(codes), codes)
        assert views  # noqa: S101  (kept as long as the table points to them)
        return list(codes)

    return find


def best_s(step: Callable[[], Any]) -> float:
    """Give the shortest of some runs: what disturbs only makes them longer."""
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def load_ribs(ground: Ground) -> tuple[Rib, dict[int, PyTricia]]:
    """Give the table as a RIB, and as bare PyTricia tries by family."""
    route = parse_route("64600")
    rib = build_rib(
        build_snapshot((Prefix(packed(client), client.length), route) for client in _rows(ground))
    )
    tries = {4: PyTricia(32, FAMILIES[4], True), 6: PyTricia(128, FAMILIES[6], True)}
    for client in _rows(ground):
        tries[client.family].insert(packed(client), client.length, route)
    return rib, tries


def _rows(ground: Ground) -> list[Client]:
    return [Client(row.family, row.network, row.length) for row in ground.rows]


def measure_lookups(ground: Ground, plan: Plan, folder: Path) -> None:
    """Print the rates of all look-ups; end where the twins differ."""
    rib, tries = load_ribs(ground)
    address_map = plan.maps[0]
    find_native = build_native_finder(address_map, folder)
    rows = []
    for family in (4, 6):
        clients = sample_announced(ground, family, _ADDRESSES, random.Random(_SEED))
        addresses = [packed(client) for client in clients]
        size, joined, trie = len(addresses[0]), b"".join(addresses), tries[family]
        codes = [find_leaf(address_map, address).code for address in addresses]
        if codes != find_native(joined, size):
            sys.exit("the twins' look-ups differ")
        for name, step in (
            ("PyTricia", lambda: [trie.get(address) for address in addresses]),  # noqa: B023
            ("RIB (PyTricia)", lambda: [rib.find(address) for address in addresses]),  # noqa: B023
            ("pure", lambda: [find_leaf(address_map, each) for each in addresses]),  # noqa: B023
            ("native", lambda: find_native(joined, size)),  # noqa: B023
        ):
            spent_s = best_s(step)
            each_ns, rate = spent_s / _ADDRESSES * 1e9, _ADDRESSES / spent_s
            rows.append((name, f"IPv{family}", f"{each_ns:,.0f}", f"{rate:,.0f}"))
    print_table("Look-ups of random announced addresses", ("by", "family", "ns", "per s"), rows)


def main() -> None:
    """Measure."""
    ground = load_ground()
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as name:
        folder = Path(name)
        plan = open_plan(compile_plan(folder, 5300, ground))
        measure_lookups(ground, plan, folder)


if __name__ == "__main__":
    main()
