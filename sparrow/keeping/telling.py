"""Telling people what happened: in the log, in the journal, and by a program of theirs.

Law: what is told is told once, where it was decided, and nobody waits for it: programs run
one after the other, and of too many notices the newest are dropped and counted. Start from
`Teller`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sparrow.keeping.journal import Journal

_log = logging.getLogger(__name__)

MAX_WAITING = 100
"""Notices that wait for the program: some minutes of it at most, and no memory to speak of."""
_MAX_VALUE = 4096
"""Characters of a value in the program's environment."""
_PLAIN = re.compile(r"[A-Za-z0-9_.:/+@-]+\Z")
"""What needs no quotes in the log."""


class Ran(Protocol):
    """How a program ended; `sparrow.health.spawning.Ran` is one."""

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None where it could not be run."""

    @property
    def first_line(self) -> str:
        """The first line that it wrote; where it could not be run, why not."""

    @property
    def was_killed(self) -> bool:
        """Whether its time was over."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is run at each notice."""

    argv: tuple[str, ...]
    """The program and its arguments."""
    timeout_s: float
    """Seconds after which it is killed."""


class Teller:
    """Tells of events; `tell` may be called from the event loop alone."""

    def __init__(
        self,
        journal: Journal,
        run: Callable[[Sequence[str], Mapping[str, str], float], Awaitable[Ran]],
        clock: Callable[[], float],
    ) -> None:
        """`run` runs a program with additions to its environment; `clock` gives Unix seconds.

        Notices wait until `configure` says for which program, if for any.
        """
        self._journal = journal
        self._run = run
        self._clock = clock
        self._program: Program | None = None
        self._is_configured = asyncio.Event()
        self._waiting: asyncio.Queue[Mapping[str, str]] = asyncio.Queue(MAX_WAITING)
        self._counts = {"told": 0, "dropped": 0, "failed": 0}
        self._problem: str | None = None

    def configure(self, program: Program | None) -> None:
        """Run another program from now on; None for none."""
        if program != self._program:
            self._problem = None
        self._program = program
        self._is_configured.set()

    def snapshot(self) -> dict[str, Any]:
        """Give notices that the program took, failed at, or never got, and those that wait.

        `problem` is why it failed at the last one; None where it took that.
        """
        return {**self._counts, "waiting": self._waiting.qsize(), "problem": self._problem}

    def tell(self, event: str, fields: Mapping[str, Any]) -> None:
        """Tell of an event, a word; what belongs to it is text, numbers or None, by name."""
        at_s = self._clock()
        _log.info("%s", render_fields(event, fields))
        self._journal.append(event, at_s, fields)
        if self._program is None and self._is_configured.is_set():
            return
        try:
            self._waiting.put_nowait(_environment(event, at_s, fields))
        except asyncio.QueueFull:
            if not self._counts["dropped"]:
                _log.warning(
                    "notify: %d notices wait for its command, more are dropped", MAX_WAITING
                )
            self._counts["dropped"] += 1

    async def run(self) -> None:
        """Run the program for each notice, in order, until cancelled."""
        await self._is_configured.wait()
        while True:
            environment = await self._waiting.get()
            program = self._program
            if program is None:
                continue
            ran = await self._run(program.argv, environment, program.timeout_s)
            if ran.exit_code == 0 and not ran.was_killed:
                self._counts["told"] += 1
                self._problem = None
            else:
                self._counts["failed"] += 1
                self._problem = f"{program.argv[0]} {_describe_end(ran, program)}"
                _log.warning("notify: %s", self._problem)


def _describe_end(ran: Ran, program: Program) -> str:
    said = f": {ran.first_line}" if ran.first_line else ""
    if ran.was_killed:
        return f"was killed after {program.timeout_s:g} s{said}"
    if ran.exit_code is None:
        return f"could not be run{said}"
    return f"ended with {ran.exit_code}{said}"


def render_fields(event: str, fields: Mapping[str, Any]) -> str:
    """Give an event for the log: `order site=au action=drain reason="a kernel"`."""
    return " ".join([event, *(f"{key}={_quoted(value)}" for key, value in fields.items())])


def _quoted(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str) and not _PLAIN.match(value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _environment(event: str, at_s: float, fields: Mapping[str, Any]) -> dict[str, str]:
    """Give the variables of a notice: `SPARROW_` and the name of each field; None is empty."""
    rows = {"event": event, "at": render_moment(at_s), **fields}
    return {
        f"SPARROW_{key.upper()}": "" if value is None else str(value).replace("\0", "")[:_MAX_VALUE]
        for key, value in rows.items()
    }
