"""What clients are answered while something happens, and what to make of it.

Start from `Watch` and `read_turn`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from wire import NOERROR, encode_query, exchange, read_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ground import Client

_EVERY_S = 0.05
_LOOKS = 20_000
"""Looks that are kept: those of a quarter of an hour and more."""


@dataclass(frozen=True, slots=True)
class Look:
    """One round of answers."""

    at_s: float
    """When the last of them was there; monotonic seconds."""
    answers: tuple[str | None, ...]
    """Of each client: the addresses, or the rcode; None for none within two seconds."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How clients went from some answers to others."""

    first_s: float
    """Seconds until the first of them had its other answer."""
    all_s: float
    """Seconds until all of them had."""
    wrong: int
    """Answers that are neither, and those that came back when they had gone."""
    lost: int
    """Queries without an answer."""


class Watch(threading.Thread):
    """Asks for clients 20 times a second, from `with` until its end."""

    def __init__(self, port: int, clients: Sequence[Client]) -> None:
        """Ask a server on 127.0.0.1."""
        super().__init__(daemon=True)
        self._port = port
        self._queries = [encode_query(client=client) for client in clients]
        self._looks: deque[Look] = deque(maxlen=_LOOKS)
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()

    def run(self) -> None:
        """Ask, in a thread of its own."""
        pause_s = 0.0
        while not self._is_over.wait(pause_s):
            began_s = time.monotonic()
            answers = tuple(map(_render, exchange(self._port, self._queries)))
            now_s = time.monotonic()
            self._looks.append(Look(now_s, answers))
            pause_s = max(0.0, began_s + _EVERY_S - now_s)

    def looks_since(self, since_s: float) -> list[Look]:
        """Give the rounds of answers that came after a time."""
        return [look for look in tuple(self._looks) if look.at_s > since_s]

    def await_answers(self, wanted: Sequence[str], patience_s: float) -> None:
        """Wait until all answers are as they should be; the bench ends where they never are."""
        end_s = time.monotonic() + patience_s
        while not self._looks or self._looks[-1].answers != tuple(wanted):
            if time.monotonic() > end_s:
                present = self._looks[-1].answers if self._looks else "no answers"
                sys.exit(f"never answered as it should be: {present} instead of {tuple(wanted)}")
            time.sleep(_EVERY_S)


def _render(wire: bytes | None) -> str | None:
    if wire is None:
        return None
    rcode, addresses = read_outcome(wire)
    return " ".join(addresses) if rcode == NOERROR else f"rcode {rcode}"


def read_turn(
    looks: Iterable[Look], since_s: float, before: Sequence[str], after: Sequence[str]
) -> Turn:
    """Tell how answers went from `before` to `after`, in seconds since a time.

    Those that are equal in both should have stayed. A client that never got its other
    answer counts as long as the looks go.
    """
    moving = {
        number for number, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
    }
    moved_at_s: dict[int, float] = {}
    wrong = lost = 0
    end_s = since_s
    for look in looks:
        end_s = look.at_s
        for number, answer in enumerate(look.answers):
            if answer is None:
                lost += 1
            elif answer == after[number]:
                if number in moving:
                    moved_at_s.setdefault(number, look.at_s)
            elif answer != before[number] or number in moved_at_s:
                wrong += 1
    times_s = [max(0.0, moved_at_s.get(number, end_s) - since_s) for number in moving]
    return Turn(min(times_s), max(times_s), wrong, lost)
