"""What the options come to: values of the right kinds, the command line's before the file's.

Law: everything that is wrong is said at once, each with its place; what has no effect is said
too. Start from `read_values` and `build_settings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem
from sparrow.supersparrow.vocabulary import VOCABULARY, Reach
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.routeserver.server import Kind
    from sparrow.supersparrow.vocabulary import Option, Peer
    from sparrow.supersparrow.words import Given


@dataclass(frozen=True, slots=True)
class Settings:
    """How the program was told to work."""

    kind: Kind
    """What kind of route server is asked."""
    host: str
    """Its address or name."""
    port: int | str | None
    """Its port, or the name of a service; None for the one that is usual for its kind."""
    password: str | None
    """Its password; None where none was given."""
    peers: tuple[Peer, ...]
    """Sites and what their users are given, in written order."""
    own: str
    """The option `self`: what everybody else is given, and everybody when anything is wrong."""
    result_count: int
    """Most results of an answer."""
    timeout_s: float
    """Seconds for an answer of the route server."""
    cache_size: int
    """Addresses whose answers are held; 0 to hold none."""
    cache_timeout_s: float
    """Seconds for which each is held."""
    has_lookup: bool
    """Whether names of hosts and services are looked up."""
    is_batch: bool
    """Whether addresses come from stdin."""
    is_verbose: bool
    """Whether it is told how each answer came about."""
    is_debug: bool
    """Whether the options and times are told too."""


def read_values(*sources: Sequence[Given]) -> Mapping[str, Any]:
    """Give the value of every option by its name: that of the first source that has it.

    In one source the last counts, but options that are lists are joined; what no source
    has is its default, None without one, and the empty tuple for a list. Raises
    `InputError` with everything that is wrong, in any source.
    """
    problems: list[Problem] = []
    values = {name: _read_default(option) for name, option in VOCABULARY.items()}
    for source in reversed(sources):
        values |= _read_source(source, problems)
    if problems:
        raise InputError(problems)
    return values


def _read_default(option: Option) -> Any:
    if option.default is not None:
        return option.parse(option.default)
    return () if option.is_list else None


def _read_source(source: Sequence[Given], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for given in source:
        option = given.option
        try:
            value = option.parse("1" if given.text is None else given.text)
        except InputError as error:
            problems += [given.place.blame(f"{option.name}: {error}")]
            continue
        if option.is_list:
            several = value if isinstance(value, tuple) else (value,)
            value = (*values.get(option.name, ()), *several)
        values[option.name] = value
    return values


def build_settings(values: Mapping[str, Any]) -> Settings:
    """Make settings of the values of all options. Raises `InputError`."""
    problems = list(_check(values))
    if problems:
        raise InputError(problems)
    return Settings(
        kind=values["route_server"],
        host=values["host"],
        port=values["port"],
        password=values["password"],
        peers=values["peer"],
        own=values["self"],
        result_count=values["result_count"],
        timeout_s=values["timeout"],
        cache_size=values["cache_size"],
        cache_timeout_s=values["cache_timeout"],
        has_lookup=not values["no_lookup"],
        is_batch=values["batch"],
        is_verbose=values["verbose"] or values["debug"],
        is_debug=values["debug"],
    )


def _check(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Tell what options have to do with each other, and do not have here."""
    if values["self"] is None:
        yield Problem("self is missing: say what those are given whom no site is nearest to")
    if not values["no_lookup"]:
        return
    if not _is_address(values["host"]):
        yield Problem(f"host must be an address with no_lookup, not {values['host']!r}")
    if isinstance(values["port"], str):
        yield Problem(f"port must be a number with no_lookup, not {values['port']!r}")


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except InputError:
        return False
    return True


def describe_idle(*sources: Sequence[Given]) -> Iterator[Problem]:
    """Tell of each option that the program `supersparrow` has no use for, where it is first."""
    idle: dict[str, Given] = {}
    for source in sources:
        for given in source:
            if given.option.reach is Reach.DNS:
                idle.setdefault(given.option.name, given)
    for name, given in idle.items():
        yield given.place.blame(f"{name} has no effect here, only in {given.option.reach.value}")


def describe_settings(values: Mapping[str, Any]) -> Iterator[str]:
    """Give the options that the program goes by, as a file has them, without the password."""
    for name, option in VOCABULARY.items():
        if option.reach in {Reach.COMMAND_LINE, Reach.DNS}:
            continue
        value = values[name]
        if value is None or value == ():
            continue
        if name == "password":
            yield "password (not shown)"
        elif isinstance(value, tuple):
            yield f"{name} {','.join(map(str, value))}"
        else:
            yield f"{name} {int(value) if isinstance(value, bool) else value}"
