"""What is found between the keys of a configuration.

Law: a finding names its place by path (zones by position, because their names
are parsed; all else by name) and says what it relies on, so that it can be
dropped where that part was refused already. Start from `Finding`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sparrow.config.fields import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from sparrow.config.model import Config
    from sparrow.config.tree import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keys say together and that is wrong or doubtful."""

    path: Path
    """Where to look first."""
    what: str
    """What is wrong, and what would be right."""
    other: Path | None = None
    """The other place that takes part; its line is added to `what`."""
    needs: tuple[Path, ...] = ()
    """Parts that must have been accepted whole for the finding to be true."""
    is_warning: bool = False
    """True: serve all the same."""


Check: TypeAlias = "Callable[[Config], Iterator[Finding]]"
"""Something to look for in a whole configuration."""


def find_repeats(items: Sequence[Hashable]) -> dict[int, int]:
    """Give the position of every item that stood before, and where it stood first."""
    first: dict[Hashable, int] = {}
    places = ((position, first.setdefault(item, position)) for position, item in enumerate(items))
    return {position: earlier for position, earlier in places if position != earlier}


def find_unknown_site(config: Config, path: Path, name: str) -> Iterator[Finding]:
    """Find that there is no site called `name`, which stands at `path`."""
    known = [site.name for site in config.sites]
    if name not in known:
        yield Finding(path, word_unknown("site", name, known), needs=(("sites", name),))


def word_unknown(noun: str, name: str, known: Sequence[str]) -> str:
    """Say that there is no such thing, which may have been meant, and which there are."""
    there = f"the {noun}s are {', '.join(known)}" if known else f"no {noun}s are configured"
    return f"there is no {noun} {name!r}: {suggest(name, known)}{there}"
