"""What stands behind `database "ss ..."`: the options of Super Sparrow's driver for BIND.

Law: pure; every word is understood or a problem with its file and line. Start from
`find_zones`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.values.address import parse_address
from sparrow.values.asn import parse_asn
from sparrow.values.name import parse_name, render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sparrow.bindimport.statements import Statement, Word

DRIVER = "ss"
"""The first word of a database that is Super Sparrow's."""
MAX_TTL_S = 86_400
"""Of a steered answer, as the key `ttl` of a zone has it."""
MAX_NS_TTL_S = 604_800
"""As the key `ns_ttl` of a zone has it."""
MAX_TIMEOUT_S = 3600
"""As the key `timeout` of a route server has it."""
_MAX_RESULTS = 64
_LOCAL = ("localhost", "127.0.0.1", "::1")

# A backslash ends a line that goes on, with or without a blank before it.
_GAP = re.compile(r"(?:\\?\s)+|\\$")
_FOLLOWING = re.compile(r"(?:(?!\\?\s)(?!\\$).)+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RouteServer:
    """Whom the driver asked for routes."""

    kind: str = "ssrs"
    """`ssrs`, `zebra`, `gated` or `cisco`."""
    host: str = "localhost"
    """Address or name."""
    port: str | None = None
    """Number or name of a service; None for that of the kind."""
    password: str | None = None
    """What it wants to hear first."""
    timeout: str | None = None
    """Seconds for an answer; None where nothing was said."""

    @property
    def is_own(self) -> bool:
        """Whether it is Super Sparrow's, on this machine, whose place sparrow takes."""
        return self.kind == "ssrs" and self.host in _LOCAL


@dataclass(slots=True)
class SsZone:
    """A zone that Super Sparrow's driver answers for. Filled in by `find_zones` alone."""

    name: str
    """Whole, with a final dot."""
    file: str
    """Where its statement stands."""
    line: int
    """Where in the file."""
    peers: dict[int, list[bytes]] = field(default_factory=dict)
    """By AS number, in their order: addresses."""
    self_address: bytes | None = None
    """The answer where no peer is on the way."""
    soa_host: str | None = None
    """With a final dot, as the next two."""
    soa_email: str | None = None
    """As a name."""
    name_servers: list[str] = field(default_factory=list)
    """In their order."""
    ttl_s: int | None = None
    """Of addresses; None where nothing was said."""
    ns_ttl_s: int | None = None
    """Of the NS records; None where nothing was said."""
    result_count: int = 1
    """Most addresses of an answer."""
    server: dict[str, str] = field(default_factory=dict)
    """By option: what was said of the route server."""
    without_use: list[str] = field(default_factory=list)
    """Options that sparrow needs nothing for."""

    @property
    def route_server(self) -> RouteServer:
        """Whom it asks."""
        said = self.server
        default = RouteServer()
        return RouteServer(
            said.get("route_server", default.kind),
            said.get("host", default.host),
            said.get("port"),
            said.get("password"),
            said.get("timeout"),
        )


def find_zones(statements: Iterable[Statement]) -> list[SsZone]:
    """Give the zones of named.conf, in views too, whose database is Super Sparrow's.

    Raises `InputError` with all that is wrong with them.
    """
    problems: list[Problem] = []
    zones = [_read_zone(*found, problems) for found in _find_databases(statements)]
    if problems:
        raise InputError(problems)
    return zones


def _find_databases(statements: Iterable[Statement]) -> Iterator[tuple[Word, Word]]:
    """Give the name and the database of each zone that has Super Sparrow's."""
    for statement in statements:
        kind, *rest = statement.words
        if kind.text == "view":
            yield from _find_databases(statement.block)
        if kind.text != "zone" or not rest:
            continue
        for each in statement.block:
            named, *values = each.words
            if named.text == "database" and values and values[0].text.split()[:1] == [DRIVER]:
                yield rest[0], values[0]


def _read_zone(name: Word, database: Word, problems: list[Problem]) -> SsZone:
    zone = SsZone(f"{name.text.rstrip('.').lower()}.", name.file, name.line)
    _take(lambda: parse_name(zone.name), name.line, name.file, problems)
    words = iter(_split_words(database))
    next(words)  # the driver's name
    for word, line in words:
        option, joined, text = word.removeprefix("--").partition("=")
        taking = _OPTIONS.get(option) if word.startswith("--") else None
        if taking is None:
            what = f"{word!r} is no option of Super Sparrow's driver: {_KNOWN}"
            problems.append(Problem(what, database.file, line))
        elif taking is _take_flag:
            zone.without_use.append(option)
        else:
            value = text if joined else next(words, (None, line))[0]
            if value is None:
                problems.append(
                    Problem(f"--{option}: nothing stands behind it", database.file, line)
                )
            else:
                _take(
                    lambda: taking(zone, option, value),  # noqa: B023 (called at once)
                    line,
                    database.file,
                    problems,
                )
    problems += [Problem(what, zone.file, zone.line) for what in _find_missing(zone)]
    return zone


def _split_words(database: Word) -> list[tuple[str, int]]:
    """Give the words of a text, each with its line."""
    found = []
    at, text = 0, database.text
    while at < len(text):
        gap = _GAP.match(text, at)
        if gap is None:
            word = _FOLLOWING.match(text, at)
            end = word.end() if word else at + 1
            found.append((text[at:end], database.line + text.count("\n", 0, at)))
        at = gap.end() if gap else end
    return found


def _take(parse: Callable[[], object], line: int, file: str, problems: list[Problem]) -> None:
    """Call what may refuse its text, and give its problems their place."""
    try:
        parse()
    except InputError as error:
        problems += [Problem(each.what, file, line) for each in error.problems]


def _find_missing(zone: SsZone) -> Iterator[str]:
    given = {
        "peer": zone.peers,
        "self": zone.self_address,
        "soa_host": zone.soa_host,
        "soa_email": zone.soa_email,
        "ns": zone.name_servers,
    }
    for option, value in given.items():
        if not value:
            yield f"zone {zone.name} has no --{option}, which it cannot do without"


# Options.


def _take_peers(zone: SsZone, option: str, text: str) -> None:
    for item in text.split(","):
        asn, equals, address = item.partition("=")
        if not equals:
            raise _refusal(option, item, "AS=ADDRESS, such as 64600=192.0.2.10")
        zone.peers.setdefault(parse_asn(asn), []).append(parse_address(address))


def _take_self(zone: SsZone, _: str, text: str) -> None:
    zone.self_address = parse_address(text)


def _take_name_server(zone: SsZone, _: str, text: str) -> None:
    zone.name_servers.append(_whole_name(text))


def _take_soa_host(zone: SsZone, _: str, text: str) -> None:
    zone.soa_host = _whole_name(text)


def _take_soa_email(zone: SsZone, _: str, text: str) -> None:
    local, at, domain = text.partition("@")
    escaped = local.replace(".", r"\.") + "." + domain  # RFC 1035 section 8
    zone.soa_email = _whole_name(escaped if at else text)


def _take_ttl(zone: SsZone, option: str, text: str) -> None:
    zone.ttl_s = _read_number(option, text, range(MAX_TTL_S + 1))


def _take_ns_ttl(zone: SsZone, option: str, text: str) -> None:
    zone.ns_ttl_s = _read_number(option, text, range(MAX_NS_TTL_S + 1))


def _take_result_count(zone: SsZone, option: str, text: str) -> None:
    zone.result_count = _read_number(option, text, range(1, _MAX_RESULTS + 1))


def _take_kind(zone: SsZone, option: str, text: str) -> None:
    if text not in _KINDS:
        raise _refusal(option, text, "ssrs, zebra, gated or cisco")
    zone.server[option] = text


def _take_server(zone: SsZone, option: str, text: str) -> None:
    zone.server[option] = text


def _take_timeout(zone: SsZone, option: str, text: str) -> None:
    zone.server[option] = str(_read_number(option, text, range(1, MAX_TIMEOUT_S + 1)))


def _take_needless(zone: SsZone, option: str, text: str) -> None:
    _read_number(option, text, range(2**31))
    zone.without_use.append(option)


def _take_flag(zone: SsZone, option: str, _: str) -> None:
    zone.without_use.append(option)


def _read_number(option: str, text: str, allowed: range) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) in allowed):
        raise _refusal(option, text, f"a number from {allowed[0]} to {allowed[-1]}")
    return int(text)


def _whole_name(text: str) -> str:
    return render_name(parse_name(f"{text.removesuffix('.')}."))


def _refusal(option: str, text: str, wanted: str) -> InputError:
    return InputError([Problem(f"--{option} {text}: it wants {wanted}")])


_KINDS = ("ssrs", "zebra", "gated", "cisco")
_OPTIONS: dict[str, Callable[[SsZone, str, str], None]] = {
    "host": _take_server,
    "port": _take_server,
    "route_server": _take_kind,
    "password": _take_server,
    "peer": _take_peers,
    "self": _take_self,
    "result_count": _take_result_count,
    "soa_host": _take_soa_host,
    "soa_email": _take_soa_email,
    "ns": _take_name_server,
    "ttl": _take_ttl,
    "ns_ttl": _take_ns_ttl,
    "timeout": _take_timeout,
    "cache_timeout": _take_needless,
    "cache_size": _take_needless,
    "no_lookup": _take_flag,
    "debug": _take_flag,
    "verbose": _take_flag,
}
_KNOWN = f"these are {', '.join(f'--{option}' for option in _OPTIONS)}"
