"""`sparrow routes picture`: the IPv4 space as a picture, coloured by site."""

from __future__ import annotations

from pathlib import PurePath

import click

from sparrow.cli.place import config_option, locate_config
from sparrow.cli.tables import (
    draw_configured,
    load_configured,
    load_named,
    name_sites,
    ranks_by_more,
    table_format_option,
)
from sparrow.cli.terminal import ending, say
from sparrow.config.load import load_config
from sparrow.errors import InputError, Problem
from sparrow.picture.routemap import ORDERS, picture_diff, picture_table
from sparrow.policy.configured import build_site_set
from sparrow.policy.tablediff import diff_tables
from sparrow.sources.aside import open_aside


@click.command()
@config_option
@click.option(
    "-o",
    "--output-file",
    "target",
    metavar="FILE",
    required=True,
    help="The picture to be written, in PNG format.",
)
@click.option(
    "--diff",
    "moving",
    metavar="OLD NEW",
    nargs=2,
    help="Show what moves from the table OLD to the table NEW.",
)
@click.option(
    "--size",
    type=click.Choice([str(size) for size in ORDERS]),
    default=str(max(ORDERS)),
    show_default=True,
    help="Pixels of a side; the largest has one for each /24.",
)
@click.option("--title", metavar="TEXT", help="What stands above the picture.")
@table_format_option
@click.argument("files", metavar="[FILE]...", nargs=-1)
def picture(
    *,
    config_path: str | None,
    target: str,
    moving: tuple[str, str] | None,
    size: str,
    title: str | None,
    route_format: str | None,
    files: tuple[str, ...],
) -> None:
    """Draw the IPv4 space along a Hilbert curve, each address in the colour of its site.

    By the table of FILEs, or by the configuration's route files and all else that it ranks
    sites by; or with --diff of what moves between two tables.
    """
    with ending():
        path = locate_config(config_path)
        config = load_config(path).config
        site_set = name_sites(config) if files or moving else build_site_set(config)
        if site_set is None:
            raise InputError([Problem("the configuration has no sites to give colours to")])
        order = ORDERS[int(size)]
        if moving:
            if files:
                raise InputError([Problem("--diff names the two tables: give no other FILE")])
            old = load_named(moving[:1], route_format)
            new = load_named(moving[1:], route_format, old)
            found, _ = diff_tables(old, new, site_set)
            names = " to ".join(PurePath(name).name for name in moving)
            heading = title or f"What moves from {names}"
            octets = picture_diff((old, new), site_set, found, order, heading)
        else:
            heading, preferred = title or "IPv4 by nearest site", None
            if files:
                snapshot = load_named(files, route_format)
            else:
                loaded = load_configured(config, needs_files=not ranks_by_more(config))
                snapshot, found_map = loaded.snapshot, draw_configured(config, path, loaded)
                preferred = found_map.v4 if found_map else None
            octets = picture_table(snapshot, site_set, order, heading, preferred)
        with open_aside(target) as stream:
            stream.write(octets)
        say(f"{target}: {len(octets):,} octets")
