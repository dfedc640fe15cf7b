"""A document as a tree of nodes that know their lines.

Law: a node is immutable and knows the line where an operator looks for it: a
scalar its own, a mapping or list the line of the key above it. A path is the
keys and positions from the root to a node; a position in a mapping counts its
entries from 0. Start from `MapNode` and `resolve`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: text, int, bool, None, or a `Decimal` as it was written."""

    value: object
    """The value as YAML's core schema reads it."""
    line: int
    """Line, counted from 1."""


@dataclass(frozen=True, slots=True)
class ListNode:
    """Items in order."""

    items: tuple[Node, ...]
    """The items."""
    line: int
    """Line, counted from 1."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping and what stands under it."""

    key: str
    """The key as written, without quotes; no key stands twice in a mapping."""
    line: int
    """Line of the key, counted from 1."""
    node: Node
    """What stands under the key."""


@dataclass(frozen=True, slots=True)
class MapNode:
    """Keys in order."""

    entries: tuple[Entry, ...]
    """The entries."""
    line: int
    """Line, counted from 1."""


Node: TypeAlias = Scalar | ListNode | MapNode


def plain(node: Node) -> object:
    """Give the values without their lines: dicts in order, tuples, scalars."""
    match node:
        case MapNode():
            return {entry.key: plain(entry.node) for entry in node.entries}
        case ListNode():
            return tuple(plain(item) for item in node.items)
        case Scalar():
            return node.value


def _step(node: Node, step: str | int) -> tuple[str | int, int, Node] | None:
    """Give the key or position, its line and the node one step down; None for no such step."""
    if isinstance(node, MapNode):
        for position, entry in enumerate(node.entries):
            if step in (entry.key, position):
                return entry.key, entry.line, entry.node
    if isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
        item = node.items[step]
        return step, item.line, item
    return None


def _walk(root: Node, path: Path) -> Iterator[tuple[str | int, int, Node]]:
    """Go down along `path` as far as the document goes.

    A key asked of a list is passed over, and so is one that begins with a blank: models
    have levels that the document lacks.
    """
    node = root
    for step in path:
        below = _step(node, step)
        if below is not None:
            yield below
            node = below[2]
        elif not isinstance(node, ListNode) and not str(step).startswith(" "):
            return


def resolve(root: Node, path: Path) -> Path:
    """Give `path` as the document has it: mappings by key, and only as far as it goes."""
    return tuple(step for step, _, _ in _walk(root, path))


def line_at(root: Node, path: Path) -> int:
    """Give the line of a node, or of what encloses it most closely in the document."""
    node = root
    for _, _, below in _walk(root, path):
        node = below
    return node.line


def key_line_at(root: Node, path: Path) -> int:
    """Give the line of a node's key, where `line_at` gives that of its value."""
    line = root.line
    for _, key_line, _ in _walk(root, path):
        line = key_line
    return line


def prune(root: Node, paths: Collection[Path]) -> Node:
    """Give the tree without the nodes at `paths`, which are as `resolve` gives them.

    Without the root itself an empty mapping is left.
    """
    return MapNode((), root.line) if () in paths else _prune(root, (), frozenset(paths))


def _prune(node: Node, above: Path, paths: frozenset[Path]) -> Node:
    match node:
        case MapNode():
            kept = tuple(
                Entry(entry.key, entry.line, _prune(entry.node, (*above, entry.key), paths))
                for entry in node.entries
                if (*above, entry.key) not in paths
            )
            return MapNode(kept, node.line)
        case ListNode():
            items = tuple(
                _prune(item, (*above, position), paths)
                for position, item in enumerate(node.items)
                if (*above, position) not in paths
            )
            return ListNode(items, node.line)
        case Scalar():
            return node


def render_path(path: Path) -> str:
    """Give a path as a message names it: keys joined by dots, positions left to the line."""
    return ".".join(
        step if step.replace("-", "x").replace("_", "x").isalnum() else f'"{step}"'
        for step in path
        if isinstance(step, str)
    )
