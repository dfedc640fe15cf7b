"""Checks of sites as frozen models: every kind, its keys, their ranges and defaults.

Law: as in `sparrow.config.model`; once in a `Config`, intervals, timeouts and
thresholds are filled in, from `CheckDefaults` where a check has none of its own.
A kind is declared here and nowhere else: a new one is a class in `Check`. Start
from `Check`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

import shlex
from typing import Annotated, Literal, Self, TypeAlias, get_args

from pydantic import BeforeValidator, Field, model_validator

from sparrow.config import amounts, fields, shape, targets
from sparrow.config.fields import or_null, whole
from sparrow.config.keys import (
    DAY_S,
    Command,
    Flag,
    Interval,
    Model,
    Path,
    PatternOrNull,
    Port,
    Threshold,
    Timeout,
    Title,
    Vip,
    one_or_more,
)
from sparrow.config.shape import NAME, checked, some
from sparrow.config.targets import StatusRange
from sparrow.values.address import render_address
from sparrow.values.name import Name, render_name

TIMING = ("interval_s", "timeout_s", "up_thresh", "ok_thresh", "down_thresh")
"""What `CheckDefaults` and every check have in common."""


class CheckDefaults(Model):
    """When checks run and when they count, unless a check says otherwise."""

    interval_s: Interval = Field(default=3.0, alias="interval")
    """Seconds between the starts of two rounds."""
    timeout_s: Timeout = Field(default=1.5, alias="timeout")
    """Seconds after which a try without a result has failed; at most `interval_s`."""
    up_thresh: Threshold = 10
    """Successes in a row after which what was down is up."""
    ok_thresh: Threshold = 5
    """Successes in a row after which earlier failures of what is up are forgotten."""
    down_thresh: Threshold = 3
    """Failures, forgotten ones not counted, after which what was up is down."""


class _Check(Model):
    """What all kinds of checks have in common."""

    kind: str = Field(validation_alias=NAME)
    """The word for the kind."""
    name: Title = ""
    """Name for people; made of the kind and the target unless configured."""
    address: Annotated[tuple[Vip, ...], one_or_more, some] = ()
    """Packed addresses to check; () for the VIPs of the site."""
    interval_s: Interval = Field(default=0.0, alias="interval")
    """Seconds between the starts of two rounds; filled in by `Config`."""
    timeout_s: Timeout = Field(default=0.0, alias="timeout")
    """Seconds after which a try without a result has failed; filled in by `Config`."""
    up_thresh: Threshold = 0
    """Successes in a row after which what was down is up; filled in by `Config`."""
    ok_thresh: Threshold = 0
    """Successes in a row that make earlier failures forgotten; filled in by `Config`."""
    down_thresh: Threshold = 0
    """Failures after which what was up is down; filled in by `Config`."""

    @model_validator(mode="after")
    def _fill_name(self) -> Self:
        target = self._target()
        line = f"{self.kind} {target}" if target else self.kind
        printable = "".join(c if c.isprintable() else "?" for c in line)
        self._fill("name", printable[: targets.MAX_TITLE])
        return self

    def _target(self) -> str:
        """Give what is checked, in one line."""
        return ""

    def _at(self, port: int) -> str:
        """Give what is connected to, the site's own addresses being left out."""
        hosts = [render_address(each) for each in self.address]
        return ",".join(f"[{h}]:{port}" if ":" in h else f"{h}:{port}" for h in hosts or [""])

    @property
    def uses_address(self) -> bool:
        """Tell whether the check goes to an address, so that each is checked by itself."""
        return True

    def with_defaults(self, defaults: CheckDefaults) -> Self:
        """Give the check with what it leaves open taken from `defaults`."""
        filled = self.model_copy()
        for name in TIMING:
            filled._fill(name, getattr(defaults, name))  # noqa: SLF001  (its own class)
        return filled


class _Request(_Check):
    """What checks over HTTP have in common, with TLS and without."""

    path: Annotated[str, checked(targets.parse_http_path)] = "/"
    """Target of the request, with its query."""
    host: Annotated[str | None, checked(or_null(targets.parse_http_host))] = None
    """`Host` header; None for the address."""
    port: Port = 80
    """TCP port."""
    method: Annotated[Literal["GET", "HEAD"], checked(fields.one_of("GET", "HEAD"))] = "GET"
    """Method of the request."""
    status: Annotated[
        tuple[Annotated[StatusRange, checked(targets.parse_status)], ...], one_or_more, some
    ] = (StatusRange(200, 399),)
    """Codes that count as success; redirections are not followed."""
    match: PatternOrNull = None
    """Regular expression to be found in the first 64 KiB of the body; None for none."""

    def _target(self) -> str:
        host = f" of {self.host}" if self.host else ""
        return f"{self._at(self.port)}{self.path}{host}"


class HttpCheck(_Request):
    """A request that must be answered as wanted."""

    kind: Literal["http"] = Field(validation_alias=NAME)
    """Says which class this is."""


class HttpsCheck(_Request):
    """A request over TLS that must be answered as wanted."""

    kind: Literal["https"] = Field(validation_alias=NAME)
    """Says which class this is."""
    port: Port = 443
    """TCP port."""
    sni: Annotated[str | None, checked(or_null(targets.parse_tls_name))] = None
    """Name that is asked for in TLS and that the certificate must be for.

    Unless configured it is `host` without a port, where that is a name. None asks
    for no name, and the certificate must be for the address.
    """
    verify: Flag = True
    """False: any certificate will do."""
    cert_days: Annotated[int, checked(whole(0, 3650))] = 14
    """Days that the certificate must hold for, else the site is degraded; 0 for never."""

    @model_validator(mode="after")
    def _fill_sni(self) -> Self:
        self._fill("sni", targets.name_in(self.host))
        return self


class TcpCheck(_Check):
    """A connection that must be accepted."""

    kind: Literal["tcp"] = Field(validation_alias=NAME)
    """Says which class this is."""
    port: Port = Field(examples=[443])
    """TCP port."""

    def _target(self) -> str:
        return self._at(self.port)


class NegotiateCheck(_Check):
    """A connection on which something is sent and something must come back."""

    kind: Literal["negotiate"] = Field(validation_alias=NAME)
    """Says which class this is."""
    port: Port = Field(examples=[25])
    """TCP port."""
    send: Annotated[str, checked(fields.parse_text)] = ""
    """What is sent, as UTF-8; empty to wait for the other side's greeting."""
    expect: Annotated[str, checked(targets.parse_pattern)] = Field(examples=['"^220 "'])
    """Regular expression to be found in what comes back."""
    tls: Flag = False
    """True: over TLS, whatever the certificate."""

    def _target(self) -> str:
        return self._at(self.port)


class DnsCheck(_Check):
    """A DNS query that must be answered as wanted."""

    kind: Literal["dns"] = Field(validation_alias=NAME)
    """Says which class this is."""
    qname: Annotated[Name, checked(fields.parse_zone_name)] = Field(examples=["www.example.org"])
    """Name that is asked for."""
    type: Annotated[str, checked(fields.one_of(*targets.QTYPES))] = "A"
    """Type that is asked for, as a word in capitals."""
    port: Port = 53
    """UDP or TCP port."""
    rcode: Annotated[str, checked(fields.one_of(*targets.RCODES))] = "NOERROR"
    """Response code that counts as success, as a word in capitals."""
    match: PatternOrNull = None
    """Regular expression to be found in the text of a record of the answer; None for none."""
    tcp: Flag = False
    """True: over TCP instead of UDP."""

    def _target(self) -> str:
        return f"{self._at(self.port)} {render_name(self.qname)} {self.type}"


class ExternalCheck(_Check):
    """A program with the exit codes of monitoring plugins."""

    kind: Literal["external"] = Field(validation_alias=NAME)
    """Says which class this is."""
    command: Command = Field(examples=["check_http -H {address}"])
    """Program and arguments; `{address}` in any of them stands for the address."""

    def _target(self) -> str:
        return " ".join([*map(render_address, self.address), shlex.join(self.command)])

    @property
    def uses_address(self) -> bool:
        """Tell whether there is one run for each address, or one in all."""
        return any(targets.ADDRESS in word for word in self.command)


class FileCheck(_Check):
    """A file that somebody else keeps up to date."""

    kind: Literal["file"] = Field(validation_alias=NAME)
    """Says which class this is."""
    path: Path = Field(examples=["/run/site.state"])
    """Absolute path."""
    max_age_s: Annotated[float, checked(amounts.duration(1, 30 * DAY_S))] = Field(
        alias="max_age", examples=["1min"]
    )
    """Seconds after its last change for which the file is believed."""

    def _target(self) -> str:
        return self.path

    @property
    def uses_address(self) -> bool:
        """Tell that the file is the site's as a whole."""
        return False


class OffCheck(_Check):
    """The absence of checks, said on purpose: the site is up."""

    kind: Literal["off"] = Field(validation_alias=NAME)
    """Says which class this is."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_keys(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > 1:
            raise shape.refused("takes no keys: write the word off alone")
        return value

    @property
    def uses_address(self) -> bool:
        """Tell that nothing is checked."""
        return False


Check: TypeAlias = (
    HttpCheck
    | HttpsCheck
    | TcpCheck
    | NegotiateCheck
    | DnsCheck
    | ExternalCheck
    | FileCheck
    | OffCheck
)
"""One check of a site, of any kind."""

KINDS: tuple[str, ...] = tuple(
    get_args(model.model_fields["kind"].annotation)[0] for model in get_args(Check)
)
"""The words for the kinds of checks."""


def _split_kind(item: object) -> object:
    return shape.split_kind(item, KINDS)


CheckItem = Annotated[Check, Field(discriminator="kind"), BeforeValidator(_split_kind)]
"""An item of a list of checks: a mapping with the kind as its one key, or the kind alone."""


Require = Annotated[Literal["all", "any"] | int, checked(targets.parse_require)]
Families = Annotated[Literal["independent", "site"], checked(fields.one_of("independent", "site"))]
HoldDown = Annotated[float, checked(amounts.duration(0, 7 * DAY_S))]
