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

from sparrow.config.fields import or_null, path_in, shown
from sparrow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    folder = info.context["folder"] if info.context else os.path.sep
    return in_words(path_in(folder))(value)


def parse_path_or_null(value: object, info: ValidationInfo) -> str | None:
    """Accept `null` beside what `parse_path` accepts."""
    return or_null(lambda path: parse_path(path, info))(value)


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
