"""A dialogue with a route server, without a socket.

Law: the server speaks first, and is never told anything that it does not wait for: a line goes
out when its prompt has come, one question at a time. Whatever comes, a dialogue keeps one
unfinished line and a few words. Start from `Dialogue`.

The unfinished line says whose turn it is:

| waiting for | it is | then | and waits for |
|---|---|---|---|
| login, preparation | `Username:` | says the user, once | login |
| login, preparation | `Password:` | says the password, once | login |
| login, preparation | a prompt | says the next line of the preparation | preparation |
| login, preparation | a prompt, all is said | `Ready` | a question |
| an answer | the prompt | `Learnt`, `Refusal`; `Ending` for nonsense | a question |
| all of these | `--More--` | turns the page | the same |
| a question | anything | drops it | the same |

A question for a user or a password that is not known, or was said before, is an `Ending`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from sparrow.routeserver.lines import LineCutter
from sparrow.routeserver.reading import Nonsense, show
from sparrow.values.address import family_of, render_address

if TYPE_CHECKING:
    from sparrow.routeserver.dialect import Dialect
    from sparrow.routeserver.reading import Reading, Refusal
    from sparrow.routeserver.server import Learnt

MAX_ANSWER = 2**20
"""Octets between two prompts; a hundred paths with all their communities have some 100,000."""

_MORE = "--More--"
_ASKS_USER = re.compile(r"(?:user ?name|login) ?:$", re.IGNORECASE)
_ASKS_PASSWORD = re.compile(r"pass(?:word|code) ?[:?]$", re.IGNORECASE)
_PROMPT = re.compile(r"[A-Za-z0-9][!-~]*[>#]")
"""A prompt of which nothing is known yet: banners may have a line that ends with one of these."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The dialogue is in, and waits for the first question."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The dialogue is over: the connection is to be closed."""

    why: str
    """What happened, as the end of a sentence that begins with the server."""


Event: TypeAlias = "Ready | Learnt | Refusal | Ending"
"""What a dialogue comes to next."""


class _Stage(Enum):
    LOGIN = "login"
    PREPARATION = "preparation"
    QUESTION = "question"
    ANSWER = "answer"
    OVER = "over"


class Dialogue:
    """One connection's dialogue: octets in by `receive` and `end`, out by `send`."""

    def __init__(self, dialect: Dialect, *, password: str | None, user: str | None = None) -> None:
        """Wait for the server; None for what is not to be said."""
        self._dialect = dialect
        self._password = "" if password is None and dialect.is_open else password
        self._user = user
        self._said: set[str] = set()
        self._stage = _Stage.LOGIN
        self._lines = LineCutter()
        self._octets = 0
        self._last = ""
        self._prompt = ""
        self._prepared = 0
        self._reading: Reading | None = None
        self._out = bytearray()

    @property
    def is_ready(self) -> bool:
        """Whether a question may be asked."""
        return self._stage is _Stage.QUESTION

    def send(self) -> bytes:
        """Give what is to be sent now."""
        octets = bytes(self._out)
        self._out.clear()
        return octets

    def ask(self, address: bytes) -> None:
        """Ask for a packed address. Raises `ValueError` while not ready, or for its family."""
        if not self.is_ready:
            raise ValueError("an answer is waited for")
        question = self._dialect.questions.get(family_of(address))
        if question is None:
            raise ValueError("it knows no such addresses")
        self._reading = self._dialect.begin(address)
        self._stage = _Stage.ANSWER
        self._octets = 0
        self._say(question.format(render_address(address)))

    def receive(self, octets: bytes) -> Event | None:
        """Take what came; None while more is to come."""
        if self._stage is _Stage.OVER:
            return None
        event: Event | None = None
        for line in self._lines.cut(octets):
            event = self._take(line) or event
        if event is not None:
            return event
        if self._lines.is_broken:
            return self._end("sends a line without an end")
        # What nobody waits for is dropped, and is no part of the next answer.
        self._octets += len(octets) if self._stage is not _Stage.QUESTION else 0
        if self._octets > MAX_ANSWER:
            return self._end(f"sends more than {MAX_ANSWER} octets at once")
        return self._see(self._lines.tail())

    def end(self) -> Event | None:
        """Learn that the server has closed the connection."""
        if self._stage is _Stage.OVER:
            return None
        words = f", its last words being {show(self._last)}" if self._last else ""
        return self._end(f"closed the connection{words}")

    def _end(self, why: str) -> Ending:
        self._stage = _Stage.OVER
        self._reading = None
        self._out.clear()
        return Ending(why)

    def _say(self, line: str) -> None:
        # A bare line feed: Zebra takes CR and LF for a line each.
        self._out += line.encode() + b"\n"
        self._lines.drop_tail()

    def _take(self, line: str) -> Event | None:
        """Take a line; one that is the prompt was ended by what the server said unasked."""
        if self._stage is _Stage.ANSWER and line.rstrip(" ") == self._prompt:
            return self._finish()
        if line.strip():
            self._last = line.strip()
        if self._reading is not None:
            self._reading.take(line)
        return None

    def _see(self, tail: str) -> Event | None:
        """Look at the unfinished line, and do what the table says."""
        if self._stage is _Stage.QUESTION:
            self._lines.drop_tail()
            return None
        if tail.endswith(_MORE):
            self._out += b" "
            self._lines.drop_tail()
            return None
        if self._stage is _Stage.ANSWER:
            return self._finish() if tail == self._prompt else None
        if _ASKS_USER.search(tail):
            return self._answer_login("user", self._user)
        if _ASKS_PASSWORD.search(tail):
            return self._answer_login("password", self._password)
        return self._prepare(tail) if _PROMPT.fullmatch(tail) else None

    def _answer_login(self, name: str, answer: str | None) -> Ending | None:
        if answer is None:
            return self._end(f"asks for a {name}, and none is configured")
        if name in self._said:
            return self._end(f"refuses the {name}")
        self._said.add(name)
        self._stage = _Stage.LOGIN
        self._say(answer)
        return None

    def _prepare(self, prompt: str) -> Ready | None:
        self._stage, self._prompt = _Stage.PREPARATION, prompt
        if self._prepared < len(self._dialect.preparation):
            self._say(self._dialect.preparation[self._prepared])
            self._prepared += 1
            return None
        self._stage = _Stage.QUESTION
        self._lines.drop_tail()
        return Ready()

    def _finish(self) -> Event | None:
        if self._reading is None:
            return None
        outcome = self._reading.finish()
        if isinstance(outcome, Nonsense):
            return self._end(outcome.why)
        self._reading = None
        self._stage = _Stage.QUESTION
        self._lines.drop_tail()
        return outcome
