"""What is remembered of route tables, on disk.

Law: whenever the process or the machine dies, the record that stands is the old one or the
new one, and every content that it speaks of and that had room has a whole copy. Start from
`AcceptedTables`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.keeping.statefile import load_json, store_json
from sparrow.tables.contents import ContentStore
from sparrow.tables.state import State, parse_state, render_state

if TYPE_CHECKING:
    from pathlib import Path

TABLES = "tables"
"""Name of the folder in the state directory."""
_RECORD = "accepted.json"


class AcceptedTables:
    """The record and the copies in a folder."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when there is something to keep."""
        self._path = folder / _RECORD
        self.contents = ContentStore(folder)
        """The copies."""

    def load(self) -> State:
        """Give what is remembered; an empty state where nothing is. Raises `InputError`."""
        tree = load_json(self._path)
        if tree is None:
            return State()
        try:
            return parse_state(tree)
        except ValueError as error:
            what = f"this record of tables is damaged ({error}): remove it, and it begins anew"
            raise InputError([Problem(what, str(self._path))]) from None

    def store(self, state: State) -> None:
        """Remember a state, and then drop the copies that it does not need. Raises `OSError`."""
        store_json(self._path, render_state(state))
        self.contents.prune(state.contents)
