"""Whether a route server whose session means that a site is there still answers questions.

Law: what is asked is short, and one question is open at a time. Time is an argument. Start
from `Pulse`.

GoBGP tells of the end of a session when it has withdrawn all routes of it, which takes
minutes for a full table, and does nothing else meanwhile. So who withdraws much without a
word of anything else, and does not answer, has lost a session; and who does not answer for
long has stopped, or its machine has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sparrow.feeds.gobgppaths import Row

_MANY = 1000
"""Withdrawals without an announcement between them that raise a doubt."""
_DOUBTFUL_S = 1.0
"""Seconds for an answer where there is a doubt."""
_PATIENT_S = 10.0
"""Seconds for an answer otherwise: a server that takes a full table in is slow."""
_PAUSE_S = 5.0
"""Seconds between an answer and the next question."""
_NEWS_S = 2.0
"""Seconds after an answer until what had happened before has been told as well."""


class Question(Protocol):
    """A question that was asked; a future of grpc is one."""

    def done(self) -> bool:
        """Tell whether it came to its end."""

    def exception(self) -> BaseException | None:
        """Give why there is no answer, where it came to its end."""


class Pulse:
    """Asks, and listens to what is withdrawn. Whoever uses it from several threads holds a lock."""

    def __init__(self, ask: Callable[[], Question], now_s: float) -> None:
        """Begin with a server that has just answered."""
        self._ask = ask
        self._question: Question | None = None
        self._asked_at_s = 0.0
        self._next_s = now_s + _PAUSE_S
        self._in_row = 0
        self._doubted_at_s: float | None = None
        self._answered_at_s: float | None = None
        self.is_silent = False
        """Whether the site is to be taken for gone."""

    @property
    def is_doubted(self) -> bool:
        """Whether an answer is wanted soon."""
        return self._doubted_at_s is not None

    def listen(self, rows: Iterable[Row], now_s: float) -> None:
        """Hear what the server says of prefixes."""
        for row in rows:
            self._in_row = self._in_row + 1 if row.route is None else 0
        if self._in_row >= _MANY and not self.is_doubted:
            self._doubted_at_s = now_s

    def look(self, now_s: float) -> bool:
        """Let time pass; tell whether `is_silent` is another than before."""
        was_silent = self.is_silent
        if self._question is not None and self._question.done():
            self._take_answer(self._question.exception() is None, now_s)
        if self._question is None and (self.is_doubted or now_s >= self._next_s):
            self._question, self._asked_at_s = self._ask(), now_s
        if self._question is not None:
            since_s = max(self._asked_at_s, self._doubted_at_s or 0.0)
            patience_s = _DOUBTFUL_S if self.is_doubted else _PATIENT_S
            self.is_silent = self.is_silent or now_s - since_s >= patience_s
        if self._answered_at_s is not None and now_s - self._answered_at_s >= _NEWS_S:
            self._answered_at_s, self.is_silent = None, False
        return self.is_silent is not was_silent

    def _take_answer(self, is_answer: bool, now_s: float) -> None:  # noqa: FBT001
        self._question, self._next_s = None, now_s + _PAUSE_S
        if not is_answer:
            self._next_s, self._answered_at_s = now_s, None
            self.is_silent = True
            return
        if self._doubted_at_s is not None and self._asked_at_s >= self._doubted_at_s:
            self._doubted_at_s, self._in_row = None, 0
        if self.is_silent and self._answered_at_s is None:
            self._answered_at_s = now_s
