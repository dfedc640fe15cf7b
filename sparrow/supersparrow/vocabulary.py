"""The options of Super Sparrow, by the names that it gave them.

Law: an option is declared here and nowhere else: its name, what it takes, its default,
and which front end it is for. All front ends accept all of them, as those of the
original did. Start from `VOCABULARY`.

The names are attested; of the defaults, `cache_size`, `cache_timeout` and `timeout` are
values that the original was seen with. The others are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sparrow.config.fields import MAX_PORT, refusal, shown
from sparrow.errors import InputError
from sparrow.routeserver.server import Kind
from sparrow.values.address import parse_address
from sparrow.values.asn import parse_asn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_RESULTS = 64
"""Results of one answer: more than anybody has sites, and few enough for a line."""
MAX_CACHED = 1_000_000
"""Addresses in the cache; some 200 octets each."""
MAX_SPAN_S = 86_400.0
"""Seconds that a timeout may be: a day."""
MAX_TTL = 2**31 - 1
"""Seconds (RFC 2181 section 8)."""

_NUMBER = re.compile(r"\d{1,12}\Z", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?\Z", re.ASCII)
_SERVICE = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9])*\Z", re.ASCII)  # RFC 6335 section 5.1
_HOST = re.compile(r"(?=.{1,253}\Z)(?:\w(?:[\w-]{0,61}\w)?\.)*\w(?:[\w-]{0,61}\w)?\.?\Z", re.ASCII)
_FLAGS = {"1": True, "0": False}


class Reach(Enum):
    """Which front end an option has an effect in."""

    EVERYWHERE = "everywhere"
    PROGRAM = "the program `supersparrow`"
    COMMAND_LINE = "the command line of `supersparrow`"
    DNS = "a DNS server"


@dataclass(frozen=True, slots=True)
class Peer:
    """A site: the AS number that shows in paths to its users, and what they are given."""

    asn: int
    """AS number of the site."""
    value: str
    """Address or host name, as it is written."""

    def __str__(self) -> str:
        """Render as in the option `peer`."""
        return f"{self.asn}={self.value}"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it is called, what it takes, what it does."""

    name: str
    """As in a file; behind `--` on a command line."""
    parse: Callable[[str], Any]
    """Reads its value, or raises `InputError` with one problem that does not name it."""
    about: str
    """What it does, in a few words."""
    metavar: str = ""
    """What stands for its value in the help; empty for a flag."""
    default: str | None = None
    """The value that counts without it, as text; None where nothing does."""
    reach: Reach = Reach.EVERYWHERE
    """Where it has an effect."""
    is_list: bool = False
    """Whether it may be given several times, and counts each time. Of others the last counts."""

    @property
    def is_flag(self) -> bool:
        """Whether it stands alone: `batch`; 1 or 0 may follow."""
        return not self.metavar


# --- values ---


def parse_text(text: str) -> str:
    """Take any text that can be printed, and is there."""
    if not text or not text.isprintable():
        raise refusal(f"must be text that can be printed, not {shown(text)}")
    return text


def parse_word(text: str) -> str:
    """Take an address, a host name, or whatever else is one word."""
    if not text.isprintable() or not text or set(text) & set(" ,"):
        raise refusal(f"must be one address or host name, not {shown(text)}")
    return text


def parse_host(text: str) -> str:
    """Take an address, or a host name as resolvers take it."""
    if not _HOST.match(text):
        try:
            parse_address(text)
        except InputError:
            raise refusal(f"must be an address or a host name, not {shown(text)}") from None
    return text


def parse_flag(text: str) -> bool:
    """Take 1 or 0; a flag that stands alone is 1."""
    if text not in _FLAGS:
        raise refusal(f"takes no value, or 1 or 0, not {shown(text)}")
    return _FLAGS[text]


def parse_port(text: str) -> int | str:
    """Take a port from 1 to 65535, or the name of a service."""
    if _NUMBER.match(text) and 1 <= int(text) <= MAX_PORT:
        return int(text)
    if _SERVICE.match(text) and any(each.isalpha() for each in text):
        return text
    what = f"must be a port from 1 to {MAX_PORT} or the name of a service, not {shown(text)}"
    raise refusal(what)


def parse_kind(text: str) -> Kind:
    """Take the kind of a route server. `ios` is `cisco`: which of them the original had is lost."""
    try:
        return Kind("cisco" if text == "ios" else text)
    except ValueError:
        kinds = ", ".join(Kind)
        raise refusal(f"must be one of {kinds}, not {shown(text)}") from None


def parse_peers(text: str) -> tuple[Peer, ...]:
    """Take `AS=value` pairs with commas between them; blanks around are passed over."""
    return tuple(_parse_peer(pair.strip()) for pair in text.split(","))


def _parse_peer(pair: str) -> Peer:
    asn, equals, value = (part.strip() for part in pair.partition("="))
    try:
        if equals:
            return Peer(parse_asn(asn), parse_word(value))
    except InputError as error:
        raise refusal(f"{shown(pair)}: {error}") from None
    raise refusal(
        "must be pairs such as 64600=192.0.2.1,64601=www.example.org, "
        f"of an AS number and what its users are given, not {shown(pair)}"
    )


def count_of(low: int, high: int) -> Callable[[str], int]:
    """Take a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if _NUMBER.match(text) and low <= int(text) <= high:
            return int(text)
        raise refusal(f"must be a whole number from {low} to {high}, not {shown(text)}")

    return parse


def seconds_of(low_s: float, high_s: float) -> Callable[[str], float]:
    """Take a number of seconds, which may have a fraction."""

    def parse(text: str) -> float:
        if _SECONDS.match(text) and low_s <= float(text) <= high_s:
            return float(text)
        raise refusal(f"must be seconds from {low_s:g} to {high_s:g}, not {shown(text)}")

    return parse


_OPTIONS = (
    Option(
        "route_server",
        parse_kind,
        "what the route server is: zebra (also Quagga, FRR), gated, ssrs, cisco",
        "KIND",
        Kind.ZEBRA,
    ),
    Option("host", parse_host, "where the route server is", "HOST", "localhost"),
    Option("port", parse_port, "its port, as a number or a service", "PORT"),
    Option("password", parse_text, "its password", "PASSWORD"),
    Option(
        "peer",
        parse_peers,
        "sites: the AS number of each, and what users nearest to it are given",
        "AS=VALUE,...",
        is_list=True,
    ),
    Option("self", parse_word, "what everybody else is given", "VALUE"),
    Option("result_count", count_of(1, MAX_RESULTS), "most results of an answer", "N", "1"),
    Option("timeout", seconds_of(0.01, MAX_SPAN_S), "longest wait for an answer", "SECONDS", "60"),
    Option("cache_size", count_of(0, MAX_CACHED), "most addresses that are held", "N", "16"),
    Option("cache_timeout", seconds_of(0, MAX_SPAN_S), "how long each is held", "SECONDS", "10"),
    Option(
        "no_lookup", parse_flag, "look no names up: HOST is an address and PORT a number", "", "0"
    ),
    Option("verbose", parse_flag, "say on stderr how each answer came about", "", "0"),
    Option("debug", parse_flag, "say all options too, and how long each answer took", "", "0"),
    Option(
        "batch",
        parse_flag,
        "read addresses from stdin and answer each, until it ends",
        "",
        "0",
        Reach.PROGRAM,
    ),
    Option(
        "config_file",
        parse_text,
        "the file with options",
        "FILE",
        "/etc/supersparrow.conf",
        Reach.COMMAND_LINE,
    ),
    Option("version", parse_flag, "show the version", "", "0", Reach.COMMAND_LINE),
    Option("help", parse_flag, "show this", "", "0", Reach.COMMAND_LINE),
    Option("soa_host", parse_word, "mname of the SOA record", "NAME", reach=Reach.DNS),
    Option("soa_email", parse_word, "rname of the SOA record", "NAME", reach=Reach.DNS),
    Option("ns", parse_word, "a name server", "NAME", reach=Reach.DNS, is_list=True),
    Option("ttl", count_of(0, MAX_TTL), "TTL of addresses", "SECONDS", reach=Reach.DNS),
    Option("ns_ttl", count_of(0, MAX_TTL), "TTL of NS records", "SECONDS", reach=Reach.DNS),
)

VOCABULARY: Mapping[str, Option] = MappingProxyType({option.name: option for option in _OPTIONS})
"""Every option by its name, in the order of the help."""
