"""`sparrow site`: what operators order for sites, and how sites stand."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import config_option, json_option, locate_config
from sparrow.cli.reaching import find_server
from sparrow.cli.showing import open_console, show_sites
from sparrow.cli.simulating import show_shift
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.cli.times import parse_moment_option, parse_span
from sparrow.cli.who import name_user
from sparrow.control.ordering import describe_order
from sparrow.errors import InputError, Problem
from sparrow.policy.outcome import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.cli.reaching import Ask

_COLUMNS = ("name", "v4", "v6", "order")
"""What is shown of a site."""
_MOVING = frozenset({Action.DRAIN, Action.DOWN})
"""Orders that send clients elsewhere: what would move is shown and asked about first."""


@click.group()
def site() -> None:
    """Order what a site is given for, and see how all sites stand."""


def _order_command(action: Action, text: str) -> None:
    """Add the command of an action to the group; they differ in words and options alone."""

    def run(config_path: str | None, **given: Any) -> None:
        _give(action, config_path, given)

    run.__doc__ = text
    options = [
        config_option,
        click.option("--reason", metavar="TEXT", default="", help="Why: for whoever looks later."),
        click.option("--at", metavar="TIME", help="When it begins, with a zone; without it now."),
        click.option("--dry-run", "is_dry", is_flag=True, help="Show what would be, and no more."),
        click.argument("name", metavar="SITE"),
    ]
    if action is not Action.AUTO:
        help_ = "How long it holds, such as 2h; without it until it is changed."
        options.append(click.option("--for", "span", metavar="SPAN", help=help_))
    if action in _MOVING:
        options.append(click.option("--yes", "is_sure", is_flag=True, help="Do not ask."))
    for option in reversed(options):
        run = option(run)
    site.command(action.value)(run)


_order_command(Action.DRAIN, "Send the clients of SITE elsewhere, as long as another site serves.")
_order_command(Action.DOWN, "Give SITE to nobody, whatever becomes of the others.")
_order_command(Action.UP, "Give SITE to its clients, whatever its checks say.")
_order_command(Action.AUTO, "Leave SITE to its checks: what was ordered for it is removed.")


def _give(action: Action, config_path: str | None, given: Mapping[str, Any]) -> None:
    """Order something: checked first, shown, asked about, done."""
    with ending():
        arguments = _read_arguments(action, given)
        path = locate_config(config_path)
        ask = find_server(path)
        planned = ask("site", **arguments, dry_run=True)
        if action in _MOVING:
            if not (given["is_dry"] or given["is_sure"] or sys.stdin.isatty()):
                what = "nobody can be asked, as stdin is no terminal: say --yes, or --dry-run"
                raise InputError([Problem(what)])
            _show_moves(ask, action, given["name"])
        if given["is_dry"]:
            _show_order(planned, "would be ordered")
            return
        if action in _MOVING and not given["is_sure"]:
            _show_order(planned, "is about to be ordered")
            click.confirm("Go on?", abort=True, err=True)
            ask = find_server(path)  # while somebody thought the daemon may have hung up
        _show_order(ask("site", **arguments), "ordered")


def _show_moves(ask: Ask, action: Action, name: str) -> None:
    """Show what would move; that it cannot be told keeps nobody from an order."""
    try:
        found = ask("simulate", **{action.value: [name]})
    except InputError as error:
        say_problems("warning: what would move cannot be told", error.problems)
    else:
        show_shift(open_console(), found)


def _read_arguments(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of the command `site`. Raises `InputError`."""
    if action is not Action.AUTO and not given["reason"].strip():
        what = f'say why: --reason "...", for whoever finds {given["name"]} {action.value}'
        raise InputError([Problem(what)])
    span, at = given.get("span"), given["at"]
    arguments = {
        "action": action.value,
        "site": given["name"],
        "reason": given["reason"],
        "by": name_user(),
        "for_s": parse_span("--for", span) if span else None,
        "at_s": parse_moment_option("--at", at) if at else None,
    }
    return {key: value for key, value in arguments.items() if value is not None}


def _show_order(result: Mapping[str, Any], verb: str) -> None:
    order = result["order"]
    for row in result["replaced"]:
        say(f"{row['site']}: in the place of {describe_order(row)}")
    print(f"{order['site']}: {verb}: {describe_order(order)}")


@site.command("list")
@config_option
@json_option
def list_(config_path: str | None, *, is_json: bool) -> None:
    """Show how each site stands, by checks and by orders."""
    with ending():
        path = locate_config(config_path)
        rows = find_server(path)("sites")["sites"]
        if is_json:
            print(json.dumps(rows))
        else:
            show_sites(open_console(), rows, _COLUMNS)
