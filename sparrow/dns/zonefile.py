r"""Master files (RFC 1035 section 5) into records that know their file and line.

Law: text in, records out; nothing is read here but through `load_text`. What
BIND's named reads is read with the same result, or refused with a reason
(docs/zone-files.md lists what differs). One bad line does not hide the next.
Start from `parse_zone`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from sparrow.dns.rdatatext import encode_rdata, parse_rtype
from sparrow.dns.rrset import MAX_TTL, RRType
from sparrow.dns.zoneentry import Entry, split_entries
from sparrow.dns.zonegenerate import expand, parse_range, parse_template
from sparrow.errors import InputError, Problem, ProblemList
from sparrow.values.name import Name, parse_name

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 16
"""Files that may include each other in a row; nobody is known to need more than 3."""

_WORD = re.compile(r'[ \t\r]*((?:[^ \t\r"\\]++|\\.)++)', re.DOTALL)
_QUOTED = re.compile(r'[ \t\r]*"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TTL = re.compile(r"[0-9]{1,10}|(?:[0-9]{1,10}[wdhms]){1,10}", re.ASCII | re.IGNORECASE)
_TTL_PART = re.compile(r"([0-9]+)([wdhms]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_CLASSES = re.compile(r"IN|CH|CHAOS|HS|HESIOD|ANY|NONE|CLASS[0-9]{1,5}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record of class IN, and where it was written."""

    owner: Name
    """Owner name, lower case."""
    rtype: int
    """Record type, 1 to 65535; never a meta type."""
    ttl: int
    """Seconds, 0 to `MAX_TTL`."""
    rdata: bytes
    """Uncompressed wire octets; names in it keep the case they were written in."""
    file: str
    """The file as the operator named it, or as an $INCLUDE did."""
    line: int
    """Line on which the record (or the $GENERATE that made it) starts, from 1."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a master file holds, its included files in their places."""

    records: tuple[Record, ...]
    """In the order of the text."""
    warnings: tuple[Problem, ...]
    """What was read, but may not be meant."""


def parse_zone(text: str, origin: Name, file: str, load_text: Callable[[str], str]) -> Parsed:
    """Read the master file `text` of the zone `origin`.

    `file` is its name for messages, and what a relative $INCLUDE is relative to;
    `load_text` gives the text of an included file or raises `InputError`. Raises
    `InputError` with the first `MAX_PROBLEMS` problems and the count of the rest.
    """
    reader = _Reader(load_text)
    reader.read(text, _Place(file, origin))
    if reader.problems:
        raise InputError(reader.problems)
    return Parsed(tuple(reader.records), tuple(reader.warnings))


@dataclass(slots=True)
class _Place:
    """Where in which file reading is, and what that file has set for its next line."""

    file: str
    """The file as it was named."""
    origin: Name
    """What completes a relative name; each file has its own (RFC 1035 section 5.1)."""
    owner: Name | None = None
    """Owner of the last record; None before the first."""
    above: tuple[str, ...] = ()
    """Names of the files that include this one, outermost first."""
    line: int = 0
    """Line on which the current entry starts."""

    def problem(self, what: str) -> Problem:
        """Say what is wrong with the current entry."""
        return Problem(what, self.file, self.line)


@dataclass(slots=True)
class _Reader:
    """What reading has brought so far; TTLs hold across files, as in BIND."""

    load_text: Callable[[str], str]
    """Gives the text of an included file."""
    records: list[Record] = field(default_factory=list)
    """In the order of the text."""
    problems: ProblemList = field(default_factory=ProblemList)
    """What was refused."""
    warnings: list[Problem] = field(default_factory=list)
    """What was read, but may not be meant."""
    default_ttl: int | None = None
    """Seconds, of $TTL; None before it."""
    last_ttl: int | None = None
    """Seconds, of the last record that had its own TTL; None before the first."""

    def read(self, text: str, place: _Place) -> None:
        """Take every entry of a file; a bad one is noted and left out."""
        for entry in split_entries(text):
            place.line = entry.line
            try:
                self._take(entry, place)
            except InputError as error:
                for problem in error.problems:
                    self.problems.append(place.problem(str(problem)))

    def _take(self, entry: Entry, place: _Place) -> None:
        if entry.fault:
            raise _refuse(entry.fault)
        if entry.is_indented or not entry.text.startswith("$"):
            self._take_record(entry, place)
            return
        word, position = _next_word(entry.text, 0)
        match word.upper():
            case "$ORIGIN":
                place.origin = parse_name(_only_word(entry.text, position, word), place.origin)
            case "$TTL":
                ttl = _parse_ttl(_only_word(entry.text, position, word))
                if ttl is None:
                    raise _refuse("$TTL takes one time, such as $TTL 3600 or $TTL 1h30m")
                self.default_ttl = ttl
            case "$INCLUDE":
                self._include(entry.text, position, place)
            case "$GENERATE":
                self._generate(entry.text, position, place)
            case _:
                known = "$ORIGIN, $TTL, $INCLUDE and $GENERATE"
                raise _refuse(f"{word} is not a directive: there are {known}")

    def _take_record(self, entry: Entry, place: _Place) -> None:
        """Take `[owner] [ttl] [class] type rdata`, TTL and class in either order."""
        position = 0
        if not entry.is_indented:
            word, position = _next_word(entry.text, 0)
            if not word:
                raise _refuse("the owner name stands in quotes: write it without them")
            place.owner = parse_name(word, place.origin)
        if place.owner is None:
            raise _refuse("the line starts with a blank, but no record above it has an owner")
        ttl, rtype, position = _parse_header(entry.text, position)
        rdata = encode_rdata(rtype, entry.text[position:], place.origin)
        self._add(place.owner, rtype, ttl, rdata, place)

    def _add(self, owner: Name, rtype: int, ttl: int | None, rdata: bytes, place: _Place) -> None:
        if ttl is None:
            ttl = self._default_ttl(rtype, rdata, place)
        else:
            self.last_ttl = ttl
        self.records.append(Record(owner, rtype, ttl, rdata, place.file, place.line))

    def _default_ttl(self, rtype: int, rdata: bytes, place: _Place) -> int:
        """Give the TTL of a record that has none of its own (RFC 2308 section 4).

        That is $TTL, else the last explicit one (RFC 1035 section 5.1), else the
        minimum of a SOA that comes first, which then stands for $TTL (as in BIND).
        """
        if self.default_ttl is not None:
            return self.default_ttl
        if self.last_ttl is not None:
            return self.last_ttl
        if rtype != RRType.SOA:
            raise _refuse("the record has no TTL: write $TTL above it, such as $TTL 1h")
        self.default_ttl = _check_ttl(int.from_bytes(rdata[-4:], "big"))
        what = f"there is no $TTL, so the SOA's minimum of {self.default_ttl} s stands for it"
        self.warnings.append(place.problem(f"{what}: write $TTL above the SOA"))
        return self.default_ttl

    def _include(self, text: str, position: int, place: _Place) -> None:
        """Read another file in the place of `$INCLUDE file [origin]`."""
        path, position = _next_string(text, position)
        word, position = _next_word(text, position)
        if not path or not _is_end(text, position):
            raise _refuse("$INCLUDE takes a file, and behind it an origin if it has its own")
        origin = parse_name(word, place.origin) if word else place.origin
        path = posixpath.normpath(posixpath.join(posixpath.dirname(place.file), path))
        above = (*place.above, posixpath.normpath(place.file))
        if path in above:
            raise _refuse(f"$INCLUDE {path}: the file includes itself ({' > '.join(above)})")
        if len(above) > MAX_DEPTH:
            raise _refuse(f"$INCLUDE {path}: at most {MAX_DEPTH} files may include each other")
        # The owner of the line above holds at the start of the file, as in BIND;
        # what the file does to owner and origin ends with it (RFC 1035 section 5.1).
        self.read(self.load_text(path), _Place(path, origin, place.owner, above))

    def _generate(self, text: str, position: int, place: _Place) -> None:
        """Make the records of `$GENERATE range owner [ttl] [class] type rdata`."""
        range_text, position = _next_word(text, position)
        owner_text, position = _next_word(text, position)
        numbers, owner = parse_range(range_text), parse_template(owner_text)
        ttl, rtype, position = _parse_header(text, position)
        rdata_text, position = _next_string(text, position)
        if not rdata_text or not _is_end(text, position):
            what = "$GENERATE takes a range, an owner, a type and one word of rdata"
            raise _refuse(f"{what}: put several words between quotes")
        rdata = parse_template(rdata_text)
        for number in numbers:
            name = parse_name(expand(owner, number), place.origin)
            wire = encode_rdata(rtype, expand(rdata, number), place.origin)
            self._add(name, rtype, ttl, wire, place)


def _parse_header(text: str, position: int) -> tuple[int | None, int, int]:
    """Read TTL and class, each if it is there, and the type; give the offset behind them."""
    ttl: int | None = None
    has_class = False
    while True:
        word, position = _next_word(text, position)
        if not word:
            raise _refuse("there is no record type: write owner, TTL, IN, type, rdata")
        written = _parse_ttl(word) if ttl is None else None
        if written is not None:
            ttl = written
        elif not has_class and _is_class(word):
            has_class = True
        else:
            return ttl, parse_rtype(word), position


@lru_cache(maxsize=1024)
def _parse_ttl(word: str) -> int | None:
    """Read `3600` or `1h30m`; None where `word` is no TTL at all."""
    if _TTL.fullmatch(word) is None:
        return None
    parts = _TTL_PART.findall(word.lower())
    return _check_ttl(sum(int(count) * _SECONDS[unit] for count, unit in parts))


def _check_ttl(ttl: int) -> int:
    if ttl > MAX_TTL:
        raise _refuse(f"a TTL of {ttl} s is too long: at most {MAX_TTL} (RFC 2181 section 8)")
    return ttl


@lru_cache(maxsize=256)
def _is_class(word: str) -> bool:
    """Tell whether `word` is class IN; raises `InputError` where it is another class."""
    if _CLASSES.fullmatch(word) is None:
        return False
    if word.upper() not in ("IN", "CLASS1"):
        raise _refuse(f"class {word} is not served: zones are of class IN, which may be left out")
    return True


def _next_word(text: str, position: int) -> tuple[str, int]:
    """Take a word that is not quoted; "" where there is none."""
    match = _WORD.match(text, position)
    return (match[1], match.end()) if match else ("", position)


def _next_string(text: str, position: int) -> tuple[str, int]:
    r"""Take a word, or what stands between quotes with `\"` turned into `"`."""
    match = _QUOTED.match(text, position)
    if match is None:
        return _next_word(text, position)
    unquoted = _ESCAPED.sub(lambda pair: '"' if pair[1] == '"' else pair[0], match[1])
    return unquoted, match.end()


def _only_word(text: str, position: int, directive: str) -> str:
    word, position = _next_word(text, position)
    if not word or not _is_end(text, position):
        raise _refuse(f"{directive} takes one word, such as $ORIGIN example.org. or $TTL 1h")
    return word


def _is_end(text: str, position: int) -> bool:
    return not text[position:].strip(" \t\r")


def _refuse(what: str) -> InputError:
    return InputError([Problem(what)])
