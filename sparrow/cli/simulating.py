"""`sparrow simulate`: what would move if sites were down or drained, before anybody orders it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import config_option, json_option, locate_config
from sparrow.cli.reaching import find_server
from sparrow.cli.showing import open_console, show_rows
from sparrow.cli.terminal import ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_WHOLES = {"addresses": "addresses", "prefixes": "prefixes", "answers": "answers so far"}
_COLUMNS = ("from", "to", "services", "addresses", "prefixes", "answers")


@click.command()
@config_option
@json_option
@click.option("--down", metavar="SITE", multiple=True, help="Suppose that this site is down.")
@click.option("--drain", metavar="SITE", multiple=True, help="Suppose that this site is drained.")
@click.option("--up", metavar="SITE", multiple=True, help="Suppose that this site is up.")
def simulate(config_path: str | None, *, is_json: bool, **supposed: tuple[str, ...]) -> None:
    """Tell who would be given another site, and which, if some sites were ordered so.

    Nothing is ordered. Shares are of the addresses of which anything is known, by a route, a
    distance, a time or an override, of the prefixes, and of the steered answers that were
    counted so far.
    """
    with ending():
        named = {action: list(sites) for action, sites in supposed.items() if sites}
        found = find_server(locate_config(config_path))("simulate", **named)
        if is_json:
            print(json.dumps(found))
        else:
            show_shift(open_console(), found)


def show_shift(console: Console, found: Mapping[str, Any]) -> None:
    """Show the result of the command `simulate` of the control socket."""
    for row in found["families"]:
        moved = row["moved"]
        parts = [
            f"{_share(moved[key], row[key])} of the {what}"
            for key, what in _WHOLES.items()
            if row[key]
        ]
        told = f"{', '.join(parts) or 'nobody'} would move"
        if row["moves"] and not parts:
            told = "nothing is known of any client: how many would move cannot be told"
        console.print(f"IPv{row['family']}: {told}")
        show_rows(console, (_move_row(move, row) for move in row["moves"]), _COLUMNS)
        if row["origins"]:
            origins = (
                f"AS{each['asn']} ({_share(each['addresses'], row['addresses'])})"
                for each in row["origins"]
            )
            console.print(f"the most of it: {', '.join(origins)}")


def _move_row(move: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **move,
        "services": ", ".join(move["services"]),
        "addresses": _share(move["addresses"], row["addresses"]),
    }


def _share(part: int, whole: int) -> str:
    """Give a part of a whole in percent; what is not nothing is not shown as nothing."""
    if not part or not whole:
        return "0%"
    percent = 100 * part / whole
    return f"{percent:.1f}%" if percent >= 0.1 else "<0.1%"
