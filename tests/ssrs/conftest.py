"""Sessions over a few routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes, converse

from sparrow.ssrs.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def session() -> Session:
    """A session whose password is `secret`, not yet logged in."""
    return Session(ListedRoutes(), "sparrow", "secret")


@pytest.fixture
def at_prompt(session: Session) -> Session:
    """The same, at its prompt."""
    converse(session, b"secret\n")
    return session


@pytest.fixture
def ask(at_prompt: Session) -> Callable[[str], list[str]]:
    """Say a line; give the lines that come back, without echo and prompt."""

    def say(line: str) -> list[str]:
        output = converse(at_prompt, line.encode() + b"\n").decode()
        head, tail = f"{line}\r\n", "sparrow> "
        assert (output[: len(head)], output[-len(tail) :]) == (head, tail)
        return output[len(head) : -len(tail)].replace("\r\n", "\n").split("\n")[:-1]

    return say
