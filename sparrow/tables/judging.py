"""Whether a table may serve: what is compared with what, and which guards count.

Law: a function of what is remembered and of the files alone. A mode's file is compared with
what was last accepted of that mode and with nothing else; contents that were accepted
before are not looked at again, so no guard stops a failover. Start from `examine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sparrow.policy.guards import Scope
from sparrow.policy.modes import NORMAL
from sparrow.tables.state import mode_of, name_table

if TYPE_CHECKING:
    from sparrow.tables.state import Content, State


class Question(Enum):
    """What is left to decide about a table."""

    NONE = "it was accepted before"
    FIRST = "it is the first, so guards can only warn"
    GUARDS = "guards decide"
    REFUSED = "it was rolled back, so an operator decides"


@dataclass(frozen=True, slots=True)
class Examination:
    """How to decide about a table."""

    files: tuple[Content, ...]
    """The files, in configured order."""
    question: Question
    """What is left to decide."""
    baseline: tuple[Content, ...] | None
    """The files that they are compared with; None where nothing was ever accepted."""
    fallback: tuple[Content, ...] | None
    """The files that serve in the place of those that are held; None as above."""
    scope: Scope
    """Which guards count."""


# First match, from top to bottom:
#
#   accepted before, in this mode | rolled back | anything ever accepted | question
#   ------------------------------+-------------+------------------------+----------
#   any file or none              | yes         | yes                    | REFUSED
#   every file                    | no          | yes                    | NONE
#   not every file                | no          | no                     | FIRST
#   not every file                | no          | yes                    | GUARDS
#
# The first file ever of a mode but `normal` counts as accepted: what is in it is for
# a state in which something else would be wrong.
def examine(state: State, files: tuple[Content, ...]) -> Examination:
    """Say how to decide about files, in configured order."""
    refused = {content.identity for content in state.refused}
    is_refused = any(content.identity in refused for content in files)
    is_normal = mode_of(files) in {None, NORMAL}
    if state.present is None:
        return Examination(files, Question.FIRST, None, None, Scope(is_normal=is_normal))
    baseline = find_baseline(state, files)
    known = {content.identity for content in baseline}
    is_new = is_normal and any(each.mode and each.slot not in _slots(state) for each in files)
    question = Question.REFUSED if is_refused else Question.GUARDS
    if not is_refused and not is_new and name_table(baseline) == name_table(files):
        question = Question.NONE
    return Examination(
        files=files,
        question=question,
        baseline=baseline,
        fallback=state.present.files if is_new else baseline,
        scope=Scope(
            is_normal=is_normal,
            may_move=any(each.mode and each.identity not in known for each in files),
        ),
    )


# What a file is compared with:
#
#   file                 | its counterpart
#   ---------------------+-----------------------------------------------------------------
#   of a mode            | what was last accepted of that mode's file, or else the file itself
#   of no mode           | what serves now at the same path
#   no longer configured | nothing; it stays part of what is compared
def find_baseline(state: State, files: tuple[Content, ...]) -> tuple[Content, ...]:
    """Give the accepted counterparts of files."""
    of_modes = _slots(state)
    serving = {content.path: content for content in state.present.files} if state.present else {}
    paths = {content.path for content in files}
    found = [content for path, content in serving.items() if path not in paths]
    for content in files:
        if content.mode:
            found.append(of_modes.get(content.slot, content))
        elif content.path in serving:
            found.append(serving[content.path])
    return tuple(found)


def _slots(state: State) -> dict[tuple[str, str | None], Content]:
    """Give what was last accepted of each mode's file."""
    return {each.slot: each for table in state.last for each in table.files if each.mode}
