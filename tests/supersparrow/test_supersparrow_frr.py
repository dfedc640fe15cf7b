"""The program beside a real bgpd (Debian: frr)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "routeserver"))
from bgpdaemons import Bgpd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrowprogram import Program

OWN = "www.self.example"
PEERS = "64601=www.b.example,64600=www.a.example,4200000001=www.c.example,64500=www.d.example"

EXPECTED = {
    "10.1.2.3": "www.a.example",
    "10.1.3.3": "www.a.example",
    "::ffff:10.1.3.3": "www.a.example",
    "10.2.3.4": OWN,  # a network of the router's own
    "10.3.0.1": OWN,  # no peer in the path
    "192.168.100.129": OWN,
    "11.0.0.1": "www.d.example",  # the default route
    "2001:db8::1": OWN,
    "2001:db8:1::1": "www.a.example",
    "2002:a01:101::1": "www.a.example",
    "2a00::1": OWN,  # no route
}
"""By the routes of `bgpdaemons`."""


@pytest.fixture
def bgpd(
    needs: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Bgpd]:
    """A bgpd that is not started yet."""
    daemon = Bgpd(needs("bgpd"), tmp_path / "bgpd", free_port())
    yield daemon
    daemon.stop()


def configure(program: Program, bgpd: Bgpd) -> None:
    program.configure(
        "route_server zebra",
        "host 127.0.0.1",
        f"port {bgpd.port}",
        f"password {bgpd.password}",
        f"peer {PEERS}",
        f"self {OWN}",
        "cache_size 0",
    )


@pytest.mark.parametrize("head", [(), ("service terminal-length 5",)])
def test_its_routes_decide_with_and_without_pages(
    program: Program, bgpd: Bgpd, head: tuple[str, ...]
) -> None:
    bgpd.head = head
    bgpd.start()
    configure(program, bgpd)
    assert (0, list(EXPECTED.values()), "") == _split(program.run(*EXPECTED))


def _split(ended: tuple[int, str, str]) -> tuple[int, list[str], str]:
    code, out, err = ended
    return code, out.splitlines(), err


def test_several_results_are_those_of_the_path_leftmost_first(program: Program, bgpd: Bgpd) -> None:
    bgpd.start()
    configure(program, bgpd)
    code, out, _ = program.run("--result_count=3", "10.1.2.3", "10.1.3.3", "10.3.0.1")
    assert 0 == code
    assert [
        "www.a.example www.c.example",
        "www.a.example www.b.example",
        OWN,
    ] == out.splitlines()


def test_a_bgpd_that_is_restarted_is_asked_again_by_itself(program: Program, bgpd: Bgpd) -> None:
    bgpd.start()
    configure(program, bgpd)
    with program.batch() as batch:
        assert "www.a.example" == batch.ask("10.1.2.3")
        bgpd.stop()
        assert OWN == batch.ask("10.1.2.3")
        assert OWN == batch.ask("10.1.3.3")
        bgpd.start()
        batch.ask_until("10.1.2.3", "www.a.example")
    where = f"supersparrow: the route server 127.0.0.1 port {bgpd.port}"
    assert [
        f"{where} cannot be reached: Connection refused; until it answers, answers are {OWN}",
        "supersparrow: the route server answers again",
    ] == batch.notes()


def test_a_wrong_password_gives_self(program: Program, bgpd: Bgpd) -> None:
    bgpd.start()
    configure(program, bgpd)
    code, out, err = program.run("--password=wrong", "10.1.2.3", "10.1.3.3")
    assert (0, [OWN, OWN]) == (code, out.splitlines())
    assert (
        f"supersparrow: the route server 127.0.0.1 port {bgpd.port} refuses the password; "
        f"until it answers, answers are {OWN}\n"
    ) == err
