"""`sparrow routes build`: a route file made of BGP dumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import click

from sparrow.cli.compiling import write_plan
from sparrow.cli.options import config_option, locate_config, read_secrets
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.cli.viewing import check_sites, choose_sites, split_peers, split_views
from sparrow.config.load import load_config
from sparrow.errors import InputError, Problem
from sparrow.policy.bestpath import PathChooser
from sparrow.policy.configured import build_site_set
from sparrow.policy.sanity import Sieve
from sparrow.rib.snapshot import EMPTY
from sparrow.sources.dumpfiles import DumpFile, build_chosen, load_dumps, no_route_left, refusals
from sparrow.sources.dumps import DumpFormat
from sparrow.sources.files import Loaded
from sparrow.sources.routebuild import Output, renderer, write_routes
from sparrow.staging import Staging, stage
from sparrow.values.peer import parse_peer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot
    from sparrow.values.address import Prefix
    from sparrow.values.peer import PeerChoice

    Lines: TypeAlias = tuple[Iterator[tuple[Prefix, Route]], Callable[[Route], str]]

_PLAN = "plan"
"""Value of --output that asks for no route file."""


@click.command()
@config_option
@click.option(
    "-o",
    "--output-file",
    "target",
    metavar="FILE",
    required=True,
    help="The route file to be written, packed if it ends with .gz; or the plan's directory.",
)
@click.option(
    "--view",
    "views",
    metavar="SITE=INPUT",
    multiple=True,
    help="What a site of the configuration sees; the file names the nearest site then.",
)
@click.option(
    "--peer",
    "peers",
    metavar="[SITE=]PEER",
    multiple=True,
    help="The one neighbour whose paths count, by address or AS number; with SITE in its view.",
)
@click.option(
    "--format",
    "dump_format",
    type=click.Choice([each.value for each in DumpFormat]),
    help="How every INPUT is written; without it that is told by the content.",
)
@click.option(
    "--output",
    type=click.Choice([*(each.value for each in Output), _PLAN]),
    help="What stands behind each prefix: the origin AS (the default), the site's, the path; "
    "or no file, but the plan of the configuration with these tables as its routes.",
)
@click.argument("inputs", metavar="[INPUT]...", nargs=-1)
def build(
    *,
    config_path: str | None,
    target: str,
    views: tuple[str, ...],
    peers: tuple[str, ...],
    dump_format: str | None,
    output: str | None,
    inputs: tuple[str, ...],
) -> None:
    """Make a route file of BGP dumps: MRT, router output, and other tables.

    All INPUTs are one table. For each prefix the neighbours' paths are held against each
    other, and one is chosen; `docs/routes-build.md` says how. Damaged records and routes
    that no table should have are left out, counted and listed. --output site and --output
    plan need a configuration, and so does --view: there the sites are ranked by what each of
    them sees.
    """
    with ending():
        reading = _Reading(
            DumpFormat(dump_format) if dump_format else None,
            {site: parse_peer(peer) for site, peer in split_peers(peers).items()},
        )
        if output == _PLAN:
            _build_plan(reading, config_path, split_views(views), inputs, target)
            return
        if views:
            lines = _build_of_views(reading, config_path, split_views(views), inputs, output)
        else:
            lines = _build_of_inputs(reading, config_path, inputs, output)
        say(f"{target}: {write_routes(target, *lines):,} prefixes")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How dumps are read."""

    format: DumpFormat | None
    """How all of them are written; None to tell by the content."""
    peers: Mapping[str | None, PeerChoice]
    """By site: whose paths count in its view; None for where there is none of a site's own."""

    def check(self, sites: Collection[str]) -> None:
        """See that neighbours are of views that there are. Raises `InputError`."""
        problems = [
            Problem(f"--peer {site}={peer}: there is no --view of {site!r}")
            for site, peer in self.peers.items()
            if site is not None and site not in sites
        ]
        if problems:
            raise InputError(problems)

    def read(self, paths: Sequence[str], site: str | None = None) -> PathChooser:
        """Read dumps, and tell what became of them. Raises `InputError`."""
        chooser = PathChooser(Sieve(), self.peers.get(site, self.peers.get(None)))
        with progress_bar("reading dumps") as progress:
            dumps = load_dumps([DumpFile(path, self.format) for path in paths], chooser, progress)
        for dump in dumps:
            say(f"{dump.path}: {dump.paths:,} paths, read as {dump.format}")
            say_problems("warning", dump.problems())
        if not len(chooser):
            raise InputError([Problem(no_route_left(chooser), ", ".join(paths))])
        for line in refusals(chooser.sieve):
            say(f"warning: {line}")
        return chooser

    def read_tables(
        self, views: Mapping[str, Sequence[str]], inputs: Sequence[str]
    ) -> tuple[Snapshot, dict[str, Snapshot]]:
        """Give the common table, and that of each view. Raises `InputError`."""
        tables = {site: build_chosen(self.read(paths, site)) for site, paths in views.items()}
        return build_chosen(self.read(inputs)) if inputs else EMPTY, tables


def _build_of_inputs(
    reading: _Reading, config_path: str | None, inputs: Sequence[str], output: str | None
) -> Lines:
    reading.check(())
    if not inputs:
        raise _nothing_to_read()
    chosen_output = Output(output or Output.ORIGIN)
    site_set = None
    if chosen_output is Output.SITE:
        site_set = build_site_set(load_config(locate_config(config_path)).config)
        if site_set is None:
            raise InputError([Problem("the configuration has no sites: --output site needs some")])
    return reading.read(inputs).choices(), renderer(chosen_output, site_set)


def _build_of_views(
    reading: _Reading,
    config_path: str | None,
    views: Mapping[str, Sequence[str]],
    inputs: Sequence[str],
    output: str | None,
) -> Lines:
    reading.check(views)
    if output not in {None, Output.SITE}:
        raise InputError([Problem(f"with --view the nearest site is written, not the {output}")])
    path = locate_config(config_path)
    config = load_config(path).config
    check_sites(config, views)
    common, tables = reading.read_tables(views, inputs)
    return choose_sites(config, path, tables, common), str


def _build_plan(
    reading: _Reading,
    config_path: str | None,
    views: Mapping[str, Sequence[str]],
    inputs: Sequence[str],
    directory: str,
) -> None:
    """Write the plan of a configuration whose routes are what is read. Raises `InputError`."""
    reading.check(views)
    if not inputs and not views:
        raise _nothing_to_read()
    path = locate_config(config_path)
    check_sites(load_config(path).config, views)
    tables = Loaded(EMPTY, (), ()).replace_views(*reading.read_tables(views, inputs))
    write_plan(stage(Staging(path, read_secrets(path), read_tables=lambda _: tables)), directory)


def _nothing_to_read() -> InputError:
    return InputError([Problem("there is nothing to read: name an INPUT, or a --view")])
