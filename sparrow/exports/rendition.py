"""An export on its way out. Start from `Rendition`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Rendition:
    """The content of an export, made as it is read; to be read once."""

    pieces: Iterator[str | bytes]
    """Text or octets in order, about one piece for each unit of `size`."""
    size: int
    """Blocks or nodes in it, for who shows how far it is."""
