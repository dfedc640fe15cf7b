"""The daemon with a real bgpd that it asks: from an unknown client to the nearest site."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "routeserver"))
from bgpdaemons import Bgpd, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon, Home

AU, NL, US = ["210.18.215.100"], ["193.173.27.8"], ["198.51.100.1", "198.51.100.2"]
SELF = NL
ROUTES = {
    "50.0.0.0/8": "64510 64600",
    "50.1.0.0/16": "64510 64602",
    "50.1.2.128/25": "64510 64600",
    "50.2.0.0/16": "64510 7",
    "50.3.0.0/16": "",
    "2b00:1::/32": "64510 64602",
}
TTL, TTL_MIN = 7, 4


@pytest.fixture
def bgpd(
    needs: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Bgpd]:
    found = Bgpd(needs("bgpd"), tmp_path / "bgpd", free_port(), routes=ROUTES)
    found.start()
    yield found
    found.stop()


def serve(home: Home, bgpd: Bgpd, **settings: str) -> Daemon:
    keys = {"host": "127.0.0.1", "port": str(bgpd.port), "password": bgpd.password or "null"}
    keys |= {"settle": "50ms", "max_delay": "1s", "timeout": "20s", **settings}
    inside = ", ".join(f"{key}: {value}" for key, value in keys.items())
    files = "".join(f"  - {{file: {file}}}\n" for file in home.files)
    routes = f"routes:\n{files}  - {{route_server: zebra, {inside}}}\n"
    home.files = ()
    home.configure(zones=routes + home.zones)
    return home.serve()


def ask(daemon: Daemon, subnet: str, rtype: str = "A") -> tuple[list[str], int, int]:
    """Give addresses, TTL and scope."""
    response = daemon.ask("www.example.org", rtype, subnet)
    (rrset,) = response.answer
    scope = next(option.scopelen for option in response.options if hasattr(option, "scopelen"))
    return sorted(str(item) for item in rrset), rrset.ttl, scope


def row_of(daemon: Daemon) -> dict[str, object]:
    (row,) = daemon.status()["feeds"]
    return row


def test_an_unknown_client_gets_self_and_then_his_nearest_site(home: Home, bgpd: Bgpd) -> None:
    daemon = serve(home, bgpd)
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.1.5.0/24")
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.9.0.0/16")
    wait_until(lambda: ask(daemon, "50.9.0.0/16") == (AU, TTL, 24))
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.1.6.0/24"), "a block is asked about on its own"
    assert 0 == daemon.status()["counters"]["exceptions"]
    row = row_of(daemon)
    assert ("live", "", 0, 0) == tuple(
        row[key] for key in ("phase", "problem", "skipped", "losses")
    )
