"""One route server, asked over one connection.

Law: one question is under way at a time, and its answer comes or its error is raised within
`timeout_s` of the call. A connection that was left in the middle of an answer is never used
again, so that no answer is taken for that to another question. Start from `RouteServerClient`.
"""

from __future__ import annotations

import asyncio
import math
import os
from typing import TYPE_CHECKING

from sparrow.routeserver.dialogue import Dialogue, Ending, Ready
from sparrow.routeserver.kinds import DIALECTS
from sparrow.routeserver.reading import Refusal
from sparrow.routeserver.server import Kind as Kind
from sparrow.routeserver.server import Learnt as Learnt
from sparrow.routeserver.server import QuestionRefusedError as QuestionRefusedError
from sparrow.routeserver.server import RouteServer as RouteServer
from sparrow.routeserver.server import RouteServerError as RouteServerError
from sparrow.values.address import family_of, render_address

if TYPE_CHECKING:
    from sparrow.routeserver.dialogue import Event

TIMEOUT_S = 5.0
"""How long a question may take by default; our own choice."""

BACK_OFF_S = (1.0, 60.0)
"""How long a server is left alone after the first failure, and at most; each doubles it.

Our own choice: a router that is restarted is asked again soon, one that refuses the password
does not fill its log.
"""


class RouteServerClient:
    """Asks one route server. For one event loop.

    The connection is opened by the first question, shared by all, kept, and opened
    anew where the server has closed it.
    """

    def __init__(
        self,
        server: RouteServer,
        *,
        timeout_s: float = TIMEOUT_S,
        back_off_s: tuple[float, float] = BACK_OFF_S,
    ) -> None:
        """Ask `server`; a question takes at most `timeout_s`, waiting for its turn included.

        `back_off_s` is how long the server is left alone after the first failure, and at most.
        """
        self._server = server
        self._dialect = DIALECTS[server.kind]
        self._port = self._dialect.port if server.port is None else server.port
        self._timeout_s = timeout_s
        self._back_off_s = back_off_s
        self._turn = asyncio.Lock()
        self._link: _Link | None = None
        self._is_closed = False
        self._failure = ""
        self._pause_s = 0.0
        self._retry_at_s = 0.0

    async def ask(self, address: bytes) -> Learnt:
        """Give the route of a packed address. Raises `RouteServerError`.

        Of these, `QuestionRefusedError` where the server answers, but not this.
        """
        if family_of(address) not in self._dialect.questions:
            raise self._refuse(f"knows no addresses such as {render_address(address)}")
        try:
            async with asyncio.timeout(self._timeout_s) as limit, self._turn:
                event = await self._ask_in_turn(address, limit)
        except TimeoutError:
            raise self._error(f"does not answer within {self._timeout_s:g} s") from None
        if isinstance(event, Refusal):
            raise self._refuse(f"does not tell the route of {render_address(address)}: {event.why}")
        return event

    async def close(self) -> None:
        """Close the connection; a question under way and later ones raise `RouteServerError`."""
        self._is_closed = True
        if self._link is not None:
            await self._link.close()

    def _error(self, why: str) -> RouteServerError:
        return RouteServerError(self._say(why))

    def _refuse(self, why: str) -> QuestionRefusedError:
        return QuestionRefusedError(self._say(why))

    def _say(self, why: str) -> str:
        return f"the route server {self._server.host} port {self._port} {why}"

    async def _ask_in_turn(self, address: bytes, limit: asyncio.Timeout) -> Learnt | Refusal:
        """Ask over the connection that is there, and once more over another where that is lost."""
        if self._link is not None and self._link.is_ready and not self._is_closed:
            event = await self._ask_over(self._link, address)
            if not isinstance(event, Ending):
                return event
        self._refuse_early()
        try:
            self._link = await self._open()
            event = await self._ask_over(self._link, address)
            if isinstance(event, Ending):
                raise self._error(event.why)
        except RouteServerError as error:
            self._back_off(str(error))
            raise
        except asyncio.CancelledError:
            if limit.expired():
                self._back_off(str(self._error(f"does not answer within {self._timeout_s:g} s")))
            raise
        self._pause_s = 0.0
        return event

    async def _ask_over(self, link: _Link, address: bytes) -> Learnt | Refusal | Ending:
        try:
            event = await link.ask(address)
        except BaseException:  # a caller who gave up leaves an answer under way
            link.abort()
            raise
        return Ending("answers before it is asked") if isinstance(event, Ready) else event

    def _refuse_early(self) -> None:
        """Raise `RouteServerError` where the server is not to be tried now."""
        if self._is_closed:
            raise self._error("is asked no more: the client is closed")
        left_s = self._retry_at_s - asyncio.get_running_loop().time()
        if self._pause_s and left_s > 0:
            left = math.ceil(left_s)
            raise RouteServerError(f"{self._failure}; it is tried again in {left} s")

    def _back_off(self, failure: str) -> None:
        self._failure = failure
        self._pause_s = lengthen(self._pause_s, self._back_off_s)
        self._retry_at_s = asyncio.get_running_loop().time() + self._pause_s

    async def _open(self) -> _Link:
        """Connect and log in. Raises `RouteServerError`."""
        server = self._server
        link = _Link(Dialogue(self._dialect, password=server.password, user=server.user))
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: link, server.host, self._port
            )
        except OSError as error:
            raise self._error(f"cannot be reached: {_describe(error)}") from None
        self._link = link
        if self._is_closed:
            link.abort()
        try:
            event = await link.next()
        except BaseException:
            link.abort()
            raise
        if isinstance(event, Ending):
            raise self._error(event.why)
        return link


def lengthen(pause_s: float, back_off_s: tuple[float, float]) -> float:
    """Give how long a server is left alone that was so for `pause_s` before; 0 for not at all."""
    first_s, most_s = back_off_s
    return min(max(2 * pause_s, first_s), most_s)


def _describe(error: OSError) -> str:
    """Give the kernel's words, where asyncio has its own; names that are unknown have others."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error)


class _Link(asyncio.Protocol):
    """A connection, and the dialogue on it."""

    def __init__(self, dialogue: Dialogue) -> None:
        loop = asyncio.get_running_loop()
        self._dialogue = dialogue
        self._transport: asyncio.Transport | None = None
        self._event: asyncio.Future[Event] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()

    @property
    def is_ready(self) -> bool:
        """Whether a question may be asked."""
        return self._dialogue.is_ready

    async def ask(self, address: bytes) -> Event:
        """Ask, and give what comes next."""
        self._event = asyncio.get_running_loop().create_future()
        self._dialogue.ask(address)
        self._send()
        return await self._event

    async def next(self) -> Event:
        """Give what comes next."""
        return await self._event

    async def close(self) -> None:
        """Close the connection, and wait until that is so."""
        if self._transport is not None:
            self._transport.abort()
            await self._lost

    def abort(self) -> None:
        """Leave the dialogue where it stands, for good."""
        self._dialogue.end()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the server, which speaks first."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, octets: bytes) -> None:
        """Go on with the dialogue, also where nobody waits: so that nothing piles up."""
        event = self._dialogue.receive(octets)
        self._send()
        self._tell(event)

    def connection_lost(self, _error: Exception | None) -> None:
        """End the dialogue."""
        self._tell(self._dialogue.end())
        if not self._lost.done():
            self._lost.set_result(None)

    def _send(self) -> None:
        octets = self._dialogue.send()
        if octets and self._transport is not None:
            self._transport.write(octets)

    def _tell(self, event: Event | None) -> None:
        if event is None:
            return
        if isinstance(event, Ending) and self._transport is not None:
            self._transport.abort()
        if not self._event.done():
            self._event.set_result(event)
