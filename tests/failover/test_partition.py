"""Two sites cut off from each other: each name server answers with its own site."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from failsites import CHECKS, CLIENTS, ZONES, Ground, Sampler, WebServer, transitions
from partition import joined
from running import START, Home, is_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from partition import Link
    from running import Daemon

ADDRESSES = {"au": "198.18.0.1", "nl": "198.18.0.2"}
AU, NL = ((ADDRESSES[name],) for name in ("au", "nl"))
ANSWERS = {"au": AU, "nl": NL}
UNROUTED = "50.0.0.0/24"
"""A client that no route is known of: `self` is its site."""
SITES = """\
self: {me}
{checks}sites:
  au: {{asn: [64600], vips: [198.18.0.1], checks: [{{http: {{port: {port}}}}}]}}
  nl: {{asn: [64601], vips: [198.18.0.2], checks: [{{http: {{port: {port}}}}}]}}
"""


@pytest.fixture
def link(needs: Callable[[str], str]) -> Iterator[Link]:
    """The networks of au and nl, joined."""
    if not is_root():
        pytest.skip("making a network namespace needs root")
    for program in ("ip", "nsenter", "unshare"):
        needs(program)
    with joined(ADDRESSES["au"], ADDRESSES["nl"]) as link:
        yield link


@pytest.fixture
def grounds(
    link: Link, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[dict[str, Ground]]:
    """A web server in each network, and what a name server needs there."""
    port, web_port = free_port(), free_port()
    with ExitStack() as stack:
        grounds = {}
        for name, side in (("au", link.here), ("nl", link.there)):
            folder = tmp_path / name
            folder.mkdir()
            sites = SITES.format(me=name, checks=CHECKS, port=web_port)
            home = Home(folder, port, sites=sites, zones=ZONES)
            stack.callback(home.end)
            web = WebServer(side.address, web_port, side.prefix)
            stack.callback(web.end)
            grounds[name] = Ground(home, web_port, {name: web})
        yield grounds


class Clients:
    """Clients of each site, and one of no site, who ask the name server of one network."""

    def __init__(self, stack: ExitStack, port: int, link: Link, me: str) -> None:
        side = link.here if me == "au" else link.there
        options = {"connect": side.open_udp, "rate": 200}
        subnets = {name: CLIENTS[name] for name in ADDRESSES} | {"nobody": UNROUTED}
        self.samplers = {
            name: stack.enter_context(Sampler(port, subnet, **options))
            for name, subnet in subnets.items()
        }

    def await_answers(self, **answers: tuple[str, ...]) -> None:
        """Wait until each is answered so, and then for some more answers."""
        for name, answer in answers.items():
            sampler = self.samplers[name]
            sampler.await_answer(answer, since_s=sampler.last.first_s)
        for sampler in self.samplers.values():
            sampler.await_more(100)

    def answers(self) -> dict[str, list[tuple[str, ...] | None]]:
        """Give what each was answered all along; a lost answer would be None."""
        return {name: sampler.addresses() for name, sampler in self.samplers.items()}


@pytest.mark.network
@pytest.mark.parametrize("how", ["down", "lost"])
def test_each_side_of_a_cut_link_answers_with_itself_until_it_heals(
    link: Link, grounds: dict[str, Ground], how: str
) -> None:
    sides = {"au": link.here, "nl": link.there}
    daemons: dict[str, Daemon] = {
        name: ground.home.serve(prefix=(*sides[name].prefix, *START))
        for name, ground in grounds.items()
    }
    with ExitStack() as stack:
        clients = {
            name: Clients(stack, ground.home.port, link, name) for name, ground in grounds.items()
        }
        for name in ADDRESSES:
            clients[name].await_answers(au=AU, nl=NL, nobody=ANSWERS[name])
        link.cut(how)
        for name, other in (("au", "nl"), ("nl", "au")):
            grounds[name].await_move(other, "serving", "failed")
            clients[name].await_answers(**dict.fromkeys(("au", "nl", "nobody"), ANSWERS[name]))
        link.heal(how)
        for name, other in (("au", "nl"), ("nl", "au")):
            grounds[name].await_move(other, "failed", "serving")
            clients[name].await_answers(au=AU, nl=NL, nobody=ANSWERS[name])
    assert {"au": [AU], "nl": [NL, AU, NL], "nobody": [AU]} == clients["au"].answers()
    assert {"au": [AU, NL, AU], "nl": [NL], "nobody": [NL]} == clients["nl"].answers()
    for name, other in (("au", "nl"), ("nl", "au")):
        moves = [(other, "serving", "failed"), (other, "failed", "serving")]
        assert moves == grounds[name].moves()
        assert {name: 0, other: 2} == transitions(daemons[name])
