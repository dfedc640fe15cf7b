"""Plan files gone wrong in a place or two, their digests right, so that only the content tells."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.plan.format import (
    ANSWERS_MAGIC,
    HEADER,
    MAP_MAGIC,
    OUTCOMES_MAGIC,
    SECTION,
    AnswersSection,
    MapSection,
    decode_file,
)

if TYPE_CHECKING:
    from random import Random

    from sparrow.plan.compile import PlanFiles
    from sparrow.plan.format import Section

INDEXES = (MapSection.V4_INDEX, MapSection.V6_INDEX)
"""By far the largest sections, where one change is like another."""
TEXTS = (AnswersSection.ZONES, AnswersSection.META, AnswersSection.BYTES)
EXTREMES = (0, 1, 2, 0x7F, 0xFF, 0x100, 0x3FFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True)
class Target:
    """The sections of a file, of which some are more worth a change than others."""

    sections: tuple[Section, ...]
    weights: tuple[int, ...]
    head_size: int


def mutate_files(rng: Random, files: PlanFiles) -> PlanFiles:
    """Give the files with one to three changes in one of them."""
    kind = rng.random()
    if kind < 0.75 or (not files.maps and kind < 0.95):
        return replace(files, answers=mutate(rng, files.answers, ANSWERS_MAGIC))
    if kind < 0.95:
        number = rng.randrange(len(files.maps))
        changed = mutate(rng, files.maps[number], MAP_MAGIC)
        return replace(files, maps=(*files.maps[:number], changed, *files.maps[number + 1 :]))
    return replace(files, outcomes=mutate(rng, files.outcomes, OUTCOMES_MAGIC))


def mutate(rng: Random, content: bytes, magic: bytes) -> bytes:
    """Give a file with one to three changes, most of them in a section."""
    octets = bytearray(content)
    target = _target(content, magic)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if rng.random() < 0.1:
            _change(rng, octets, 0, target.head_size)
            continue
        (section,) = rng.choices(target.sections, target.weights)
        if section.count:
            _change_item(rng, octets, section)
    if rng.random() < 0.03:
        del octets[rng.randrange(len(octets)) :]
    return bytes(octets)


def _target(content: bytes, magic: bytes) -> Target:
    found = decode_file(magic, memoryview(content))
    few = INDEXES if magic == MAP_MAGIC else TEXTS
    weights = tuple(1 if number in few else 8 for number in found)
    return Target(tuple(found.values()), weights, HEADER.size + SECTION.size * len(found))


def _change_item(rng: Random, octets: bytearray, section: Section) -> None:
    """Change an item of a section, or copy another over it."""
    size = section.item_size
    at = section.offset + rng.randrange(section.count) * size
    if rng.random() < 0.2:
        other = section.offset + rng.randrange(section.count) * size
        octets[at : at + size] = octets[other : other + size]
    else:
        _change(rng, octets, at, min(size if size > 1 else 8, len(octets) - at))


def _change(rng: Random, octets: bytearray, start: int, length: int) -> None:
    """Change an octet or a number within `length` octets."""
    kind = rng.random()
    size = rng.choice((2, 4))
    if kind < 0.4 or length < size:
        octets[start + rng.randrange(length)] ^= 1 << rng.randrange(8)
    elif kind < 0.5:
        octets[start + rng.randrange(length)] = rng.randrange(256)
    else:
        at = start + rng.randrange(length // size) * size
        form = "<H" if size == 2 else "<I"
        (number,) = struct.unpack_from(form, octets, at)
        mask = (1 << 8 * size) - 1
        changed = rng.choice(
            (number + 1, number - 1, number + rng.randint(-9, 9), rng.choice(EXTREMES))
        )
        struct.pack_into(form, octets, at, changed & mask)
