"""How the functions of `fields` and named entries are put into pydantic's terms.

Law: every message that reaches an operator is written by us. What is refused
here is a pydantic error of type `REFUSED`, whose text is final; the few types
of pydantic's own are put into words by `sparrow.config.wording`. Start from
`checked` and `entries`.
"""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from sparrow.config.fields import or_null, path_in, shown, suggest
from sparrow.config.targets import command_in
from sparrow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pydantic import ValidationInfo

    from sparrow.values.name import Name

T = TypeVar("T")

NAME = " "
"""Key under which the name of an entry travels into its model; no written key is blank."""

REFUSED = "refused"
"""Type of the pydantic errors whose message is final."""


def refused(what: str) -> PydanticCustomError:
    """Make the error that pydantic collects from a message."""
    return PydanticCustomError(REFUSED, "{what}", {"what": what})


def in_words(parse: Callable[[object], T]) -> Callable[[object], T]:
    """Let `parse` raise what pydantic collects instead of `InputError`."""

    def validate(value: object) -> T:
        try:
            return parse(value)
        except InputError as error:
            raise refused(error.problems[0].what) from None

    return validate


def checked(parse: Callable[[object], object]) -> PlainValidator:
    """Make `parse` the whole validation of a field or of an item."""
    return PlainValidator(in_words(parse))


def parse_path(value: object, info: ValidationInfo) -> str:
    """Accept a path, relative to the folder that the validation's context names."""
    return in_words(path_in(_folder(info)))(value)


def _folder(info: ValidationInfo) -> str:
    return info.context["folder"] if info.context else os.path.sep


def parse_path_or_null(value: object, info: ValidationInfo) -> str | None:
    """Accept `null` beside what `parse_path` accepts."""
    return or_null(lambda path: parse_path(path, info))(value)


def parse_command(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Accept a command, its program relative to the folder that the context names."""
    return in_words(command_in(_folder(info)))(value)


def wrap(value: object) -> object:
    """Give a single value as a list of one."""
    return value if isinstance(value, tuple) or value is None else (value,)


def split_entries(value: object, noun: str, under: str | None = None) -> tuple[object, ...]:
    """Turn `{name: settings}` into a tuple of mappings that hold their name under `NAME`.

    `noun` says in a message what the names stand for. With `under`, settings are
    one value, which goes under that key. What should be a mapping and is none is
    passed on as it is, for pydantic to refuse.
    """
    if not isinstance(value, Mapping):
        what = "is empty" if value is None else f"cannot be {shown(value)}"
        raise refused(f"{what}: write one key per {noun} below it, or leave it out")
    return tuple(_named(name, settings, under) for name, settings in value.items())


def _named(name: object, settings: object, under: str | None) -> object:
    if under is not None:
        return {NAME: name, under: settings}
    return {**settings, NAME: name} if isinstance(settings, Mapping) else settings


def entries(noun: str) -> BeforeValidator:
    """Read the field from a mapping by name, in the order in which it is written."""
    return BeforeValidator(lambda value: split_entries(value, noun))


def _pairs(item: object) -> Collection[tuple[str, object]]:
    if isinstance(item, Mapping) and item:
        return item.items()
    what = f"must be a kind with its keys, such as {{tcp: {{port: 443}}}}, not {shown(item)}"
    raise refused(what)


def split_kind(item: object, kinds: Sequence[str]) -> object:
    """Turn `{kind: settings}`, or the kind alone, into settings that hold it under `NAME`."""
    pairs = [(item, {})] if isinstance(item, str) else _pairs(item)
    kind, settings = next(iter(pairs))
    if len(pairs) > 1:
        what = f"holds {len(pairs)} keys instead of one kind: indent the keys of {kind} below it"
        raise refused(what)
    if kind not in kinds:
        near = suggest(kind, kinds)
        raise refused(f"there is no kind {shown(kind)}: {near}the kinds are {', '.join(kinds)}")
    if not isinstance(settings, Mapping):
        right = f"write {kind}: {{}} for the defaults"
        raise refused(f"{kind} must hold keys with values, not {shown(settings)}: {right}")
    return {**settings, NAME: kind}


def name_kind(item: object, *kinds: str, otherwise: str) -> object:
    """Add to settings, under `NAME`, which of `kinds` is a key of theirs.

    The word has a blank before it, by which `tree` knows that no key is meant.
    """
    if not isinstance(item, Mapping):
        raise refused(f"must hold keys with values, not {shown(item)}")
    kind = next((each for each in kinds if each in item), otherwise)
    return {**item, NAME: f"{NAME}{kind}"}


def one_of_two(first: str, second: str) -> Callable[[object], object]:
    """Accept settings that have one of two keys, but not both."""

    def check(item: object) -> object:
        given = [
            key
            for key in (first, second)
            if isinstance(item, Mapping) and item.get(key) is not None
        ]
        if isinstance(item, Mapping) and len(given) != 1:
            have = (
                f"has both {first} and {second}" if given else f"has neither {first} nor {second}"
            )
            raise refused(f"an item here {have}: write one of them")
        return item

    return check


def null_or(prepare: Callable[[object], object]) -> BeforeValidator:
    """Accept `null` beside what `prepare` takes and the field then reads."""
    return BeforeValidator(or_null(prepare))


def split_resort(value: object) -> object:
    """Turn a last resort, as a word or as a list under `static`, into settings of its model."""
    words = "all-up, empty, servfail, or {static: [192.0.2.1]}"
    if isinstance(value, str) and value in ("all-up", "empty", "servfail"):
        return {NAME: value}
    if isinstance(value, Mapping) and value:
        return {**value, NAME: "static"}
    near = suggest(value, ("all-up", "empty", "servfail")) if isinstance(value, str) else ""
    raise refused(f"must be {words}, not {shown(value)}{': ' + near.strip() if near else ''}")


def _refuse_none(value: object) -> object:
    if value == ():
        raise refused("must not be empty: write at least one item, or leave the key out")
    return value


some = BeforeValidator(_refuse_none)
"""A list that is written must have items: pydantic's own bound counts only the right ones."""


def split_steer(value: object, zone: Name) -> tuple[object, ...]:
    """Read steered names from a list of owners or from a mapping of owners to services.

    An owner is paired with the zone's name, which completes it.
    """
    if isinstance(value, tuple):
        return tuple({NAME: (owner, zone)} for owner in value)
    if isinstance(value, Mapping):
        return tuple({NAME: (owner, zone), "service": service} for owner, service in value.items())
    raise refused(
        f'must be a list of names such as ["@", "*.cdn"], or a mapping of names to services, '
        f"not {shown(value)}"
    )


def not_empty(value: object) -> object:
    """Refuse a key of settings that was written with nothing below it."""
    if value is None:
        raise refused("is empty: write its keys below it, {} for the defaults, or leave it out")
    return value
