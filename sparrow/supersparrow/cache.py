"""Answers that are held for a while, those asked for last first.

Law: an entry is for exactly one address and lives for its timeout, however often it is
found; finding it moves it to the front, and what is too much goes at the end. Start from
`ResultCache`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class ResultCache(Generic[T]):
    """Holds at most `size` answers, each for `timeout_s` seconds."""

    def __init__(self, size: int, timeout_s: float) -> None:
        """Hold nothing yet."""
        self._size = size
        self._timeout_s = timeout_s
        self._entries: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        """Count what is held, also what is too old by now."""
        return len(self._entries)

    def find(self, address: bytes, now: float) -> T | None:
        """Give what is held for a packed address at `now`, in seconds; None for nothing."""
        entry = self._entries.get(address)
        if entry is None:
            return None
        end, answer = entry
        if now >= end:
            del self._entries[address]
            return None
        self._entries.move_to_end(address, last=False)
        return answer

    def store(self, address: bytes, answer: T, now: float) -> None:
        """Hold an answer from `now` on, at the front."""
        self._entries[address] = (now + self._timeout_s, answer)
        self._entries.move_to_end(address, last=False)
        while len(self._entries) > self._size:
            self._entries.popitem()
