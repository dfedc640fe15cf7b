"""`sparrow routes build`: a route file made of BGP dumps."""

from __future__ import annotations

import click

from sparrow.cli.options import config_option, locate_config
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.config.load import load_config
from sparrow.errors import InputError, Problem
from sparrow.policy.bestpath import PathChooser
from sparrow.policy.configured import build_site_set
from sparrow.policy.sanity import Sieve
from sparrow.sources.dumpfiles import DumpFile, load_dumps, no_route_left, refusals
from sparrow.sources.dumps import DumpFormat
from sparrow.sources.routebuild import Output, renderer, write_routes
from sparrow.values.peer import parse_peer


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
@click.option(
    "--peer",
    metavar="PEER",
    help="The one neighbour whose paths count: its address, or its AS number.",
)
@click.option(
    "--format",
    "dump_format",
    type=click.Choice([each.value for each in DumpFormat]),
    help="How every INPUT is written; without it that is told by the content.",
)
@click.option(
    "--output",
    type=click.Choice([each.value for each in Output]),
    default=Output.ORIGIN.value,
    show_default=True,
    help="What stands behind each prefix: the origin AS, the nearest site's AS, or the path.",
)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
def build(
    *,
    config_path: str | None,
    target: str,
    peer: str | None,
    dump_format: str | None,
    output: str,
    inputs: tuple[str, ...],
) -> None:
    """Make a route file of BGP dumps: MRT, router output, and other tables.

    All INPUTs are one table. For each prefix the neighbours' paths are held against each
    other, and one is chosen; `docs/routes-build.md` says how. Damaged records and routes
    that no table should have are left out, counted and listed. Only --output site needs
    a configuration.
    """
    with ending():
        chosen_output = Output(output)
        site_set = None
        if chosen_output is Output.SITE:
            site_set = build_site_set(load_config(locate_config(config_path)).config)
            if site_set is None:
                raise InputError(
                    [Problem("the configuration has no sites: --output site needs some")]
                )
        chooser = PathChooser(sieve := Sieve(), parse_peer(peer) if peer else None)
        chosen_format = DumpFormat(dump_format) if dump_format else None
        with progress_bar("reading dumps") as progress:
            dumps = load_dumps(
                [DumpFile(path, chosen_format) for path in inputs], chooser, progress
            )
        for dump in dumps:
            say(f"{dump.path}: {dump.paths:,} paths, read as {dump.format}")
            say_problems("warning", dump.problems())
        if not len(chooser):
            raise InputError([Problem(no_route_left(chooser), ", ".join(inputs))])
        for line in refusals(sieve):
            say(f"warning: {line}")
        lines = write_routes(target, chooser.choices(), renderer(chosen_output, site_set))
        say(f"{target}: {lines:,} prefixes")
