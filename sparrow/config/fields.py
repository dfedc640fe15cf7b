"""The values that a key can have: what is accepted, and what is said otherwise.

Law: a function here takes what YAML gave (text, int, bool, `Decimal`, None, a
tuple, a mapping) and gives the parsed value, or raises `InputError` with one
problem whose text says what would be right. Start from `whole`;
`sparrow.config.shape.checked` makes such a function a pydantic annotation.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn, TypeVar

from sparrow.errors import InputError, Problem
from sparrow.values.address import parse_address, render_address
from sparrow.values.asn import AsnRange, parse_asn, parse_asn_range
from sparrow.values.name import is_below, parse_name, render_name
from sparrow.values.peer import PeerChoice, parse_peer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sparrow.values.name import Name

T = TypeVar("T")

MAX_SHOWN = 60
"""Characters of a refused value that a message repeats; enough to find it again."""

MAX_PORT = 2**16 - 1

_LOOPBACK_V6 = parse_address("::1")


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and a port to listen on."""

    host: bytes
    """Packed address; all zeros for every address of its family."""
    port: int
    """1 to 65535."""

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it: 127.0.0.0/8 and ::1."""
        return self.host[0] == 127 if len(self.host) == 4 else self.host == _LOOPBACK_V6

    def __str__(self) -> str:
        """Render as `192.0.2.1:53` or `[2001:db8::1]:53`."""
        host = render_address(self.host)
        return f"[{host}]:{self.port}" if len(self.host) == 16 else f"{host}:{self.port}"


def refusal(what: str) -> InputError:
    """Make an error with `what` as its one problem."""
    return InputError([Problem(what)])


def refuse(what: str) -> NoReturn:
    """Raise `InputError` with `what` as its one problem."""
    raise refusal(what)


def shown(value: object) -> str:
    """Give a value as a message repeats it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "...")
        case Mapping():
            return "a mapping"
        case tuple():
            return "a list"
        case _:
            return str(value)


def suggest(name: str, known: Collection[str]) -> str:
    """Give `did you mean ...? ` where known names are near to one; else nothing."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(name.casefold(), by_folded, n=2, cutoff=0.5)
    names = " or ".join(repr(by_folded[folded]) for folded in near)
    return f"did you mean {names}? " if names else ""


def or_null(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    """Accept `null` beside what `parse` accepts."""
    return lambda value: None if value is None else parse(value)


# --- scalars ---


def whole(low: int, high: int) -> Callable[[object], int]:
    """Accept whole numbers from `low` to `high`."""

    def parse(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        bare = isinstance(value, str) and value.isdecimal() and low <= int(value[:20]) <= high
        what = f"must be a whole number from {low} to {high}, not {shown(value)}"
        refuse(f"{what}: write it without quotes" if bare else what)

    return parse


def parse_flag(value: object) -> bool:
    """Accept `true` and `false`."""
    if isinstance(value, bool):
        return value
    refuse(f"must be true or false, not {shown(value)}")


def parse_workers(value: object) -> int | None:
    """Accept `auto`, which gives None, or 1 to 256."""
    if value == "auto":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 256:
        return value
    refuse(f"must be auto, or a whole number from 1 to 256, not {shown(value)}")


def parse_text(value: object) -> str:
    """Accept text, and say how to quote what YAML takes for something else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal):
        refuse(f'must be text, and YAML reads {shown(value)} otherwise: write "{shown(value)}"')
    refuse(f"must be text, not {shown(value)}")


def short_text(most: int) -> Callable[[object], str]:
    """Accept text of 1 to `most` octets in UTF-8."""

    def parse(value: object) -> str:
        text = parse_text(value)
        if 1 <= len(text.encode()) <= most:
            return text
        refuse(f"must be text of 1 to {most} octets, not of {len(text.encode())}")

    return parse


def one_of(*words: str) -> Callable[[object], str]:
    """Accept one of `words`."""

    def parse(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        refuse(f"must be {' or '.join(words)}, not {shown(value)}")

    return parse


def parse_label(value: object) -> str:
    """Accept the name of a site or service: letters, digits, `-` and `_`.

    `+` joins such names elsewhere, and blanks or dots would make them hard to quote.
    """
    text = parse_text(value)
    if text.isascii() and text.replace("-", "x").replace("_", "x").isalnum() and len(text) <= 63:
        return text
    refuse(f"{shown(text)} is not a name for this: use 1 to 63 letters, digits, '-' and '_'")


def parse_user(value: object) -> str:
    """Accept the name of a system account."""
    text = parse_text(value)
    if text and not text.startswith("-") and not any(c.isspace() or c in ":/\0" for c in text):
        return text
    refuse(f"must be the name of a user of this system, not {shown(text)}")


def parse_password(value: object) -> str:
    """Accept what a person can type at a telnet prompt; never repeat it in a message."""
    if not isinstance(value, str):
        refuse("must be text in quotes, or null for any password")
    if 1 <= len(value) <= 80 and value.isascii() and value.isprintable():
        return value
    refuse("must be 1 to 80 printable ASCII characters, or null for any password")


def parse_hostname(value: object) -> str:
    """Accept a host name as a prompt shows it."""
    text = parse_text(value)
    if text.isascii() and text.replace("-", "x").replace(".", "x").isalnum() and len(text) <= 63:
        return text
    refuse(f"must be a host name of letters, digits, '-' and '.', not {shown(text)}")


def path_in(folder: str) -> Callable[[object], str]:
    """Accept a path; give it absolute, a relative one being taken from `folder`."""

    def parse(value: object) -> str:
        text = parse_text(value)
        if text and "\0" not in text:
            return os.path.normpath(os.path.join(folder, text))  # noqa: PTH118  (only text)
        refuse(f"must be the path of a file or folder, not {shown(text)}")

    return parse


# --- addresses and AS numbers ---


def parse_vip(value: object) -> bytes:
    """Accept one IPv4 or IPv6 address."""
    return parse_address(parse_text(value))


def parse_endpoint(value: object) -> Endpoint:
    """Accept `ADDRESS:PORT`, an IPv6 address in brackets."""
    example = "write 192.0.2.1:53 or [2001:db8::1]:53"
    if not isinstance(value, str):
        refuse(f"must be an address and a port, not {shown(value)}: {example}")
    host, colon, port = value.rpartition(":")
    if host in ("", "*") and colon:
        refuse(f"{shown(value)} lacks its address: for all, write 0.0.0.0:{port} and [::]:{port}")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or (":" in host and not bracketed) or "]" in port:
        refuse(f"{shown(value)} is not an address and a port: {example}")
    if bracketed and ":" not in host:
        refuse(f"{shown(value)}: brackets are for IPv6 addresses only: {example}")
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= MAX_PORT):
        refuse(f"{shown(value)}: the port must be a number from 1 to {MAX_PORT}")
    return Endpoint(parse_address(host[1:-1] if bracketed else host), int(port))


def parse_asns(value: object) -> AsnRange:
    """Accept an AS number, as a number or as text, or a range as text."""
    if isinstance(value, str):
        return parse_asn_range(value)
    _refuse_fraction(value)
    if isinstance(value, int) and not isinstance(value, bool):
        asn = parse_asn(str(value))
        return AsnRange(asn, asn)
    refuse(f"must be an AS number (64600) or a range of them (64600-64700), not {shown(value)}")


def _refuse_fraction(value: object) -> None:
    text = str(value)
    if isinstance(value, Decimal) and text.replace(".", "", 1).isdigit():
        refuse(
            "an AS number with a dot must stand in quotes, because YAML reads it as a "
            f'fraction and loses its zeros: write "{text}"'
        )


def parse_neighbour(value: object) -> PeerChoice:
    """Accept an address, or an AS number as a number or as text."""
    if isinstance(value, str):
        return parse_peer(value)
    _refuse_fraction(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return PeerChoice(None, parse_asn(str(value)))
    refuse(f"must be an address or an AS number (64600), not {shown(value)}")


# --- domain names ---


def parse_zone_name(value: object) -> Name:
    """Accept a whole domain name, with or without the final dot."""
    text = parse_text(value)
    if not text.isascii():
        refuse(f"{shown(text)} is not ASCII: write the name in its xn-- form")
    if text == "@":
        refuse("'@' has no meaning here: write the whole name")
    return parse_name(text)


def parse_host(value: object) -> Name:
    """Accept the whole name of a host, and refuse what looks cut short or like an address.

    A name of one label without a final dot is most likely meant to be relative,
    which nothing in the configuration but a steered name is.
    """
    text = parse_text(value)
    name = parse_zone_name(text)
    if is_address(text):
        refuse(f"{shown(text)} is an address: write the name of the host")
    if len(name) == 1 and not text.endswith("."):
        refuse(f"{shown(text)} is not a whole name: write it with its domain, {text}.example.org.")
    return name


def is_address(text: str) -> bool:
    """Tell whether `text` is one IPv4 or IPv6 address."""
    try:
        parse_address(text)
    except InputError:
        return False
    return True


def parse_mailbox(value: object) -> Name:
    """Accept a mailbox as RFC 1035 section 8 encodes it, or as a mail address."""
    text = parse_text(value)
    # A mail address is cut at its first `@` without a backslash.
    parts = re.fullmatch(r"((?:[^\\@]|\\.)*)@(.*)", text, re.DOTALL)
    if parts is None:
        return parse_host(text)
    local, domain = parts.groups()
    if "@" in domain:
        refuse(f"{shown(text)} is not a mail address: it has a second '@'")
    escaped = re.sub(r"\\.|\.", lambda dot: "\\." if dot[0] == "." else dot[0], local)
    host = parse_host(domain)
    return parse_name(f"{escaped}.{render_name(host)}")


def parse_owner(value: object) -> Name:
    """Accept a pair (owner as written, name of the zone): `@`, `*.cdn`, or an absolute name."""
    if not isinstance(value, tuple):
        refuse(f"must be a name in the zone, not {shown(value)}")
    written, zone = value
    text = parse_text(written)
    if not text.isascii():
        refuse(f"{shown(text)} is not ASCII: write the name in its xn-- form")
    name = parse_name(text, zone)
    if is_below(name, zone):
        return name
    refuse(
        f"{shown(text)} lies outside the zone {render_name(zone)}: write '@' for the zone's own "
        "name, or a name relative to it such as 'www'"
    )
