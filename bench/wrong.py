"""The share of clients that each server sends to a wrong site.

    python bench/wrong.py [SERVER ...]

What is right is a scan of the tables that shares no code with any of them. Clients are
told as /24 and /48, as resolvers do: one random inside each prefix drawn from all
announced ones, or anywhere. Blocks that are no places are left out.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ground import VIPS, Ground, load_ground, sample_announced, sample_anywhere
from servers import MAKES, Server, choose_makes, serving
from tabular import print_table
from wire import AAAA, NOERROR, A, encode_query, exchange, read_outcome

if TYPE_CHECKING:
    from ground import Client

_COUNT = 50_000
_SEED = 7871
_KINDS = ("IPv4 prefixes", "IPv6 prefixes", "IPv4 anywhere")


def draw_clients(ground: Ground) -> dict[str, list[Client]]:
    """Give the clients by kind."""
    chance = random.Random(_SEED)
    return {
        "IPv4 prefixes": sample_announced(ground, 4, _COUNT, chance),
        "IPv6 prefixes": sample_announced(ground, 6, _COUNT, chance),
        "IPv4 anywhere": sample_anywhere(_COUNT, chance),
    }


def count_wrong(server: Server, ground: Ground, clients: list[Client]) -> tuple[int, int]:
    """Give how many clients got another site, and how many no answer; A and AAAA by turns."""
    types = [(A, AAAA)[number % 2] for number in range(len(clients))]
    queries = [
        encode_query(rtype=rtype, client=client)
        for rtype, client in zip(types, clients, strict=True)
    ]
    wrong = lost = 0
    for wire, rtype, client in zip(exchange(server.port, queries), types, clients, strict=True):
        vip = VIPS[ground.site_of(client)][4 if rtype == A else 6]
        if wire is None:
            lost += 1
        elif read_outcome(wire) != (NOERROR, (vip,)):
            wrong += 1
    return wrong, lost


def main() -> None:
    """Ask every server; exit 1 where sparrow is wrong or silent."""
    ground = load_ground()
    clients = draw_clients(ground)
    rows = []
    is_good = True
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as folder:
        for make in choose_makes(MAKES, sys.argv[1:]):
            if not make.steers:
                continue
            with serving(make, Path(folder) / make.name.replace(" ", "-"), ground) as server:
                counts = [count_wrong(server, ground, clients[kind]) for kind in _KINDS]
            lost = sum(each for _, each in counts)
            rows.append((make.name, *(f"{wrong / _COUNT:.3%}" for wrong, _ in counts), lost))
            is_good = is_good and ("sparrow" not in make.name or not any(map(sum, counts)))
    title = f"Wrong sites, of {_COUNT:,} clients each"
    print_table(title, ("server", *_KINDS, "lost"), rows)
    if not is_good:
        sys.exit("sparrow sends clients to wrong sites, or does not answer")


if __name__ == "__main__":
    main()
