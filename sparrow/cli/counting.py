"""`sparrow routes stats`: what is in a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import json_option
from sparrow.cli.place import config_option, locate_config
from sparrow.cli.showing import open_console, show_rows
from sparrow.cli.tables import (
    draw_configured,
    load_configured,
    load_named,
    name_sites,
    table_format_option,
)
from sparrow.cli.terminal import ending
from sparrow.config.load import load_config
from sparrow.policy.configured import build_site_set
from sparrow.policy.guards import render_share
from sparrow.policy.tablestats import count_table, describe_stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from sparrow.policy.tablestats import FamilyStats

_PRECISION = 10**9
"""Parts that a share is shown from."""


@click.command()
@config_option
@json_option
@table_format_option
@click.argument("files", metavar="[FILE]...", nargs=-1)
def stats(
    config_path: str | None, route_format: str | None, files: tuple[str, ...], *, is_json: bool
) -> None:
    """Count what is in the table of FILEs, or of the configuration's route files.

    Prefixes by length and by hops, the networks with the most addresses, and how much of
    the address space each site has; for FILEs that needs a configuration given by name,
    and goes by the AS numbers on their paths.
    """
    with ending():
        found = describe_stats(_count(config_path, route_format, files))
        if is_json:
            print(json.dumps(found))
            return
        for key, family in (("v4", "IPv4"), ("v6", "IPv6")):
            _show_family(open_console(), family, found[key])


def _count(
    config_path: str | None, route_format: str | None, files: tuple[str, ...]
) -> tuple[FamilyStats, FamilyStats]:
    if files:
        snapshot = load_named(files, route_format)
        if config_path is None:
            return count_table(snapshot, None)
        return count_table(snapshot, name_sites(load_config(locate_config(config_path)).config))
    path = locate_config(config_path)
    config = load_config(path).config
    loaded = load_configured(config)
    preferred = draw_configured(config, path, loaded)
    return count_table(loaded.snapshot, build_site_set(config), preferred)


def _show_family(console: Console, family: str, found: Mapping[str, Any]) -> None:
    if not found["prefixes"]:
        console.print(f"{family}: no prefixes")
        return
    console.print(
        f"{family}: {found['prefixes']:,} prefixes of {found['networks']:,} networks, "
        f"{found['routes']:,} different routes; "
        f"{percent(found['covered'])} of the address space"
    )
    for title, key in (("length", "lengths"), ("hops", "hops")):
        rows = [
            {
                title: number,
                "prefixes": f"{count:,}",
                "share": percent(count / found["prefixes"]),
            }
            for number, count in found[key].items()
        ]
        show_rows(console, rows, (title, "prefixes", "share"))
    rows = [{**_counts(row), "name": f"AS{row['asn']}"} for row in found["origins"]]
    show_rows(console, rows, ("name", "space", "prefixes"))
    rows = [
        {**_counts(row), "site": row["site"] if row["named"] else f"none, so {row['site']}"}
        for row in found["sites"]
    ]
    show_rows(console, rows, ("site", "space", "prefixes"))


def _counts(row: Mapping[str, Any]) -> dict[str, str]:
    return {"space": percent(row["share"]), "prefixes": f"{row['prefixes']:,}"}


def percent(share: float) -> str:
    """Give a share from 0 to 1 as `12.3 %`."""
    return render_share(round(share * _PRECISION), _PRECISION)
