"""A static route server: sparrow's own route port, asked in the shortest way.

    ns1> 10.1.3.1
    10.1.0.0/16 64600 64601

Law: an answer is one line of a route file, which says all that sparrow knows of a route, and
an entry as Zebra prints it does not. Start from `SSRS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.rib.route import parse_route
from sparrow.routeserver.dialect import Dialect
from sparrow.routeserver.reading import Nonsense, Refusal, parse_covering, show
from sparrow.routeserver.server import Learnt
from sparrow.values.address import render_address

if TYPE_CHECKING:
    from sparrow.routeserver.reading import Outcome

_MISS = "% Network not in table"


class LineReading:
    """Reads a line of a route file. `Reading` says how."""

    def __init__(self, address: bytes) -> None:
        """Read the answer to the question for a packed address."""
        self._address = address
        self._text = render_address(address)
        self._is_echoed = False
        self._answer = ""

    def take(self, line: str) -> None:
        """Take the next line: the echo of the question, and then the answer."""
        if not self._is_echoed:
            self._is_echoed = line.endswith(self._text)
        elif not self._answer:
            self._answer = line

    def finish(self) -> Outcome:
        """Give what was read."""
        answer = self._answer
        if not answer:
            return Nonsense("what it answers is not about the address that was asked for")
        if answer == _MISS:
            return Learnt(None, None)
        if answer.startswith("%"):
            return Refusal(f"it answers {show(answer)}")
        prefix_text, _, route_text = answer.partition(" ")
        prefix = parse_covering(prefix_text, self._address)
        if prefix is None:
            return Nonsense(f"it was asked for {self._text} and answers {show(answer)}")
        try:
            return Learnt(prefix, parse_route(route_text))
        except InputError as error:
            return Nonsense(f"it answers {show(answer)}: {error}")


SSRS = Dialect(port=7777, questions={4: "{}", 6: "{}"}, begin=LineReading, is_open=True)
"""The port is the one in the only example of Super Sparrow's that is left."""
