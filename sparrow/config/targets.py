"""What a check is told of its target: paths, codes, patterns, commands.

Law: as in `sparrow.config.fields`. What is accepted here can be sent or run as
it is: no blank or control character reaches a request line, and every pattern
compiles. Start from `parse_command`.
"""

from __future__ import annotations

import re
import shlex
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.config.fields import MAX_PORT, is_address, parse_text, path_in, refusal, shown
from sparrow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = "{address}"
"""What stands in a command for the address that is checked."""

MAX_TITLE = 200
"""Characters of the name of a check: a line on a screen, with room."""

QTYPES = (
    "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA",
    "SRV", "SVCB", "TLSA", "TXT",
)  # fmt: skip
"""Types that a check may ask for."""

RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""Response codes that a check may want (RFC 1035 section 4.1.1)."""


@dataclass(frozen=True, slots=True, order=True)
class StatusRange:
    """HTTP status codes from `first` to `last`, both included."""

    first: int
    """Lowest code, 100 to 599."""
    last: int
    """Highest code; equal to `first` for a single one."""

    def __contains__(self, status: int) -> bool:
        """Tell whether a code is in the range."""
        return self.first <= status <= self.last

    def __str__(self) -> str:
        """Render as `200` or `200-399`."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def parse_server(value: object) -> str:
    """Accept where a gRPC interface is: `ADDRESS:PORT`, `HOST:PORT` or `unix:PATH`."""
    text = parse_text(value)
    example = "write 192.0.2.1:50051, [2001:db8::1]:50051, or unix:/run/gobgp.sock"
    path = text.removeprefix("unix:")
    if path != text:
        if path.startswith("/") and path.isprintable():
            return text
        raise refusal(f"{shown(text)} lacks the absolute path of a socket: {example}")
    match = re.match(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})\Z", text, re.ASCII)
    if match is None or not 1 <= int(match[2]) <= MAX_PORT:
        raise refusal(f"{shown(text)} is not a server and its port: {example}")
    if match[1].startswith("[") and not is_address(match[1][1:-1]):
        raise refusal(f"{shown(text)} has no IPv6 address in its brackets: {example}")
    return text


def parse_status(value: object) -> StatusRange:
    """Accept one HTTP status code, or a range as text."""
    match = re.match(r"([1-5]\d\d)(?:-([1-5]\d\d))?\Z", str(value), re.ASCII)
    if match is None or isinstance(value, bool):
        raise refusal(
            f"must be an HTTP status such as 200, or a range such as 200-399, not {value}"
        )
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise refusal(f"{value} runs backwards: write {last}-{first}")
    return StatusRange(first, last)


def parse_http_path(value: object) -> str:
    """Accept what stands in a request line behind the method (RFC 9112 section 3.2.1)."""
    text = parse_text(value)
    if text.startswith("/") and _is_graphic(text):
        return text
    raise refusal(f"must be a path that starts with / and has no blanks, not {shown(text)}")


def parse_http_host(value: object) -> str:
    """Accept the value of a `Host` header: a name or an address, and perhaps a port."""
    text = parse_text(value)
    if text and _is_graphic(text) and not any(character in "/@?#" for character in text):
        return text
    raise refusal(f"must be the name of a host, such as www.example.org, not {shown(text)}")


def _is_graphic(text: str) -> bool:
    """Tell whether there are only visible ASCII characters in `text`."""
    return text.isascii() and text.isprintable() and " " not in text


def name_in(host: str | None) -> str | None:
    """Give the name of a `Host` header as TLS can ask for it; None where it has none."""
    bare = re.sub(r":[0-9]*\Z", "", host or "")
    try:
        return parse_tls_name(bare)
    except InputError:
        return None


def parse_tls_name(value: object) -> str:
    """Accept a name that TLS can ask for (RFC 6066 section 3): no address, no final dot."""
    text = parse_text(value)
    plain = text.replace("-", "x").replace(".", "x").replace("_", "x")
    if plain.isascii() and plain.isalnum() and len(text) <= 253 and not is_address(text):
        return text
    raise refusal(f"must be the name of a host, such as www.example.org, not {shown(text)}")


def parse_require(value: object) -> str | int:
    """Accept `all`, `any`, or how many checks must succeed."""
    if value in ("all", "any"):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise refusal(f"must be all, any, or how many of the checks must succeed, not {shown(value)}")


def parse_pattern(value: object) -> str:
    """Accept a regular expression of Python that text and octets can both be searched with."""
    text = parse_text(value)
    try:
        with warnings.catch_warnings():
            # What Python will read otherwise one day is not a pattern to rely on.
            warnings.simplefilter("error")
            re.compile(text)
            re.compile(text.encode())
    except (re.error, Warning, OverflowError, RecursionError, UnicodeError) as error:
        raise refusal(f"{shown(text)} is not a regular expression: {error}") from None
    if text:
        return text
    raise refusal("must be a regular expression with at least one character, not ''")


def parse_title(value: object) -> str:
    """Accept a name for people: one line."""
    text = parse_text(value)
    if text.strip() and text.isprintable() and len(text) <= MAX_TITLE:
        return text
    raise refusal(f"must be one line of 1 to {MAX_TITLE} characters, not {shown(text)}")


def command_in(folder: str) -> Callable[[object], tuple[str, ...]]:
    """Accept a command as a list of words, or as text that is split as a shell would.

    A program with a slash in its name that is not absolute is taken from `folder`.
    """

    def parse(value: object) -> tuple[str, ...]:
        words = _split_command(value)
        if not words or not words[0]:
            raise refusal(
                "must be a command, such as /usr/lib/nagios/plugins/check_http -H {address}"
            )
        if any("\0" in word for word in words):
            raise refusal("must not hold the character U+0000")
        program = path_in(folder)(words[0]) if "/" in words[0] else words[0]
        return (program, *words[1:])

    return parse


def _split_command(value: object) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(parse_text(word) for word in value)
    if not isinstance(value, str):
        raise refusal(f"must be a command as text or as a list of words, not {shown(value)}")
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise refusal(f"{shown(value)} cannot be split into words: {str(error).lower()}") from None
