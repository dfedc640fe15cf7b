"""From the text of an address to what its users are given, through a route server.

Law: every text has an answer: where anything is wrong it is `self`, and
the answer says what. What came of errors is not held, so the next query asks again. Start
from `Asking`.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from sparrow.config.fields import shown
from sparrow.errors import InputError, Problem
from sparrow.policy.special import unwrap
from sparrow.routeserver.server import RouteServer, RouteServerError
from sparrow.supersparrow.cache import ResultCache
from sparrow.supersparrow.decision import NOBODY, decide
from sparrow.values.address import parse_address, render_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.routeserver.server import Learnt
    from sparrow.supersparrow.settings import Settings


class RouteAsker(Protocol):
    """Whoever knows routes: a route server."""

    async def ask(self, address: bytes) -> Learnt:
        """Give the route of a packed address, or raise `RouteServerError`, within the timeout."""


class Source(Enum):
    """Where an answer comes from."""

    RULE = "the rule, for a route that was asked for"
    CACHE = "the cache"
    NO_ADDRESS = "a text that is no address"
    NO_ANSWER = "a route server that gave no answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address is given."""

    results: tuple[str, ...]
    """Values of peers, or the one value of `self`; never empty."""
    source: Source
    """Where it comes from."""
    why: str
    """What it follows from, or what was wrong, in a few words."""

    def __str__(self) -> str:
        """Render as the line that the program writes."""
        return " ".join(self.results)


def build_server(settings: Settings) -> RouteServer:
    """Tell the route server of the settings, the port of a service looked up.

    Raises `InputError` where no such service is known.
    """
    port = settings.port
    if isinstance(port, str):
        try:
            port = socket.getservbyname(port, "tcp")
        except OSError:
            what = f"port: there is no service {shown(port)} over TCP: give its number"
            raise InputError([Problem(what)]) from None
    return RouteServer(settings.kind, settings.host, port, settings.password)


class Asking:
    """Answers one text after another by the settings; for one event loop."""

    def __init__(self, settings: Settings, server: RouteAsker, clock: Callable[[], float]) -> None:
        """Ask `server`; `clock` gives seconds that never go back."""
        self._settings = settings
        self._server = server
        self._clock = clock
        self._cache: ResultCache[Answer] = ResultCache(
            settings.cache_size, settings.cache_timeout_s
        )

    async def answer(self, text: str) -> Answer:
        """Answer a text, which should be an address; blanks around it are passed over."""
        try:
            address = unwrap(parse_address(text.strip()))[0]
        except InputError:
            return self.give_own(Source.NO_ADDRESS, f"{shown(text.strip())} is no address")
        held = self._cache.find(address, self._clock())
        if held is not None:
            return Answer(held.results, Source.CACHE, held.why)
        if not self._settings.peers:
            return self.give_own(Source.RULE, "there are no peers")
        try:
            learnt = await self._server.ask(address)
        except RouteServerError as error:
            return self.give_own(Source.NO_ANSWER, str(error))
        answer = self._decide(address, learnt)
        self._cache.store(address, answer, self._clock())
        return answer

    def give_own(self, source: Source, why: str) -> Answer:
        """Make the answer of who is not nearest to anybody, or not known to be."""
        return Answer((self._settings.own,), source, why)

    def _decide(self, address: bytes, learnt: Learnt) -> Answer:
        if learnt.path is None:
            decision = NOBODY
            route = f"no path to {learnt.prefix or render_address(address)}"
        else:
            settings = self._settings
            decision = decide(learnt.path.path, settings.peers, settings.result_count)
            route = f"path {learnt.path} to {learnt.prefix}"
        if not decision.results:
            return self.give_own(Source.RULE, f"no peer: {route}")
        named = ", ".join(map(str, decision.asns))
        return Answer(decision.results, Source.RULE, f"peer {named}: {route}")
