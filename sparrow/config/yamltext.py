"""A tree of plain values as YAML text: blocks for mappings, one line for what lies in lists.

Law: what is written is read back equal by every reader of YAML 1.1 or 1.2.
Start from `render_yaml`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Yaml: TypeAlias = "Mapping[str, Yaml] | Sequence[Yaml] | str | int | float | None"

_PLAIN = re.compile(r"(?:[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+(?:\.[0-9]+)?s)\Z", re.ASCII)
"""A word, a path or a duration: text without quotes."""

_NOT_TEXT = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
"""Words that some version of YAML takes for something else."""


def render_yaml(tree: Mapping[str, Yaml]) -> str:
    """Give a mapping as a document, every line of it ended."""
    return "\n".join(_lines(tree, "")) + "\n"


def _lines(mapping: Mapping[str, Yaml], indent: str) -> Iterator[str]:
    """Write mappings as blocks, and what is in a list or empty in one line."""
    for key, value in mapping.items():
        head = f"{indent}{_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield head
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield head
            yield from (line for item in value for line in _item(item, f"{indent}  "))
        else:
            yield f"{head} {_flow(value)}"


def _item(item: Yaml, indent: str) -> Iterator[str]:
    """Write an item in one line, but for a key above a mapping."""
    if (
        isinstance(item, dict)
        and item
        and all(isinstance(value, dict) and value for value in item.values())
    ):
        for number, line in enumerate(_lines(item, "")):
            yield f"{indent}  {line}" if number else f"{indent}- {line}"
    else:
        yield f"{indent}- {_flow(item)}"


def _flow(value: Yaml) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Yaml) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """Write text plainly where every YAML reads it as text, else in double quotes."""
    if _PLAIN.match(text) and text.lower() not in _NOT_TEXT:
        return text
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
