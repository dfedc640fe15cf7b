"""A route server, what is learnt from it, and what goes wrong with it.

Law: these are all that a user of the client needs to know. Start from `RouteServer`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem, UnavailableError

if TYPE_CHECKING:
    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix


class Kind(StrEnum):
    """How a route server speaks."""

    ZEBRA = "zebra"
    """The vty of `bgpd`: Zebra, Quagga, FRR."""
    GATED = "gated"
    """GateD's interactive interface, GII."""
    SSRS = "ssrs"
    """A static route server: the route port of sparrow."""
    CISCO = "cisco"
    """Cisco IOS, over telnet."""


class RouteServerError(UnavailableError):
    """A route server did not answer a question: it is not known which route an address has."""


class QuestionRefusedError(RouteServerError):
    """It answers, but not this question: to ask it again will not help."""


@dataclass(frozen=True, slots=True)
class RouteServer:
    """Where a route server is, and how to get in. Raises `InputError` for what cannot be typed."""

    kind: Kind
    """How it speaks."""
    host: str
    """Its address, or its name."""
    port: int | None = None
    """TCP port; None for the port that its kind has by default."""
    password: str | None = field(default=None, repr=False)
    """What is typed where it asks for a password; None where it is to be open."""
    user: str | None = None
    """What is typed where it asks for a user, as an IOS with accounts does; None for no user."""

    def __post_init__(self) -> None:
        problems = [
            Problem(f"the {name} of a route server has a character that cannot be typed in a line")
            for name, text in (("password", self.password), ("user", self.user))
            if text is not None and not text.isprintable()
        ]
        if problems:
            raise InputError(problems)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a route server says of an address."""

    prefix: Prefix | None
    """The longest prefix that covers the address; None where no route does."""
    path: Route | None
    """The AS path of its best route, nearest AS first, members of sets and confederations
    included; None where no route covers the address, where the best one has an empty path (a
    network of the router's own), and where the router has chosen none."""
