"""GateD's interactive interface, GII.

    GateD-ns1> show ip walkup 192.168.193.15/32
    100 BGP   192.168.193.0/24 192.168.193.14  (64702) 64602 IGP (Id 5)
    100 Sta         0.0.0.0/0  192.231.253.2   IGP (Id 1)

It lists the routes that cover the address, the most specific first; `---` stands before one
that is not active. The path begins with the router's own AS number in parentheses, which is no
hop of it, has sets in brackets and ends with the origin.

Law: the first active route is the answer. Start from `GATED`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sparrow.routeserver.dialect import Dialect
from sparrow.routeserver.pathtext import parse_path
from sparrow.routeserver.reading import Nonsense, Refusal, parse_covering, show
from sparrow.routeserver.server import Learnt

if TYPE_CHECKING:
    from sparrow.routeserver.reading import Outcome

_ROW = re.compile(r"100 +(\S+) +([0-9.]+)/ *([0-9]+) +(.*)")
_NEXT_HOP = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|---")
_ORIGIN = re.compile(r"IGP|EGP|Incomplete|[0-9a-f]{2}")
_MISS = re.compile(r"500 +No (?:less specific )?IP route")


class WalkReading:
    """Reads what `show ip walkup` lists. `Reading` says how."""

    def __init__(self, address: bytes) -> None:
        """Read the answer to the question for a packed address."""
        self._address = address
        self._row: re.Match[str] | None = None
        self._is_listed = False
        self._is_missed = False
        self._refusal = ""

    def take(self, line: str) -> None:
        """Take the next line."""
        found = _ROW.match(line)
        if found is not None:
            self._is_listed = True
            if self._row is None and found[1] != "---":
                self._row = found
        elif _MISS.match(line):
            self._is_missed = True
        elif line.startswith("500") and not self._refusal:
            self._refusal = line

    def finish(self) -> Outcome:
        """Give what was read."""
        row = self._row
        if row is not None:
            return self._finish_row(row)
        if self._refusal:
            return Refusal(f"it answers {show(self._refusal)}")
        if self._is_missed or self._is_listed:
            return Learnt(None, None)
        return Nonsense("what it answers is no list of routes")

    def _finish_row(self, row: re.Match[str]) -> Outcome:
        prefix = parse_covering(f"{row[2]}/{row[3]}", self._address)
        if prefix is None:
            return Nonsense(f"what it answers does not cover the address: {show(row[0])}")
        try:
            return Learnt(prefix, parse_path(_cut_path(row[4].split())))
        except ValueError as error:
            return Nonsense(f"a path cannot be read, {error}: {show(row[0])}")


def _cut_path(words: list[str]) -> str:
    """Give the AS path out of `NEXT HOP (OWN AS) PATH ORIGIN (Id N)`, where all may be missing.

    Raises `ValueError` where the origin stands elsewhere.
    """
    if words and _NEXT_HOP.fullmatch(words[0]):
        del words[0]
    if "(Id" in words:
        at = words.index("(Id") - 1
        if at != len(words) - 3 or not _ORIGIN.fullmatch(words[at]):
            raise ValueError("as it has no origin behind it")
        del words[at:]
    text = " ".join(words)
    return text.partition(")")[2] if text.startswith("(") else text


GATED = Dialect(port=616, questions={4: "show ip walkup {}/32"}, begin=WalkReading)
"""Without an echo, without pages, and for IPv4 alone."""
