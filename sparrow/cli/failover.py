"""`sparrow failover`: the modes of scripted failover, from a shell or from cron."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sparrow.cli.options import (
    config_option,
    connect_daemon,
    find_config_folders,
    locate_config,
)
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.config.load import load_config
from sparrow.control.protocol import problem_from_json
from sparrow.errors import InputError, Problem, UnavailableError
from sparrow.health.aims import aim_sites
from sparrow.health.once import run_once
from sparrow.keeping.orders import ORDERS, OrderBook
from sparrow.knowing.standing import build_conditions
from sparrow.tables.switching import Applied, apply_mode, decide_mode
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from sparrow.config.model import Config
    from sparrow.policy.outcome import Conditions

_RELOAD_S = 600.0
"""Seconds for a reload: full tables on a busy machine take some."""


@click.group()
def failover() -> None:
    """Swap route files by which sites are up."""


@failover.command()
@config_option
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would be done, and no more.")
def once(config_path: str | None, *, is_dry_run: bool) -> None:
    """Run every check once, pick the mode, and swap the link; for cron.

    A daemon that runs is told to read its tables again where their content changed. It
    also does all of this by itself, so this is for when none runs, or by hand.
    """
    with ending():
        path = locate_config(config_path)
        config = load_config(path).config
        if config.failover.link is None:
            what = "no modes are configured: see failover.link and failover.modes"
            raise InputError([Problem(what, path)])
        conditions = _look_at_sites(config, path)
        choice = decide_mode(config, conditions)
        assert choice is not None  # noqa: S101  (for the type checker: a link has modes)
        say(str(choice))
        applied = apply_mode(choice, config.failover.link, is_dry_run=is_dry_run)
        _tell(applied, is_dry_run=is_dry_run)
        _reload(path, applied, is_dry_run=is_dry_run)


def _look_at_sites(config: Config, path: str) -> Conditions:
    """Give how sites stand by one round of checks, and by the orders that are in force."""
    health = asyncio.run(run_once(aim_sites(config)))
    book = OrderBook(Path(find_config_folders(path).state_dir, ORDERS))
    book.refresh()
    if book.problem:
        raise InputError([Problem(book.problem)])
    conditions = build_conditions(health, health, book.orders, time.time())
    for site, found in conditions.items():
        whys = {family: health[site].of(family).why for family in FAMILIES}
        for family, condition in zip(FAMILIES, found, strict=True):
            why = f": {whys[family]}" if whys[family] else ""
            say(f"{site}: IPv{family} {condition.standing.value}{why}")
    return conditions


def _tell(applied: Applied, *, is_dry_run: bool) -> None:
    swap = applied.swap
    if not swap.is_needed:
        say(f"{swap.link} leads to {swap.after} already")
        return
    was = swap.before or "nothing"
    verb = "would lead" if is_dry_run else "leads"
    say(f"{swap.link} {verb} to {swap.after} instead of {was}")


def _reload(path: str, applied: Applied, *, is_dry_run: bool) -> None:
    if not applied.has_changed:
        say("the content is the same: no reload")
        return
    try:
        with connect_daemon(path, _RELOAD_S) as connection:
            if is_dry_run:
                say("the daemon would be told to read its tables again")
                return
            result = connection.ask("reload")
            say_problems("warning", map(problem_from_json, result["warnings"]))
            say(f"reloaded, serial {result['serial']}")
    except UnavailableError as error:
        say(f"{error}: nobody to tell")
