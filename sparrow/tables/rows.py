"""What is remembered of tables, as objects of JSON for the status. Start from `describe_state`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparrow.tables.state import mode_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.tables.state import Content, Held, State


def describe_state(state: State) -> dict[str, Any]:
    """Give what serves, what waits, and whether there is a way back."""
    present, back = state.present, state.way_back
    return {
        "serial": present.serial if present else 0,
        "accepted_at": present.at_s if present else None,
        "mode": present.mode if present else None,
        "files": _describe_files(present.files) if present else [],
        "held": describe_held(state.held) if state.held else None,
        "way_back": {"serial": back.serial, "accepted_at": back.at_s} if back else None,
    }


def describe_held(held: Held) -> dict[str, Any]:
    """Give what waits, and why."""
    return {
        "table": held.name,
        "at": held.at_s,
        "mode": mode_of(held.files),
        "reasons": list(held.reasons),
        "files": _describe_files(held.files),
    }


def _describe_files(files: Iterable[Content]) -> list[dict[str, Any]]:
    return [{"path": each.path, "sha256": each.sha256} for each in files]
