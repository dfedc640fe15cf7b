"""What can be said at the route port's prompt.

Law: a command is declared in one place, the table `COMMANDS`; what the port
understands, how `?` describes it and how TAB completes it all follow from
that. Start from `run_line`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.sources.line import render_route_line
from sparrow.ssrs.paths import NOT_IN_TABLE, render_entry, render_table, render_time
from sparrow.ssrs.words import VARIABLES, Fit, fit_of, is_beginning
from sparrow.values.address import (
    IPV4,
    IPV6,
    Prefix,
    parse_address,
    parse_network,
    truncate,
)
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sparrow.ssrs.source import RouteSource

UNKNOWN = "% Unknown command."
AMBIGUOUS = "% Ambiguous command."
INCOMPLETE = "% Command incomplete."
MALFORMED = "address is malformed"
NO_HELP = "% There is no matched command."
"""Zebra 0.93's words, for which scripts look."""

END = "<cr>"
"""Stands in help for the end of the line."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command line leads to."""

    lines: Iterable[str] = ()
    """What is printed, line by line without ends, made while it is printed."""
    is_last: bool = False
    """Whether the session ends behind it."""
    page: Page | None = None
    """The length of a page from now on; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Page:
    """How long a page of output is."""

    rows: int | None
    """Rows; 0 for output without breaks, None for the height of the peer's window."""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be said."""

    forms: tuple[str, ...]
    """Ways to say it: keywords, and variables from `VARIABLES`."""
    run: Callable[[RouteSource, Sequence[str]], Reply]
    """Answers it; gets the values of the form's variables in their order."""


def _show_address(source: RouteSource, values: Sequence[str]) -> Reply:
    found = source.find(parse_address(values[0]))
    return Reply(render_entry(*found, source) if found else (NOT_IN_TABLE,))


def _show_prefix(source: RouteSource, values: Sequence[str]) -> Reply:
    address, length = parse_network(values[0])
    prefix = Prefix(truncate(address, length), length)
    route = source.get(prefix)
    return Reply(render_entry(prefix, route, source) if route else (NOT_IN_TABLE,))


def _print_line(source: RouteSource, values: Sequence[str]) -> Reply:
    found = source.find(parse_address(values[0]))
    return Reply((render_route_line(*found) if found else NOT_IN_TABLE,))


def _show_ipv4(source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(render_table(IPV4, source))


def _show_ipv6(source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(render_table(IPV6, source))


def _show_version(source: RouteSource, _values: Sequence[str]) -> Reply:
    counts = f"IPv4 {source.count(IPV4)}, IPv6 {source.count(IPV6)}"
    return Reply(
        (
            f"sparrow {source.version}.",
            f"Prefixes: {counts}, loaded {render_time(source.loaded_at)}.",
        )
    )


def _show_sites(source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(tuple(source.sites()))


def _explain(source: RouteSource, values: Sequence[str]) -> Reply:
    return Reply(tuple(source.explain(parse_name(values[0]), parse_address(values[1]))))


def _set_page(_source: RouteSource, values: Sequence[str]) -> Reply:
    return Reply(page=Page(int(values[0])))


def _unset_page(_source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(page=Page(None))


def _enable(_source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(("% There is nothing to enable: all commands are available.",))


def _help(_source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(
        (
            "An address alone prints its route as a line of a route file: PREFIX AS.",
            "`show ip bgp ADDRESS` and `show bgp ipv6 ADDRESS` print it as a router does.",
            "",
            "? lists what can follow, anywhere in a line; TAB completes a word.",
            "A word may be cut short as long as it is clear: `sh ip bgp 192.0.2.1`.",
            "",
        )
    )


def _exit(_source: RouteSource, _values: Sequence[str]) -> Reply:
    return Reply(is_last=True)


_IPV4_TABLE = ("show ip bgp", "show ip bgp ipv4 unicast", "show bgp ipv4", "show bgp ipv4 unicast")
_IPV6_TABLE = ("show ipv6 bgp", "show bgp ipv6", "show bgp ipv6 unicast")
_ANY_TABLE = ("show bgp", "show ip bgp")


def _with(forms: Iterable[str], variable: str) -> tuple[str, ...]:
    """Put a variable behind each form."""
    return tuple(f"{form} {variable}" for form in dict.fromkeys(forms))


COMMANDS = (
    Command(("A.B.C.D", "X:X::X:X"), _print_line),
    Command(_IPV4_TABLE, _show_ipv4),
    Command(_IPV6_TABLE, _show_ipv6),
    Command(
        _with((*_IPV4_TABLE, *_ANY_TABLE), "A.B.C.D")
        + _with((*_IPV6_TABLE, *_ANY_TABLE), "X:X::X:X"),
        _show_address,
    ),
    Command(
        _with((*_IPV4_TABLE, *_ANY_TABLE), "A.B.C.D/M")
        + _with((*_IPV6_TABLE, *_ANY_TABLE), "X:X::X:X/M"),
        _show_prefix,
    ),
    Command(("show version",), _show_version),
    Command(("show sites",), _show_sites),
    Command(("explain NAME A.B.C.D", "explain NAME X:X::X:X"), _explain),
    Command(("terminal length (0-512)",), _set_page),
    Command(("terminal no length",), _unset_page),
    Command(("enable",), _enable),
    Command(("help",), _help),
    Command(("exit", "quit"), _exit),
)
"""Everything that can be said."""

WORD_HELP = {
    "A.B.C.D": "IPv4 address",
    "A.B.C.D/M": "IPv4 prefix",
    "X:X::X:X": "IPv6 address",
    "X:X::X:X/M": "IPv6 prefix",
    "NAME": "Domain name",
    "(0-512)": "Rows of a page, 0 for no pages",
    "bgp": "The route table",
    "enable": "Nothing to enable here",
    "exit": "End the session",
    "explain": "Tell how a name is answered for an address",
    "help": "How to get help",
    "ip": "IPv4 routes",
    "ipv4": "IPv4 routes",
    "ipv6": "IPv6 routes",
    "length": "Rows of a page",
    "no": "Undo a setting",
    "quit": "End the session",
    "show": "Show routes and sites",
    "sites": "The sites and their addresses",
    "terminal": "Settings of this session",
    "unicast": "Unicast routes, which all are",
    "version": "Version of this program and size of its tables",
}
"""What `?` says of each word that stands in a form."""

_FORMS = tuple((tuple(form.split()), command) for command in COMMANDS for form in command.forms)


@dataclass(frozen=True, slots=True)
class _Search:
    """The forms that the words typed so far may be the start of."""

    forms: tuple[tuple[tuple[str, ...], Command], ...] = _FORMS
    """Each as its words and the command it belongs to."""
    error: str | None = None
    """Why there is none; None while there are some."""
    is_malformed: bool = False
    """Whether a word stands in the place of a value and is none."""
    values: tuple[str, ...] = field(default=())
    """What was typed in the places of variables."""

    def narrow(self, place: int, typed: str) -> _Search:
        """Give the search with one more word, the best fits kept."""
        fits = [
            (fit_of(typed, form[0][place]), form) for form in self.forms if len(form[0]) > place
        ]
        best = max((fit for fit, _ in fits), default=Fit.NONE)
        kept = tuple(form for fit, form in fits if fit == best)
        words = {words[place] for words, _ in kept}
        if self.error or best == Fit.NONE:
            return _Search((), self.error or UNKNOWN)
        if best == Fit.SHORT and len(words) > 1:
            return _Search((), AMBIGUOUS)
        values = (*self.values, typed) if words & VARIABLES.keys() else self.values
        return _Search(kept, None, self.is_malformed or best == Fit.MALFORMED, values)


def _search(typed: Sequence[str]) -> _Search:
    search = _Search()
    for place, word in enumerate(typed):
        search = search.narrow(place, word)
    return search


def run_line(line: str, source: RouteSource) -> Reply:
    """Answer one line, which may be empty or a comment behind `!` or `#`."""
    typed = line.split()
    if not typed or typed[0][0] in "!#":
        return Reply()
    search = _search(typed)
    command = next((command for words, command in search.forms if len(words) == len(typed)), None)
    if command is None:
        return Reply((search.error or INCOMPLETE,))
    if search.is_malformed:
        return Reply((MALFORMED,))
    try:
        return command.run(source, search.values)
    except InputError as error:
        return Reply(tuple(f"% {problem.what}" for problem in error.problems))


def describe(line: str) -> tuple[str, ...]:
    """Give the lines that `?` at the end of `line` prints: what can follow, with help."""
    typed, last = _split(line)
    search = _search(typed)
    words = _continuations(search, len(typed), last)
    if not words:
        return (search.error if search.error == AMBIGUOUS else NO_HELP,)
    width = max(map(len, words))
    return tuple(f"  {word:<{width}}  {WORD_HELP.get(word, '')}".rstrip() for word in words)


def complete(line: str) -> tuple[str, ...]:
    """Give the keywords that the last word of `line` may become, in alphabetical order."""
    typed, last = _split(line)
    words = _continuations(_search(typed), len(typed), last)
    return tuple(word for word in words if word not in VARIABLES and word != END)


def last_word(line: str) -> str:
    """Give what is typed of the last word: nothing behind a blank."""
    return _split(line)[1]


def _split(line: str) -> tuple[list[str], str]:
    """Cut a line into its finished words and the one being typed."""
    typed = line.split()
    last = typed.pop() if typed and not line.endswith(" ") else ""
    return typed, last


def _continuations(search: _Search, place: int, last: str) -> tuple[str, ...]:
    """Give the words that can stand at `place` and begin with `last`, the end behind them."""
    found = {
        words[place]
        for words, _ in search.forms
        if len(words) > place and is_beginning(last, words[place])
    }
    has_end = place and not last and any(len(words) == place for words, _ in search.forms)
    return (*sorted(found), *((END,) if has_end else ()))
