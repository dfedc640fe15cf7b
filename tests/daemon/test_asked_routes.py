"""The daemon with a real bgpd that it asks: from an unknown client to the nearest site."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import dns.query
import pytest
from running import addresses_of, make_query

sys.path.append(str(Path(__file__).parents[1] / "routeserver"))
from bgpdaemons import PATIENCE_S, Bgpd, wait_until

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


def test_ipv6_and_tcp_are_asked_about_alike(home: Home, bgpd: Bgpd) -> None:
    daemon = serve(home, bgpd)
    assert (SELF, TTL_MIN, 56) == ask(daemon, "2b00:1:2::/48")
    wait_until(lambda: ask(daemon, "2b00:1:2::/48") == (US, TTL, 56))
    message = make_query("www.example.org", "A", "50.1.7.0/24")

    def addresses() -> list[str]:
        found = dns.query.tcp(message, "127.0.0.1", port=daemon.port, timeout=PATIENCE_S)
        return addresses_of(found)

    assert SELF == addresses()
    wait_until(lambda: addresses() == US)


def test_what_is_known_and_what_is_not_is_explained(home: Home, bgpd: Bgpd) -> None:
    daemon = serve(home, bgpd)

    def explain(subnet: str) -> tuple[str, dict[str, object]]:
        arguments = {"name": "www.example.org", "from": "127.0.0.1", "subnet": subnet}
        result = daemon.command("explain", **arguments)["result"]
        return "\n".join(result["lines"]), result["facts"]

    lines, facts = explain("50.2.1.0/24")
    assert "not known yet: the route server is asked when such a client comes" in lines
    assert "/24: 50.2.1.0/24 is what one question is about" in lines
    assert f"ttl:        {TTL_MIN} s" in lines
    assert (True, True, 24) == (facts["unknown"], facts["agrees"], facts["scope"])
    assert 0 == row_of(daemon)["updates"], "who looks asks nobody"
    for subnet in ("50.2.1.0/24", "50.3.1.0/24", "60.1.1.0/24"):
        ask(daemon, subnet)
    wait_until(lambda: row_of(daemon)["v4"] == 3)
    wait_until(lambda: not explain("60.1.1.0/24")[1]["unknown"])
    wait_until(lambda: not explain("50.2.1.0/24")[1]["unknown"])
    lines, facts = explain("50.2.1.0/24")
    assert "50.2.1.0/24, AS path 64510 7" in lines
    assert (True, TTL) == (facts["agrees"], facts["ttl"])
    assert "50.3.1.0/24, for which the route server has none" in explain("50.3.1.0/24")[0]
    assert (SELF, TTL, 24) == ask(daemon, "60.1.1.0/24")
    text = home.sparrow("status").stdout
    assert f"zebra 127.0.0.1 port {bgpd.port}: live, 3 IPv4 and 0 IPv6 prefixes" in text


def test_a_route_server_that_is_away_holds_nobody_up(home: Home, bgpd: Bgpd) -> None:
    bgpd.stop()
    daemon = serve(home, bgpd)
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.1.5.0/24")
    wait_until(lambda: row_of(daemon)["phase"] == "connecting")
    assert "Connection refused" in str(row_of(daemon)["problem"])
    assert "Connection refused" in home.sparrow("status", "--check").stdout
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.1.5.0/24")
    bgpd.start()
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))
    bgpd.stop()
    assert (US, TTL, 24) == ask(daemon, "50.1.5.0/24"), "what was learnt counts for its time"
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.1.6.0/24")


def test_what_was_learnt_counts_for_its_time(home: Home, bgpd: Bgpd) -> None:
    daemon = serve(home, bgpd, cache_timeout="3s")
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (SELF, TTL_MIN, 24))
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))


def test_a_source_that_is_configured_no_more_is_asked_no_more(home: Home, bgpd: Bgpd) -> None:
    zones, files = home.zones, home.files
    daemon = serve(home, bgpd)
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))
    home.configure(zones=zones, files=files)
    daemon.command("reload")
    wait_until(lambda: ask(daemon, "50.1.5.0/24")[:2] == (SELF, TTL))
    assert [] == daemon.status()["feeds"]
    assert 20 > ask(daemon, "50.1.5.0/24")[2]


def test_a_site_that_goes_is_left_by_the_unknown_too(home: Home, bgpd: Bgpd) -> None:
    daemon = serve(home, bgpd)
    outcome = home.sparrow("site", "down", "nl", "--reason", "test", "--yes")
    assert 0 == outcome.returncode, outcome.stderr
    wait_until(lambda: ask(daemon, "60.1.5.0/24")[0] != SELF)
    assert 24 == ask(daemon, "60.1.5.0/24")[2]
    outcome = home.sparrow("simulate", "--down", "au")
    assert 0 == outcome.returncode, outcome.stderr


def test_a_route_server_may_be_all_that_there_is(home: Home, bgpd: Bgpd) -> None:
    home.files = ()
    daemon = serve(home, bgpd)
    assert (SELF, TTL_MIN, 24) == ask(daemon, "50.1.5.0/24")
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))
    daemon.command("reload")
    assert (US, TTL, 24) == ask(daemon, "50.1.5.0/24"), "what was learnt is there after a reload"
    os.kill(daemon.status()["daemon_pid"], signal.SIGKILL)
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (SELF, TTL_MIN, 24))
    wait_until(lambda: ask(daemon, "50.1.5.0/24") == (US, TTL, 24))
