"""What is told beside the answers: garbage, a route server in trouble, and whatever is asked for.

Law: garbage is told each time; the trouble of a route server when it begins, changes or ends,
and in no more than `MOST` lines a minute, so that a log does not grow by a line for each query
of which a server knows nothing, as GateD of IPv6. Start from `Notes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.fields import shown
from sparrow.supersparrow.asking import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.supersparrow.asking import Answer
    from sparrow.supersparrow.settings import Settings


MOST = 10
"""Lines a minute about a route server: enough for one that is restarted."""
_MINUTE_S = 60.0


class Notes:
    """Tells of one answer after the other."""

    def __init__(
        self, settings: Settings, tell: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        """Write lines with `tell`; `clock` gives seconds that never go back."""
        self._settings = settings
        self._tell = tell
        self._clock = clock
        self._trouble: str | None = None
        self._minute_began_s = clock()
        self._count = 0

    def take(self, text: str, answer: Answer, took_s: float) -> None:
        """Tell what is to be told of an answer to `text` that took so many seconds."""
        self._follow_trouble(answer)
        if self._settings.is_verbose:
            span = f" ({answer.source.value}, {took_s * 1000:.0f} ms)"
            self._tell(
                f"{shown(text.strip())}: {answer}: {answer.why}"
                f"{span if self._settings.is_debug else ''}"
            )
        elif answer.source is Source.NO_ADDRESS:
            self._tell(f"{answer.why}; the answer is {answer}")

    def _follow_trouble(self, answer: Answer) -> None:
        """Tell when the trouble of the route server begins, changes or ends."""
        if answer.source is Source.NO_ANSWER:
            # Behind the semicolon is when the server is tried again, which differs each time.
            cause = answer.why.partition(";")[0]
            if cause != self._trouble:
                self._tell_some(f"{cause}; until it answers, answers are {answer}")
            self._trouble = cause
        elif answer.source is Source.RULE and self._trouble is not None:
            self._tell_some("the route server answers again")
            self._trouble = None

    def _tell_some(self, line: str) -> None:
        """Tell a line about the route server, unless there were too many in this minute."""
        now = self._clock()
        if now - self._minute_began_s >= _MINUTE_S:
            self._minute_began_s = now
            self._count = 0
        self._count += 1
        if self._count <= MOST:
            self._tell(line)
        elif self._count == MOST + 1:
            self._tell("there is more of this, which is not told until a minute has passed")
