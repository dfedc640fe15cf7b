"""Route servers that are asked about clients as they come, as configured.

Law: as in `sparrow.config.model`, of which this is a part. Start from `RouteServerConfig`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from sparrow.config import amounts, fields
from sparrow.config.feeding import GobgpConfig
from sparrow.config.fields import is_address, or_null, parse_text, refusal, shown
from sparrow.config.keys import DAY_S, Model, Timeout
from sparrow.config.shape import NAME, checked

KINDS = ("zebra", "gated", "ssrs", "cisco")
"""Those of `sparrow.routeserver.server.Kind`, which lies above."""


def parse_router(value: object) -> str:
    """Accept the address or the name of a host, without a port."""
    text = parse_text(value)
    if is_address(text) or re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}", text, re.ASCII):
        return text
    right = "write 192.0.2.1, 2001:db8::1 or rtr.example.org, and its port under 'port'"
    raise refusal(f"{shown(text)} is no address and no name of a host: {right}")


class RouteServerConfig(Model):
    """A router, or a route port, that is asked for the route of one client after the other."""

    kind: Literal[" route_server"] = Field(validation_alias=NAME)
    route_server: Annotated[str, checked(fields.one_of(*KINDS))] = Field(examples=["zebra"])
    """How it speaks."""
    host: Annotated[str, checked(parse_router)] = Field(examples=["192.0.2.1"])
    """Its address, or its name."""
    port: Annotated[int | None, checked(or_null(fields.whole(1, fields.MAX_PORT)))] = None
    """TCP port; None for the one that its kind has by default."""
    password: Annotated[str | None, checked(or_null(fields.parse_password))] = Field(
        default=None, repr=False
    )
    """What it is told where it asks for a password; None where it does not."""
    user: Annotated[str | None, checked(or_null(fields.short_text(64)))] = None
    """What it is told where it asks for a user; None where it does not."""
    timeout_s: Timeout = Field(5.0, alias="timeout")
    """Seconds that a question may take."""
    cache_timeout_s: Annotated[float, checked(amounts.duration(1, 30 * DAY_S))] = Field(
        3600.0, alias="cache_timeout"
    )
    """Seconds that an answer counts."""
    settle_s: Annotated[float, checked(amounts.duration(0.01, 60))] = Field(0.5, alias="settle")
    """Seconds without another answer before those that came are taken up."""
    max_delay_s: Annotated[float, checked(amounts.duration(0.01, 600))] = Field(
        5.0, alias="max_delay"
    )
    """Seconds after which they are taken up all the same."""

    @property
    def view(self) -> None:
        """Name no site: what is learnt is of the common view."""

    @property
    def withdraw_on_loss(self) -> bool:
        """Tell that what was learnt goes on to count, until its time is over."""
        return False

    @property
    def stale_for_s(self) -> None:
        """Name no other time than that."""


FeedConfig: TypeAlias = GobgpConfig | RouteServerConfig
"""A live source of routes, of either kind."""
