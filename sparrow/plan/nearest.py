"""The node of a plan that answers for a name, and the body that it has for a type.

Law: a name is answered by itself where it is a node, else by its longest ancestor that
is one; `docs/plan-format.md`, "Names". Start from `find_nearest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sparrow.values.name import encode_name

if TYPE_CHECKING:
    from sparrow.plan.plan import AnswersFile, Node
    from sparrow.values.name import Name


class Nearest(NamedTuple):
    """The node that answers for a name."""

    number: int
    """Number of the node."""
    node: Node
    """The node."""
    prefix: int
    """Labels of the name before the node's; 0 where that is the name."""


def find_nearest(answers: AnswersFile, name: Name) -> Nearest | None:
    """Give the node that answers for a name; None outside all zones."""
    depth = min(len(name), answers.params.deepest)
    hashes = _hash_ancestors(answers.params.hash_seed, name[len(name) - depth :])
    for level in range(depth, -1, -1):
        prefix = len(name) - level
        number = _find_node(answers, hashes[level], encode_name(name[prefix:]))
        if number is not None:
            return Nearest(number, answers.node(number), prefix)
    return None


def find_body(answers: AnswersFile, nearest: Nearest, rtype: int) -> int:
    """Give the number of the body that a node has for a type, here or below."""
    table = answers.table(nearest.node.below if nearest.prefix else nearest.node.here)
    for entry in range(table.first_entry, table.first_entry + table.entry_count):
        if answers.entries[2 * entry] & 0xFFFF == rtype:
            return int(answers.entries[2 * entry + 1])
    return table.default


def _hash_ancestors(seed: int, name: Name) -> list[int]:
    """Give the hash of the root, of the last label, of the last two, and so on."""
    state, hashes = seed, [seed]
    for label in reversed(name):
        for octet in (len(label), *label):
            state = (state ^ octet) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        hashes.append(state)
    return hashes


def _find_node(answers: AnswersFile, name_hash: int, name: bytes) -> int | None:
    mask = answers.params.slot_mask
    place = name_hash & mask
    while number := answers.name_slots[place]:
        node = answers.node(number - 1)
        end = node.name_at + node.name_length
        if node.name_hash == name_hash and answers.names[node.name_at : end] == name:
            return number - 1
        place = place + 1 & mask
    return None
