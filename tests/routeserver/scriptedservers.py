"""Route servers that say what a test wants, in the event loop of the test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from transcripts import WORD

from sparrow.routeserver.server import Kind, RouteServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PROMPT = b"jasmine> "
PATIENCE_S = 60.0


@dataclass
class Visit:
    """A connection, as the server has it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def hear(self) -> str:
        """Give the next line; nothing behind the last."""
        return (await self.reader.readline()).decode().rstrip("\n")

    async def log_in(self) -> None:
        """Hold the dialogue up to the first question."""
        self.say(b"\r\nUser Access Verification\r\n\r\nPassword: ")
        while await self.hear() != WORD:
            self.say(b"\r\nPassword: ")
        self.say(b"\r\n" + PROMPT)
        self.say((await self.hear()).encode() + b"\r\n" + PROMPT)

    def answer(self, question: str, path: str = "64600") -> None:
        """Answer a question with the /24 of its address."""
        address = question.rpartition(" ")[2]
        network = address.rpartition(".")[0] + ".0/24"
        self.say(
            f"{question}\r\nBGP routing table entry for {network}\r\n"
            f"Paths: (1 available, best #1, table default)\r\n  {path}\r\n"
            f"    192.0.2.1 from 192.0.2.1 (192.0.2.1)\r\n"
            f"      Origin IGP, valid, external, best\r\n".encode()
            + PROMPT
        )


Behaviour: TypeAlias = "Callable[[Visit], object]"


@dataclass
class Scripted:
    """A server that a test wrote."""

    port: int
    visits: int = 0
    """Connections so far."""
    questions: list[str] = field(default_factory=list)
    """What was asked, by `answer_all`."""

    @property
    def server(self) -> RouteServer:
        return RouteServer(Kind.ZEBRA, "127.0.0.1", self.port, WORD)

    async def answer_all(self, visit: Visit) -> None:
        """Answer until the client goes."""
        await visit.log_in()
        while question := await visit.hear():
            self.questions.append(question)
            visit.answer(question)


@asynccontextmanager
async def scripted(behave: Callable[[Scripted, Visit], object]) -> AsyncIterator[Scripted]:
    """Serve on a free port; `behave` is awaited for each connection, which then is closed."""
    found = Scripted(0)

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.visits += 1
        try:
            await behave(found, Visit(found.visits, reader, writer))  # type: ignore[misc]
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield found
    finally:
        server.close()
        await server.wait_closed()
