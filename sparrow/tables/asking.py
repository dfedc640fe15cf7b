"""What operators ask of the gate over the control socket. Start from `parse_decision`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparrow.control.ordering import MAX_NAME, MAX_REASON, name_giver
from sparrow.errors import InputError, Problem
from sparrow.tables.gate import Action, Decision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def parse_decision(action: Action, arguments: Mapping[str, Any], uid: int | None) -> Decision:
    """Read the arguments of `routes_approve` or `routes_rollback`.

    `uid` is what the kernel says of who asks. Raises `InputError` with all that is wrong.
    """
    problems = list(_find_problems(arguments))
    if problems:
        raise InputError(map(Problem, problems))
    return Decision(
        action=action,
        by=name_giver(arguments.get("by", "").strip(), uid),
        reason=arguments["reason"].strip(),
        name=arguments.get("table"),
    )


def _find_problems(arguments: Mapping[str, Any]) -> Iterator[str]:
    reason = arguments.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        yield "reason must be given, as text"
    for key, most in (("reason", MAX_REASON), ("by", MAX_NAME), ("table", MAX_REASON)):
        value = arguments.get(key)
        if value is not None and not isinstance(value, str):
            yield f"{key} is text"
        elif value is not None and len(value) > most:
            yield f"{key} is over {most} characters long"
        elif value is not None and not value.isprintable():
            yield f"{key} is one line of characters that can be shown"
