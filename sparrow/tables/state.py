"""What is remembered of route tables: what serves, what served before, what is held back.

Law: a state never changes; each step gives the next one, and whatever a step does not speak
of stays. Start from `State`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Content:
    """What stood in a route file."""

    path: str
    """The file as configured, which may be a link."""
    format: str
    """How its lines are written."""
    sha256: str
    """Digest of its octets, in hexadecimal digits."""
    size: int
    """Octets."""
    mtime_s: float
    """Time of its last change, in seconds since the epoch."""
    mode: str | None = None
    """Key of the mode whose file it was; None for a file of no mode."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """Tell contents apart: place, format, and octets."""
        return self.path, self.format, self.sha256

    @property
    def slot(self) -> tuple[str, str | None]:
        """Say what takes the place of what: each mode has contents of its own."""
        return self.path, self.mode


@dataclass(frozen=True, slots=True)
class Table:
    """Route files that served together."""

    serial: int
    """1 for the first table that was ever accepted, one more for each other."""
    at_s: float
    """Unix time at which it was accepted."""
    files: tuple[Content, ...]
    """In configured order."""

    @property
    def mode(self) -> str | None:
        """Key of the mode in force; None without modes."""
        return mode_of(self.files)

    @property
    def name(self) -> str:
        """What stands for the contents of every file."""
        return name_table(self.files)


@dataclass(frozen=True, slots=True)
class Held:
    """Route files that wait for an operator."""

    at_s: float
    """Unix time at which they were first seen."""
    reasons: tuple[str, ...]
    """Why they are held, in sentences."""
    files: tuple[Content, ...]
    """In configured order."""

    @property
    def name(self) -> str:
        """What it is called by who approves it: it stands for the contents of every file."""
        return name_table(self.files)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is remembered."""

    present: Table | None = None
    """What serves; None before the first table."""
    last: tuple[Table, ...] = ()
    """Of each mode, or of no mode, what served last; what serves is among them."""
    previous: tuple[Table, ...] = ()
    """Of each mode, or of no mode, what served before that, to return to; none where it
    was returned to."""
    held: Held | None = None
    """What waits; None for nothing."""
    refused: tuple[Content, ...] = ()
    """What was rolled back, for as long as the files have that content."""

    @property
    def contents(self) -> Iterator[Content]:
        """Give everything that a copy is needed of."""
        for table in (*self.last, *self.previous, self.held):
            if table:
                yield from table.files

    def last_of(self, mode: str | None) -> Table | None:
        """Give what served last in a mode."""
        return _of_mode(self.last, mode)

    @property
    def way_back(self) -> Table | None:
        """Give what served before in the mode that is in force."""
        return _of_mode(self.previous, self.present.mode) if self.present else None

    def accept(self, files: tuple[Content, ...], now_s: float) -> State:
        """Let files serve; the same as before keep their serial."""
        present = self.present
        if present is None or present.name != name_table(files):
            present = Table(present.serial + 1 if present else 1, now_s, files)
        elif present.files != files:
            present = replace(present, files=files)  # touched, or the file of another mode
        before = self.last_of(present.mode)
        has_changed = before is not None and before.name != present.name
        previous = _put(self.previous, before) if before and has_changed else self.previous
        return replace(self, present=present, last=_put(self.last, present), previous=previous)

    def hold(self, files: tuple[Content, ...], reasons: tuple[str, ...], now_s: float) -> State:
        """Let files wait; those that wait already keep their time."""
        is_same = self.held is not None and self.held.name == name_table(files)
        at_s = self.held.at_s if self.held and is_same else now_s
        return replace(self, held=Held(at_s, reasons, files))

    def release(self) -> State:
        """Let nothing wait."""
        return replace(self, held=None)

    def roll_back(self, now_s: float) -> State:
        """Let what served before in this mode serve again, and refuse what served.

        Without a way back nothing changes.
        """
        present, back = self.present, self.way_back
        if present is None or back is None:
            return self
        kept = {content.identity for content in back.files}
        refused = tuple(each for each in present.files if each.identity not in kept)
        found = self.accept(back.files, now_s)
        left = tuple(table for table in self.previous if table.mode != back.mode)
        return replace(found, previous=left, refused=(*self.refused, *refused))

    def forget_refused(self, files: Iterable[Content]) -> State:
        """Drop what was rolled back of slots that have another content by now."""
        seen = {content.slot: content.identity for content in files}
        kept = (
            each for each in self.refused if seen.get(each.slot, each.identity) == each.identity
        )
        return replace(self, refused=tuple(dict.fromkeys(kept)))

    def allow(self, files: Iterable[Content]) -> State:
        """Take back that any of these was rolled back."""
        allowed = {content.identity for content in files}
        kept = tuple(each for each in self.refused if each.identity not in allowed)
        return replace(self, refused=kept)

    def keep_modes(self, keys: Iterable[str]) -> State:
        """Drop what served in modes that are no longer configured and not in force."""
        kept = {*keys, None, self.present.mode if self.present else None}
        return replace(
            self,
            last=tuple(table for table in self.last if table.mode in kept),
            previous=tuple(table for table in self.previous if table.mode in kept),
        )


def _of_mode(tables: Iterable[Table], mode: str | None) -> Table | None:
    return next((table for table in tables if table.mode == mode), None)


def _put(tables: tuple[Table, ...], table: Table) -> tuple[Table, ...]:
    """Put a table in the place of the one of its mode."""
    return (*(each for each in tables if each.mode != table.mode), table)


def mode_of(files: Iterable[Content]) -> str | None:
    """Give the key of the mode that one of the files belongs to; None for none."""
    return next((content.mode for content in files if content.mode), None)


def name_table(files: Iterable[Content]) -> str:
    """Give twelve hexadecimal digits that stand for the contents of some files in order."""
    # Not `hash`: the name outlives the process.
    return sha256(repr([content.identity for content in files]).encode()).hexdigest()[:12]


def render_state(state: State) -> dict[str, Any]:
    """Give a state as a tree for JSON."""
    return asdict(state)


def parse_state(tree: Any) -> State:
    """Read a tree back. Raises `ValueError` where it is not one that was rendered here."""
    try:
        return State(
            present=None if tree["present"] is None else _parse_table(tree["present"]),
            last=_parse_tables(tree["last"]),
            previous=_parse_tables(tree["previous"]),
            held=_parse_held(tree["held"]),
            refused=_parse_files(tree["refused"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not a record of tables: {error!r}") from None


def _parse_table(row: Mapping[str, Any]) -> Table:
    return Table(int(row["serial"]), float(row["at_s"]), _parse_files(row["files"]))


def _parse_tables(rows: Iterable[Mapping[str, Any]]) -> tuple[Table, ...]:
    return tuple(map(_parse_table, rows))


def _parse_held(row: Mapping[str, Any] | None) -> Held | None:
    if row is None:
        return None
    reasons = tuple(map(str, row["reasons"]))
    return Held(float(row["at_s"]), reasons, _parse_files(row["files"]))


def _parse_files(rows: Iterable[Mapping[str, Any]]) -> tuple[Content, ...]:
    return tuple(Content(**row) for row in rows)
