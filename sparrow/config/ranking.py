"""How sites are ranked, where clients are, and what an operator decides himself, as configured.

Law: as in `sparrow.config.model`, of which this is a part. Start from `RankingConfig`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from sparrow.config import amounts, fields, places, shape, targets
from sparrow.config.fields import or_null, whole
from sparrow.config.keys import DAY_S, Flag, Label, Model, Path, PathOrNull, ShareOrNull
from sparrow.config.shape import NAME, checked, some
from sparrow.values.address import Prefix

MAX_DEPTH = 8
"""Sites that a class begins with, at most; each adds classes, of which there are 65,535."""
MAX_HOPS = 255
"""Hops that a bias or a margin may be; real paths have 4 on average and a few dozen at most."""

RankBy = Literal["rtt", "distance", "path"]
Metric = Annotated[RankBy, checked(fields.one_of(*get_args(RankBy)))]


class RankingConfig(Model):
    """How the sites that have views are put in order for a client."""

    rank_by: Annotated[tuple[Metric, ...], some] = get_args(RankBy)
    """What they are compared by, one after the other; each applied where its data are given."""
    rtt: PathOrNull = None
    """Absolute path of a table of measured round-trip times; None for none."""
    rtt_margin_ms: Annotated[int, checked(whole(0, 10_000))] = 5
    """Milliseconds by which a site may be slower than the fastest and stay."""
    distance_margin_km: Annotated[int, checked(whole(0, 20_100))] = 500
    """Kilometres by which a site may be farther than the nearest and stay."""
    path_margin: Annotated[int, checked(whole(0, MAX_HOPS))] = 0
    """Hops by which a path may be longer than the shortest and stay."""
    use_local_pref: Flag = False
    """True: the local preference of a route is set on purpose, and goes before its hops."""
    depth: Annotated[int, checked(whole(1, MAX_DEPTH))] = 3
    """Sites of a ranking that count; behind them come the fallbacks of the first."""


class HysteresisConfig(Model):
    """When clients may change their site because a route changed."""

    margin_ms: Annotated[int, checked(whole(0, 10_000))] = 5
    """Milliseconds beyond `rtt_margin_ms` by which a site wins at once."""
    margin_km: Annotated[int, checked(whole(0, 20_100))] = 500
    """Kilometres beyond `distance_margin_km` by which it does."""
    margin_hops: Annotated[int, checked(whole(0, MAX_HOPS))] = 1
    """Hops beyond `path_margin` by which it does."""
    hold_s: Annotated[float, checked(amounts.duration(1, DAY_S))] = Field(300.0, alias="hold")
    """Seconds after which any other winner is taken."""
    budget: ShareOrNull = 0.05
    """Part of the addresses of a family that may change within a minute; None for all."""


class GeoConfig(Model):
    """What tells where clients are."""

    source: Literal["builtin", "mmdb", "table"] = Field(validation_alias=NAME)
    """The country table that comes with sparrow or took its place, or a file."""
    mmdb: Path = ""
    """Absolute path of a database in MaxMind's format; "" but for the source `mmdb`."""
    table: Path = ""
    """Absolute path of a list of prefixes and countries; "" but for the source `table`."""

    @property
    def file(self) -> str | None:
        """Give the file that is read; None for the table that sparrow has itself."""
        return self.mmdb or self.table or None


GeoOrNone = Annotated[GeoConfig | None, BeforeValidator(places.split_geo)]


class OverrideConfig(Model):
    """Clients that an operator sends to a site, whatever is known of them."""

    prefix: Annotated[Prefix | None, checked(or_null(places.parse_block))] = None
    """Their addresses; None where `asn` tells who they are."""
    asn: Annotated[int | None, checked(or_null(places.parse_one_asn))] = None
    """The AS that originates their addresses; None where `prefix` tells who they are."""
    site: Label = Field(examples=["nl"])
    """Name of the site that comes first for them."""
    until_s: Annotated[float | None, checked(or_null(places.parse_until))] = Field(
        default=None, alias="until"
    )
    """Unix time at which it ends; None for never."""
    reason: Annotated[str, checked(targets.parse_title)] = ""
    """Why, in a line for people; "" where nobody said."""

    def __str__(self) -> str:
        """Name the clients: `192.0.2.0/24` or `AS64600`."""
        return f"AS{self.asn}" if self.prefix is None else str(self.prefix)


Override = Annotated[OverrideConfig, BeforeValidator(shape.one_of_two("prefix", "asn"))]
