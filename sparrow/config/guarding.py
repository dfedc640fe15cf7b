"""What keeps users served and surprises away, as frozen models: every key and its range.

Failover modes, guards of tables, what is told to whom. Law: as in
`sparrow.config.model`. Start from `FailoverConfig`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from sparrow.config import amounts, shape
from sparrow.config.fields import Endpoint, or_null, parse_label, parse_text, refusal, shown, whole
from sparrow.config.keys import (
    DAY_S,
    Command,
    ListenOn,
    Model,
    Path,
    PathOrNull,
    ShareOrNull,
    Vip,
)
from sparrow.config.shape import NAME, checked, some
from sparrow.errors import InputError
from sparrow.values.address import Prefix, parse_address, parse_prefix

NORMAL = "normal"
"""Key of the mode for every set of sites that has no mode of its own."""


class LastResortConfig(Model):
    """What is answered where no site can serve."""

    policy: Literal["all-up", "static", "empty", "servfail"] = Field(validation_alias=NAME)
    """As if all were up, the list of `static`, NODATA, or SERVFAIL."""
    static: Annotated[tuple[Vip, ...], some] = ()
    """Packed addresses in the order in which they are answered; () but for the policy `static`."""


LastResort = Annotated[LastResortConfig, BeforeValidator(shape.split_resort)]
ALL_UP = LastResortConfig.model_validate({NAME: "all-up"})


def split_key(value: object) -> tuple[str, ...]:
    """Give the names of sites in the key of a mode; () for `normal`."""
    text = parse_text(value)
    if text == NORMAL:
        return ()
    names = tuple(part.strip() for part in text.split("+"))
    for name in names:
        parse_label(name)
    return names


def parse_key(value: object) -> str:
    """Accept `normal`, or different names of sites joined by `+`."""
    try:
        names = split_key(value)
    except InputError:
        names = ("", "")
    if len(set(names)) == len(names):
        return parse_text(value)
    raise refusal(
        f"must be normal, or the sites that are up, such as au or au+nl, not {shown(value)}"
    )


class ModeConfig(Model):
    """A table of routes for one set of sites that are up."""

    key: Annotated[str, checked(parse_key)] = Field(validation_alias=NAME)
    """As it is written: `normal`, or names of sites joined by `+`."""
    file: Path
    """Absolute path of the route file."""

    @property
    def sites(self) -> frozenset[str]:
        """Names of the sites that are up in this mode; empty for `normal`."""
        return frozenset(split_key(self.key))


class FailoverConfig(Model):
    """What happens when sites go down."""

    link: PathOrNull = None
    """Absolute path of the symbolic link that leads to the mode's file; None for no modes."""
    modes: tuple[ModeConfig, ...] = ()
    """The modes in configured order; `normal` among them unless there are none."""
    last_resort: LastResort = ALL_UP
    """What services answer that do not say otherwise."""
    remap_after_s: Annotated[float, checked(amounts.duration(1, DAY_S))] = Field(
        default=60.0, alias="remap_after"
    )
    """Seconds that a state must last before scopes are made as wide as it allows."""

    @field_validator("modes", mode="before")
    @classmethod
    def _split_modes(cls, value: object) -> object:
        return shape.split_entries(value, "mode", under="file")


class MinPrefixes(Model):
    """Fewest prefixes that a table may have."""

    v4: Annotated[int | None, checked(or_null(whole(0, 2**31 - 1)))] = None
    """Of IPv4; None for no such guard."""
    v6: Annotated[int | None, checked(or_null(whole(0, 2**31 - 1)))] = None
    """Of IPv6; None for no such guard."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A block of clients that must be sent to one site."""

    prefix: Prefix
    """The block; every part of it must be sent there."""
    site: str
    """Name of the site."""

    def __str__(self) -> str:
        """Render as `8.8.8.0/24 -> us`."""
        return f"{self.prefix} -> {self.site}"


def parse_canary(value: object) -> Canary:
    """Accept `PREFIX -> SITE`."""
    text = parse_text(value)
    prefix, arrow, site = text.partition("->")
    if not arrow:
        raise refusal(f'must be a prefix and a site, such as "8.8.8.0/24 -> us", not {shown(text)}')
    return Canary(parse_prefix(prefix.strip()), parse_label(site.strip()))


class GuardsConfig(Model):
    """What a new table must fulfil before it is served."""

    min_prefixes: MinPrefixes = MinPrefixes()
    """Fewest prefixes, by family."""
    max_shrink: ShareOrNull = None
    """Most by which a family's number of prefixes may fall, 0 to 1; None for no such guard."""
    max_moved: ShareOrNull = None
    """Largest share of a family's address space whose answers may move; None for no such guard."""
    canaries: tuple[Annotated[Canary, checked(parse_canary)], ...] = ()
    """What must stay where it is."""

    @property
    def min_prefixes_v4(self) -> int | None:
        """Fewest prefixes of IPv4; None for no such guard."""
        return self.min_prefixes.v4

    @property
    def min_prefixes_v6(self) -> int | None:
        """Fewest prefixes of IPv6; None for no such guard."""
        return self.min_prefixes.v6


class NotifyConfig(Model):
    """Who is told of transitions."""

    command: Command = Field(examples=["/usr/local/bin/tell-me"])
    """Program and arguments; the transition is in its environment."""
    timeout_s: Annotated[float, checked(amounts.duration(0.1, 3600))] = Field(
        default=30.0, alias="timeout"
    )
    """Seconds after which it is killed."""


class HttpConfig(Model):
    """The listener for metrics and for `/healthz`."""

    listen: ListenOn = Endpoint(parse_address("127.0.0.1"), 9153)
    """Where it listens, TCP."""
