"""What is told beside the answers: garbage, a route server in trouble, and whatever is asked for.

Law: garbage is told each time, the trouble of a route server once until it changes or is over,
so that a log does not grow by a line for each query. Start from `Notes`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.fields import shown
from sparrow.supersparrow.asking import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.supersparrow.asking import Answer
    from sparrow.supersparrow.settings import Settings


class Notes:
    """Tells of one answer after the other."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        """Write lines with `tell`, as many as the settings ask for."""
        self._settings = settings
        self._tell = tell
        self._trouble: str | None = None

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
                self._tell(f"{cause}; until it answers, answers are {answer}")
            self._trouble = cause
        elif answer.source is Source.RULE and self._trouble is not None:
            self._tell("the route server answers again")
            self._trouble = None
