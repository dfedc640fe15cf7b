"""What is known of addresses that no route tells, from the files that a configuration names.

Law: what was read stays until its file is another, and all that is wrong is said at once.
Start from `Library.load`; `load_lore` is for who asks once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sparrow.errors import InputError, Problem
from sparrow.geo.places import places_of
from sparrow.geo.stored import (
    BUILTIN,
    find_table,
    load_countries,
    load_lines,
    load_listed,
    load_mmdb,
)
from sparrow.policy.configured import list_locations
from sparrow.policy.knowledge import Lore
from sparrow.policy.overriding import build_overrides, list_in_force, number_asns, title_of
from sparrow.policy.places import build_places
from sparrow.policy.rtts import build_rtts
from sparrow.sources.rtt import parse_rtts
from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from sparrow.config.model import Config
    from sparrow.config.ranking import OverrideConfig
    from sparrow.geo.places import PlaceTable
    from sparrow.policy.layer import Layer
    from sparrow.policy.places import Distances
    from sparrow.sources.rtt import Rtts, RttTable

    Reading: TypeAlias = tuple[int, int, int, int, int] | None

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class LoreSource:
    """A file that was read, or a table that sparrow has itself."""

    kind: str
    """What it tells: `places` or `rtts`."""
    file: str | None
    """Its absolute path; None for the table that comes with sparrow."""
    source: str
    """Who made it, or its name."""
    date: str
    """The day or the time at which it was made or changed."""
    licence: str
    """Its licence; empty where that is not known."""
    entries: int
    """Stretches of addresses in it, or prefixes and ASes."""


@dataclass(frozen=True, slots=True)
class LoadedLore:
    """All that the configuration and its files say of addresses at one moment."""

    lore: Lore
    """What it comes to for every address."""
    overrides: tuple[OverrideConfig, ...]
    """The overrides in force; the indices in `lore` are theirs."""
    sources: tuple[LoreSource, ...]
    """What was read."""


class Library:
    """Keeps what was read. One thread at a time loads; any may ask `is_outdated`."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: dict[str, tuple[Hashable, Any]] = {}
        self._attempt: _Attempt | None = None
        self._is_sound = True

    @property
    def is_sound(self) -> bool:
        """Tell whether the last `load` found nothing wrong."""
        return self._is_sound

    def load(self, config: Config, state_dir: str, now_s: float) -> LoadedLore:
        """Give what is known by a configuration at `now_s`, in Unix seconds.

        Raises `InputError` with all that is wrong with any file.
        """
        self._is_sound = False
        files = list_files(config, state_dir)
        self._attempt = _Attempt({path: _read(Path(path)) for path in files}, config, now_s)
        problems: list[Problem] = []
        places = _try(problems, lambda: self._find_places(config, state_dir))
        rtts = _try(problems, lambda: self._find_rtts(config))
        if problems:
            raise InputError(problems)
        lore = Lore(
            places=places.layer if places else None,
            rtts=rtts.layer if rtts else None,
            rtts_of_asn=rtts.of_asn if rtts else None,
        )
        sources = tuple(each.source for each in (places, rtts) if each is not None)
        self._is_sound = True
        return renew_overrides(LoadedLore(lore, (), sources), config, now_s)

    def is_outdated(self, now_s: float) -> bool:
        """Tell whether a file, or which overrides are in force, changed since the last `load`.

        One that failed counts, too: what is wrong is told once.
        """
        last = self._attempt
        if last is None:
            return False
        if any(_read(Path(path)) != reading for path, reading in last.readings.items()):
            return True
        overrides = last.config.overrides
        return list_in_force(overrides, now_s) != list_in_force(overrides, last.now_s)

    def _find_places(self, config: Config, state_dir: str) -> _Places | None:
        geo = config.geo
        if geo is None:
            return None
        path = Path(geo.file) if geo.file else find_table(state_dir)
        locations = list_locations(config)
        key = (geo.source, path, _read(path))
        table = self._keep("places", key, lambda: load_places(geo.source, str(path)))
        layer = None
        if any(location is not None for location in locations):
            of_sites = (key, locations)
            layer = self._keep("distances", of_sites, lambda: build_places(table, locations))
        return _Places(_describe_places(path, table), layer)

    def _find_rtts(self, config: Config) -> _Rtts | None:
        path = config.ranking.rtt
        if path is None:
            return None
        sites = tuple(site.name for site in config.sites)
        key = (path, _read(Path(path)), sites)
        table = self._keep("rtts", key, lambda: load_rtts(path, sites))
        layer = None
        if table.prefixes:
            layer = self._keep("times", key, lambda: build_rtts(table))
        return _Rtts(_describe_rtts(path, table), layer, table.asns)

    def _keep(self, slot: str, key: Hashable, make: Callable[[], _T]) -> _T:
        """Give what was made last with this key, or make it now in its place."""
        if slot not in self._kept or self._kept[slot][0] != key:
            self._kept[slot] = key, make()
        kept: _T = self._kept[slot][1]
        return kept


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A load, whether or not anything came of it."""

    readings: Mapping[str, Reading]
    config: Config
    now_s: float


@dataclass(frozen=True, slots=True)
class _Places:
    source: LoreSource
    layer: Layer[Distances] | None


@dataclass(frozen=True, slots=True)
class _Rtts:
    source: LoreSource
    layer: Layer[Rtts] | None
    of_asn: Mapping[int, Rtts]


def load_lore(config: Config, state_dir: str, now_s: float) -> LoadedLore:
    """Give what is known by a configuration at `now_s`, read anew. Raises `InputError`."""
    return Library().load(config, state_dir, now_s)


def renew_overrides(loaded: LoadedLore, config: Config, now_s: float) -> LoadedLore:
    """Give what was loaded, of the same sites, with the overrides in force at `now_s`."""
    overrides = list_in_force(config.overrides, now_s)
    if overrides and overrides == loaded.overrides:
        return loaded
    numbers = {site.name: number for number, site in enumerate(config.sites)}
    lore = replace(
        loaded.lore,
        overrides=build_overrides(overrides) if any(map(_has_prefix, overrides)) else None,
        override_of_asn=number_asns(overrides),
        override_sites=tuple(numbers[each.site] for each in overrides),
        override_titles=tuple(map(title_of, overrides)),
    )
    return replace(loaded, lore=lore, overrides=overrides)


def list_files(config: Config, state_dir: str) -> tuple[str, ...]:
    """Give the files that are worth reading again when they change; absolute paths."""
    geo = config.geo
    found = [config.ranking.rtt, geo.file if geo else None]
    if geo and geo.file is None and (table := find_table(state_dir)) != BUILTIN:
        found.append(str(table))
    return tuple(path for path in found if path is not None)


def load_places(source: str, path: str) -> PlaceTable:
    """Read a source of places, as `geo` in the configuration calls it. Raises `InputError`."""
    if source == "mmdb":
        return load_mmdb(path)
    return places_of(load_listed(path) if source == "table" else load_countries(Path(path)))


def load_rtts(path: str, sites: Sequence[str]) -> RttTable:
    """Read a table of round-trip times to `sites`. Raises `InputError`."""
    return parse_rtts(load_lines(path), path, sites)


def _describe_places(path: Path, table: PlaceTable) -> LoreSource:
    origin = table.provenance
    file = None if path == BUILTIN else str(path)
    entries = len(table.v4) + len(table.v6)
    return LoreSource("places", file, origin.source, origin.date, origin.licence, entries)


def _describe_rtts(path: str, table: RttTable) -> LoreSource:
    entries = len(table.prefixes) + len(table.asns)
    reading = _read(Path(path))
    date = render_moment(reading[-1] / 1e9) if reading else ""
    return LoreSource("rtts", path, Path(path).name, date, "", entries)


def _has_prefix(override: OverrideConfig) -> bool:
    return override.prefix is not None


def _try(problems: list[Problem], step: Callable[[], _T]) -> _T | None:
    """Do a step; where it is refused keep its problems."""
    try:
        return step()
    except InputError as error:
        problems += error.problems
        return None


def _read(path: Path) -> Reading:
    """Give by what a change of a file shows; None for one that is missing.

    The time of the inode tells of a writer that sets the time of the contents back, as
    `rsync --inplace --times` does. The time of the contents stands last.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns, found.st_mtime_ns
