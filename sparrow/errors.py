"""The errors of sparrow, classed by what the caller does next.

One root, `SparrowError`. A concrete error is raised where it is decided and
derives from the class that says what to do about it: refuse the input and keep
what was there before (`InputError`; `UnwrittenError` where the same may do later), try later
or elsewhere (`UnavailableError`), or stop (`FatalError`). A bad packet is none of these: it
is an outcome (see `sparrow.dns.query`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_PROBLEMS = 20
"""Problems of one kind that are shown: more than anybody mends before he looks again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or doubtful, in something an operator wrote."""

    what: str
    """What is wrong, and what would be right, in one sentence."""
    file: str | None = None
    """The file as the operator named it; None where there is no file."""
    line: int | None = None
    """Line in the file, counted from 1; None where no line is to blame."""

    def __str__(self) -> str:
        """Render as `file:line: what`, the form that editors and people know."""
        where = "".join(f"{part}:" for part in (self.file, self.line) if part is not None)
        return f"{where} {self.what}" if where else self.what


@dataclass(slots=True)
class ProblemList:
    """The first `MAX_PROBLEMS` problems of one kind, and the count of the rest. Mutable."""

    shown: list[Problem] = field(default_factory=list)
    """The first ones; written by `append` alone."""
    more: int = 0
    """How many there are beside them; written by `append` alone."""

    def append(self, problem: Problem) -> None:
        """Take another problem; only those that are shown are held."""
        if len(self.shown) < MAX_PROBLEMS:
            self.shown.append(problem)
        else:
            self.more += 1

    def __len__(self) -> int:
        return len(self.shown) + self.more

    def __iter__(self) -> Iterator[Problem]:
        yield from self.shown
        if self.more:
            yield Problem(f"and {self.more} more like these", self.shown[-1].file)


def limit_problems(problems: Iterable[Problem]) -> ProblemList:
    """Give what is to be shown of problems of one kind."""
    found = ProblemList()
    for problem in problems:
        found.append(problem)
    return found


class SparrowError(Exception):
    """Root of every error that sparrow raises on purpose."""

    exit_code = 2


class InputError(SparrowError):
    """Something an operator wrote is refused: keep the old, or exit with 2.

    `problems` holds everything that was found, not only the first.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Hold `problems`, in the order in which they are to be read."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnwrittenError(InputError):
    """Sound input could not be put to use, as a disk is full or the like: try again later."""


class UnavailableError(SparrowError):
    """Something outside (a daemon, a socket) is not there: try later or elsewhere."""


class FatalError(SparrowError):
    """The program cannot go on as it was started: say why, and exit."""
