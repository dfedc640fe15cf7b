"""`sparrow routes aggregate`: a table with the fewest lines that answers the same."""

from __future__ import annotations

import click

from sparrow.cli.place import config_option, locate_config
from sparrow.cli.tables import load_named, name_sites, table_format_option
from sparrow.cli.terminal import ending, say
from sparrow.config.load import load_config
from sparrow.errors import InputError, Problem
from sparrow.policy.aggregate import aggregate_table
from sparrow.sources.routebuild import write_routes


@click.command()
@config_option
@click.option(
    "-o",
    "--output-file",
    "target",
    metavar="FILE",
    required=True,
    help="The route file to be written; one that ends with .gz is packed.",
)
@table_format_option
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
def aggregate(
    config_path: str | None, target: str, route_format: str | None, inputs: tuple[str, ...]
) -> None:
    """Make a table of the fewest lines that gives every address the same route.

    With a configuration given by name it gives every address the same site, with far
    fewer lines. An address without a route has none in the result either. All INPUTs are
    one table.
    """
    with ending():
        site_set = None
        if config_path is not None:
            site_set = name_sites(load_config(locate_config(config_path)).config)
            if site_set is None:
                what = "the configuration has no sites: without -c the routes stay the same"
                raise InputError([Problem(what)])
        snapshot = load_named(inputs, route_format)
        lines = write_routes(target, aggregate_table(snapshot, site_set), str)
        say(f"{target}: {lines:,} lines for {len(snapshot):,} prefixes")
