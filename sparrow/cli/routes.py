"""`sparrow routes`: tables that are held, what they would move, and what becomes of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.aggregating import aggregate
from sparrow.cli.building import build
from sparrow.cli.counting import percent, stats
from sparrow.cli.options import config_option, connect_daemon, json_option, locate_config
from sparrow.cli.picturing import picture
from sparrow.cli.showing import open_console, render_age, show_rows
from sparrow.cli.tables import load_named, name_sites, table_format_option
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.cli.who import name_user
from sparrow.config.load import load_config
from sparrow.control.protocol import problem_from_json
from sparrow.errors import InputError, Problem
from sparrow.policy.tablediff import describe_diff, diff_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console


_TAKEN_S = 600.0
"""Seconds for a table to be taken up: full ones on a busy machine take some."""

_reason_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--reason", metavar="TEXT", required=True, help="Why: for whoever looks later."
)


@click.group()
def routes() -> None:
    """Make, compare, count and draw route tables; decide about those that guards hold back."""


for command in (build, stats, aggregate, picture):
    routes.add_command(command)


@routes.command()
@config_option
@json_option
@table_format_option
@click.argument("old", required=False)
@click.argument("new", required=False)
def diff(
    config_path: str | None,
    route_format: str | None,
    old: str | None,
    new: str | None,
    *,
    is_json: bool,
) -> None:
    """Show what the held table would move, or what differs from the file OLD to the file NEW.

    By sites, by the networks with the most addresses, and as a share of the address
    space that routes speak of. Files are compared for the sites of the configuration.
    """
    with ending():
        path = locate_config(config_path)
        if old is None:
            with connect_daemon(path, _TAKEN_S) as connection:
                found = connection.ask("routes_diff")
        elif new is None:
            raise InputError([Problem("two files are compared: OLD and NEW, or none")])
        else:
            found = _diff_files(path, (old, new), route_format)
        if is_json:
            print(json.dumps(found))
        else:
            _show(open_console(), found)


def _diff_files(path: str, files: tuple[str, str], route_format: str | None) -> Mapping[str, Any]:
    site_set = name_sites(load_config(path).config)
    before = load_named(files[:1], route_format)
    after = load_named(files[1:], route_format, before)
    return {
        "serial": None,
        "held": None,
        **describe_diff(diff_tables(before, after, site_set)),
    }


@routes.command()
@config_option
@json_option
@_reason_option
@click.argument("table", required=False)
def approve(config_path: str | None, table: str | None, reason: str, *, is_json: bool) -> None:
    """Let the held table serve, or a live source withdraw what is withheld.

    With TABLE only if it is that one, as `routes diff` names it; or the live source, as
    `status` names it.
    """
    arguments = {"table": table} if table else {}
    _decide(config_path, "routes_approve", {"reason": reason, **arguments}, is_json=is_json)


@routes.command()
@config_option
@json_option
@_reason_option
def rollback(config_path: str | None, reason: str, *, is_json: bool) -> None:
    """Serve the table before again; the present one is held until it changes or is approved."""
    _decide(config_path, "routes_rollback", {"reason": reason}, is_json=is_json)


def _decide(
    config_path: str | None, command: str, arguments: Mapping[str, str], *, is_json: bool
) -> None:
    with ending():
        with connect_daemon(locate_config(config_path), _TAKEN_S) as connection:
            result = connection.ask(command, **arguments, by=name_user())
        if is_json:
            print(json.dumps(result))
            return
        say_problems("warning", map(problem_from_json, result["warnings"]))
        changed = result["changed"]
        say(
            f"serial {result['serial']} serves: {changed['announced']} prefixes announced, "
            f"{changed['withdrawn']} withdrawn, {changed['rerouted']} rerouted"
        )


def _show(console: Console, found: Mapping[str, Any]) -> None:
    held = found["held"]
    if held:
        age = render_age(time.time() - held["at"])
        mode = f" of mode {held['mode']}" if held["mode"] else ""
        console.print(f"table {held['table']}{mode} has been held for {age}, as")
        for reason in held["reasons"]:
            console.print(f"  {reason}")
        console.print(f"to let it through: sparrow routes approve {held['table']} --reason ...")
    for key, family in (("v4", "IPv4"), ("v6", "IPv6")):
        _show_family(console, family, found[key])


def _show_family(console: Console, family: str, found: Mapping[str, Any]) -> None:
    console.print(
        f"{family}: {found['prefixes']} prefixes, of which {found['announced']} come, "
        f"{found['withdrawn']} go, {found['rerouted']} have another route; "
        f"{percent(found['moved'])} of the address space moves"
    )
    pairs = [
        {
            "from": row["before"],
            "to": row["after"],
            "space": percent(row["share"]),
            "prefixes": row["prefixes"],
        }
        for row in found["pairs"]
    ]
    show_rows(console, pairs, ("from", "to", "space", "prefixes"))
    origins = [
        {
            "name": "no route" if row["asn"] is None else f"AS{row['asn']}",
            "space": percent(row["share"]),
        }
        for row in found["origins"]
    ]
    show_rows(console, origins, ("name", "space"))
