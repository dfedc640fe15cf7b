"""Tables that a command line names: files, or what a configuration lists.

Start from `load_named`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import find_config_folders
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import say, say_problems
from sparrow.errors import InputError, Problem
from sparrow.lore import load_lore
from sparrow.policy.configured import build_site_set
from sparrow.rib.snapshot import EMPTY
from sparrow.sources.configured import list_route_files
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.kinds import find_format
from sparrow.sources.line import RouteFormat
from sparrow.staging import draw_preferred

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sparrow.config.model import Config
    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import AddressMap
    from sparrow.rib.snapshot import Snapshot
    from sparrow.sources.files import Loaded

table_format_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--format",
    "route_format",
    type=click.Choice([each.value for each in RouteFormat]),
    help="How every file is written; without it that is told by the content.",
)


def load_named(paths: Sequence[str], route_format: str | None, known: Snapshot = EMPTY) -> Snapshot:
    """Read files into one table; routes are shared with the table `known`. Raises `InputError`."""
    problems: list[Problem] = []
    files = []
    for path in paths:
        try:
            files.append(RouteFile(path, RouteFormat(route_format or find_format(path))))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return _load(files, known).snapshot


def name_sites(config: Config) -> SiteSet | None:
    """Give the sites, as AS numbers on paths name them; None where there are none.

    Where the configuration ranks sites by more than that, it is said that this is left aside.
    """
    if ranks_by_more(config):
        say(
            "warning: clients have the sites that AS numbers on the paths name here; views, "
            "places, times and overrides of the configuration are left aside"
        )
    return build_site_set(config)


def ranks_by_more(config: Config) -> bool:
    """Tell whether sites are ranked by more than the AS numbers on paths."""
    has_views = any(route.view for route in config.routes)
    return bool(has_views or config.geo or config.ranking.rtt or config.overrides)


def load_configured(config: Config, *, needs_files: bool = True) -> Loaded:
    """Read the route files of a configuration. Raises `InputError`, without any as well."""
    if config.feeds:
        say("warning: the tables of live sources are not among these; files alone are read")
    files = list_route_files(config)
    if not files and needs_files:
        raise InputError([Problem("the configuration has no route files: name some to be read")])
    return _load(files, EMPTY)


def draw_configured(config: Config, config_path: str, loaded: Loaded) -> AddressMap | None:
    """Give the number of the site that each address prefers, by all that is configured.

    None where AS numbers on paths alone tell it. Raises `InputError`.
    """
    site_set = build_site_set(config)
    if site_set is None or not ranks_by_more(config):
        return None
    folders = find_config_folders(config_path)
    lore = load_lore(config, folders.state_dir, time.time()).lore
    return draw_preferred(config, site_set, lore, loaded)


def _load(files: Sequence[RouteFile], known: Snapshot) -> Loaded:
    with progress_bar(f"reading {', '.join(file.path for file in files)}") as progress:
        loaded = load_snapshot(files, progress, known)
    say_problems("warning", loaded.warnings)
    return loaded
