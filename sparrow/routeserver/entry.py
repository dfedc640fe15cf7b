"""What `show ip bgp ADDRESS` prints: on Zebra, Quagga, FRR, IOS, and sparrow's own port.

    BGP routing table entry for 192.168.193.0/24
    Paths: (2 available, best #2, table Default-IP-Routing-Table)
      Advertised to non peer-group peers:
      192.168.193.14
      64600 64601 64602
        192.168.192.12 from 192.168.192.12 (192.168.192.12)
          Origin IGP, metric 1, localpref 100, valid, external
          Last update: Fri Oct  6 15:47:28 2000

      64702
        192.168.193.11 from 192.168.193.11 (192.168.193.11)
          Origin IGP, localpref 100, valid, external, best

Law: a path is known by the line below it, `NEXT HOP from PEER`, which has four blanks and
which nothing else has; the AS path is the line of two blanks before that. So a list of
neighbours, which has two blanks as well, is never taken for a path, and a path that cannot be
read still counts when `best #2` is looked for. Start from `EntryReading`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sparrow.routeserver.pathtext import parse_path
from sparrow.routeserver.reading import Nonsense, Refusal, parse_covering, show
from sparrow.routeserver.server import Learnt
from sparrow.values.address import render_address

if TYPE_CHECKING:
    from sparrow.routeserver.reading import Outcome
    from sparrow.values.address import Prefix

_HEAD = re.compile(r"BGP routing table entry for ([0-9A-Fa-f:.]+/[0-9]{1,3})(?![0-9])")
_PATHS = re.compile(r"Paths: \(")
_BEST = re.compile(r"\bbest #([0-9]{1,6})\b")
_LIST = re.compile(r"  Advertised to .*:\s*$")
_TWO = re.compile(r"  (?=\S)")
_EPOCH = re.compile(r"  (?:Refresh Epoch|Path #)")
"""What newer IOS and IOS XR print above a path, and indent like one."""
_FROM = re.compile(r"    \S.* from \S")
_ORIGIN = re.compile(r"      Origin .*, best(?![\w-])")
"""The line of attributes of the best path. `bestpath-from-AS`, which FRR prints, is not it."""
_AS_PATH = re.compile(r"(?:[^,(){}\[\]]|\{[^{}]*\}|\[[^\[\]]*\]|\((?![A-Za-z])[^()]*\))*+")
_REMARK = re.compile(r"$|,|\([A-Za-z]")
"""What follows an AS path: nothing, a comma outside brackets, or `(aggregated by ...)`."""
_MISS = re.compile(r"(?:% *)?Network not in table")
_REFUSAL = re.compile(r"%|No BGP process is configured|address is malformed|BGP instance not found")


class EntryReading:
    """Reads an entry. `Reading` says how."""

    def __init__(self, address: bytes) -> None:
        """Read the answer to the question for a packed address."""
        self._address = address
        self._text = render_address(address)
        self._is_echoed = False
        self._is_missed = False
        self._refusal = ""
        self._head = ""
        self._has_paths = False
        self._wanted: int | None = None
        self._is_list = False
        self._draft: str | None = None
        self._count = 0
        self._best: str | None = None
        self._is_marked = False
        self._other: int | None = None

    def take(self, line: str) -> None:
        """Take the next line."""
        if self._head:
            self._take_body(line)
        elif found := _HEAD.match(line):
            self._head = found[1]
        elif _MISS.match(line):
            self._is_missed = True
        elif _REFUSAL.match(line):
            self._refusal = self._refusal or line
        elif self._text in line.lower():
            self._is_echoed = True

    def _take_body(self, line: str) -> None:
        was_list, self._is_list = self._is_list, False
        if not self._has_paths:
            self._take_paths(line)
        elif _LIST.match(line):
            self._is_list = True
        elif _TWO.match(line):
            if not was_list and not _EPOCH.match(line):
                self._draft = line
        elif _FROM.match(line) and self._draft is not None:
            self._count += 1
            if self._count == self._wanted:
                self._best = self._draft
            self._draft = None
        elif _ORIGIN.match(line):
            if self._count == self._wanted:
                self._is_marked = True
            else:
                self._other = self._count

    def _take_paths(self, line: str) -> None:
        """Take the line that says which path is best; other lines may stand before it (IOS)."""
        if _PATHS.match(line):
            self._has_paths = True
            found = _BEST.search(line)
            self._wanted = int(found[1]) if found else None

    def finish(self) -> Outcome:
        """Give what was read."""
        if self._head:
            return self._finish_entry()
        if self._refusal:
            return Refusal(f"it answers {show(self._refusal)}")
        if self._is_missed and self._is_echoed:
            return Learnt(None, None)
        # A miss names no prefix: without the echo it may be the answer to any question.
        return Nonsense("what it answers is not about the address that was asked for")

    def _finish_entry(self) -> Outcome:
        prefix = parse_covering(self._head, self._address)
        if prefix is None:
            return Nonsense(f"it was asked for {self._text} and answers for {self._head}")
        if not self._has_paths:
            return Nonsense("its answer ends before the paths")
        if self._wanted is None:
            return Learnt(prefix, None)
        if self._best is None:
            return Nonsense(f"its best path is number {self._wanted}, and it lists {self._count}")
        if self._other is not None and not self._is_marked:
            return Nonsense(f"its best path is number {self._wanted}, and {self._other} is marked")
        return _learn(prefix, self._best[2:])


def _learn(prefix: Prefix, line: str) -> Outcome:
    """Read the line of the best path."""
    found = _AS_PATH.match(line)
    text = found[0] if found else ""
    if not _REMARK.match(line, len(text)):
        return Nonsense(f"its best path, {show(line)}, has a bracket without a counterpart")
    if text.strip() == "Local":
        return Learnt(prefix, None)
    try:
        path = parse_path(text)
    except ValueError as error:
        return Nonsense(f"its best path, {show(line)}, cannot be read: {error}")
    return Learnt(prefix, path) if path else Nonsense("its best path is an empty line")
