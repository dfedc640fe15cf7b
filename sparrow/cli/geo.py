"""`sparrow geo`: the table of countries that addresses are registered in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from sparrow.cli.options import config_option, find_config_folders, json_option, locate_config
from sparrow.cli.terminal import ending, say
from sparrow.errors import FatalError, InputError, Problem
from sparrow.geo.countries import CountryTable, Provenance, build_tree
from sparrow.geo.listing import CountryList
from sparrow.geo.stored import STATE_FILE, load_present, load_text
from sparrow.keeping.statefile import store_json
from sparrow.policy.special import unwrap
from sparrow.values.address import FAMILIES, parse_address


@click.group()
def geo() -> None:
    """Renew and ask the table of the countries that addresses are registered in."""


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
            found.extend(load_text(file).splitlines(), file)
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
    """Tell the country of each ADDRESS, and which table says so."""
    with ending():
        packed = [parse_address(address) for address in addresses]
        table = load_present(find_config_folders(locate_config(config_path)).state_dir)
        countries = [table.country_of(unwrap(address)[0]) for address in packed]
        if is_json:
            print(json.dumps(_tree_of(table, dict(zip(addresses, countries, strict=True)))))
            return
        for address, country in zip(addresses, countries, strict=True):
            print(f"{address} {country or '-'}")
        say(_name_table(table.provenance))


def _tree_of(table: CountryTable, countries: dict[str, str | None]) -> dict[str, object]:
    origin = table.provenance
    return {
        "countries": countries,
        "source": origin.source,
        "date": origin.date,
        "licence": origin.licence or None,
        "stretches": {f"v{family}": len(table.of_family(family)) for family in FAMILIES},
    }


def _name_table(origin: Provenance) -> str:
    licence = f", {origin.licence}" if origin.licence else ""
    return f"by the table of {origin.date} from {origin.source}{licence}"
