"""`sparrow geo`: where addresses are, and the table of countries that tells it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparrow.cli.options import config_option, find_config_folders, json_option, locate_config
from sparrow.cli.terminal import ending, say
from sparrow.config.load import load_config
from sparrow.config.locate import find_folders
from sparrow.errors import FatalError, InputError, Problem
from sparrow.geo.countries import CountryTable, Provenance, build_tree
from sparrow.geo.listing import CountryList
from sparrow.geo.stored import STATE_FILE, find_table, load_lines
from sparrow.keeping.statefile import store_json
from sparrow.lore import load_places
from sparrow.policy.configured import list_locations
from sparrow.policy.places import distances_of, location_of
from sparrow.policy.special import unwrap
from sparrow.values.address import FAMILIES, parse_address

if TYPE_CHECKING:
    from sparrow.config.locate import Folders
    from sparrow.config.model import Config
    from sparrow.geo.places import Place, PlaceTable


@click.group()
def geo() -> None:
    """Tell where addresses are, and renew the table of countries."""


@geo.command()
@config_option
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def update(config_path: str | None, files: tuple[str, ...]) -> None:
    """Make the table anew from FILEs, lines of `prefix TAB country`, gzip or not.

    All FILEs are one table, for both families, as those of ipverse/geo-ip-blocks. It is
    kept in the state directory, and takes the place of the one that came with sparrow.
    """
    with ending():
        folder = find_config_folders(locate_config(config_path)).state_dir
        found = CountryList()
        for file in files:
            found.extend(load_lines(file), file)
        table = found.build(Provenance(", ".join(map(_name, files)), _newest_day(files), ""))
        path = Path(folder, STATE_FILE)
        _store(path, table)
        for line in _describe(found):
            say(f"warning: {line}")
        say(
            f"{path}: {found.count(4)} IPv4 and {found.count(6)} IPv6 prefixes, "
            f"{len(table.codes) - 1} countries"
        )


def _name(path: str) -> str:
    """Give a file's name, without what would move a terminal when it is shown."""
    return "".join(each if each.isprintable() else "?" for each in Path(path).name)


def _newest_day(files: tuple[str, ...]) -> str:
    """Give the day on which the newest of the files was changed. Raises `InputError`."""
    try:
        newest = max(Path(file).stat().st_mtime for file in files)
    except OSError as error:
        raise InputError(
            [Problem(f"the file has gone: {error.strerror}", error.filename)]
        ) from None
    return datetime.fromtimestamp(newest, UTC).date().isoformat()


def _store(path: Path, table: CountryTable) -> None:
    try:
        store_json(path, build_tree(table))
    except OSError as error:
        what = f"{path}: the table cannot be written: {error.strerror or error}"
        raise FatalError(what) from None


def _describe(found: CountryList) -> list[str]:
    """Tell what was not taken as it stands."""
    told = []
    if found.contested:
        told.append(
            f"{found.contested} prefixes have several countries: the first by alphabet counts"
        )
    if found.finer:
        told.append(f"{found.finer} IPv6 prefixes were left out, as they are longer than /64")
    return told


@geo.command()
@config_option
@json_option
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
def lookup(config_path: str | None, addresses: tuple[str, ...], *, is_json: bool) -> None:
    """Tell where each ADDRESS is, how far from each site, and which table says so.

    That is the `geo` of the configuration, or without it the table that sparrow has.
    """
    with ending():
        packed = {address: unwrap(parse_address(address))[0] for address in addresses}
        path = locate_config(config_path)
        config = load_config(path).config
        table = _load_table(config, find_folders(config.server, path, os.environ, os.getuid()))
        places = {address: table.place_of(octets) for address, octets in packed.items()}
        if is_json:
            print(json.dumps(_tree_of(table, places, config)))
            return
        for address in addresses:
            print(_line_of(address, places[address], config))
        say(_name_table(table.provenance))


def _load_table(config: Config, folders: Folders) -> PlaceTable:
    if config.geo and config.geo.file:
        return load_places(config.geo.source, config.geo.file)
    return load_places("builtin", str(find_table(folders.state_dir)))


def _distances_km(place: Place, config: Config) -> dict[str, float]:
    """Give the kilometres to each site, by name, where both places are known; nearest first."""
    names = [site.name for site in config.sites]
    distances = zip(names, distances_of(place, list_locations(config)), strict=True)
    known = {name: distance for name, distance in distances if distance is not None}
    return dict(sorted(known.items(), key=lambda pair: pair[1]))


def _line_of(address: str, place: Place, config: Config) -> str:
    """Give what people read: `193.0.0.1 NL 52.4,4.9 nl 0 km, au 16633 km`."""
    words = [address, place.country or "-"]
    if place.location is not None:
        words.append(",".join(map(str, place.location)))
    distances = _distances_km(place, config).items()
    return " ".join((*words, ", ".join(f"{name} {km:.0f} km" for name, km in distances))).rstrip()


def _tree_of(table: PlaceTable, places: dict[str, Place], config: Config) -> dict[str, object]:
    origin = table.provenance
    return {
        "countries": {address: place.country or None for address, place in places.items()},
        "places": {
            address: {"location": location_of(place), "km": _distances_km(place, config)}
            for address, place in places.items()
        },
        "source": origin.source,
        "date": origin.date,
        "licence": origin.licence or None,
        "stretches": {f"v{family}": len(table.of_family(family)) for family in FAMILIES},
    }


def _name_table(origin: Provenance) -> str:
    licence = f", {origin.licence}" if origin.licence else ""
    return f"by the table of {origin.date} from {origin.source}{licence}"
