"""Live sources of routes, as configured.

Law: as in `sparrow.config.model`, of which this is a part. Start from `GobgpConfig`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sparrow.config import amounts, fields, shape, targets
from sparrow.config.fields import or_null
from sparrow.config.keys import DAY_S, Flag, Model, PathOrNull, ShareOrNull, ViewOf
from sparrow.config.sanity import DEFAULT_SANITY, SanityConfig
from sparrow.config.shape import NAME, checked

STALE_FOR_S = 86400.0
"""A day, which nobody has measured: an old table is wrong for few clients, an empty one for all."""


class TlsConfig(Model):
    """How a route server is known, and how we are."""

    ca: PathOrNull = None
    """Absolute path of the certificates to trust; None for those of the system."""
    cert: PathOrNull = None
    """Absolute path of our certificate; None for none."""
    key: PathOrNull = None
    """Absolute path of its key; None for none."""


class GobgpConfig(Model):
    """A route server GoBGP whose table is read and followed."""

    kind: Literal[" gobgp"] = Field(validation_alias=NAME)
    gobgp: Annotated[str, checked(targets.parse_server)] = Field(examples=["127.0.0.1:50051"])
    """Where its gRPC interface is: `ADDRESS:PORT`, `HOST:PORT` or `unix:PATH`."""
    neighbor: Annotated[bytes | None, checked(or_null(fields.parse_vip))] = None
    """Packed address of the neighbour whose routes count; None for the best paths."""
    tls: Annotated[TlsConfig | None, BeforeValidator(shape.not_empty)] = None
    """None for a connection without encryption."""
    settle_s: Annotated[float, checked(amounts.duration(0.01, 60))] = Field(0.5, alias="settle")
    """Seconds without an event before those that came are taken up."""
    max_delay_s: Annotated[float, checked(amounts.duration(0.01, 600))] = Field(
        5.0, alias="max_delay"
    )
    """Seconds after which they are taken up all the same."""
    freeze: ShareOrNull = 0.1
    """Part of the table that may go within a minute; None for all of it."""
    quiet_s: Annotated[float, checked(amounts.duration(0, 3600))] = Field(30.0, alias="quiet")
    """Seconds in which nothing comes back before what was withheld is let go."""
    relist_s: Annotated[float, checked(amounts.duration(1, 7 * DAY_S))] = Field(
        3600.0, alias="relist"
    )
    """Seconds between two comparisons of the whole table."""
    sanity: SanityConfig = DEFAULT_SANITY
    """Which of its routes count."""
    view: ViewOf = None
    """Name of the site from which the routes are seen; None for the common view."""
    withdraw_on_loss: Flag = False
    """True: a site whose source is lost is left out of rankings at once; only with a `view`."""
    stale_for_s: Annotated[float | None, checked(or_null(amounts.duration(0, 30 * DAY_S)))] = Field(
        default=STALE_FOR_S, alias="stale_for"
    )
    """Seconds that the last routes of a lost source count; None for ever. Of a `view` alone."""
