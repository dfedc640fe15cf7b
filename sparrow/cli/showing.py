"""What commands show as tables on stdout. Start from `open_console` and `show_rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from sparrow.control.ordering import describe_order
from sparrow.control.sites import FAMILY_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_WIDTH = 4096
"""Columns of what is shown: no path is longer, so none is cut; a terminal wraps by itself."""
_TEXTS = frozenset({"name", "path", "twin", "site", "v4", "v6", "order", "from", "to", "services"})
"""Columns that begin at the left; numbers end at the right."""


def open_console() -> Console:
    """Give what writes to stdout as it is, without markup."""
    return Console(width=_WIDTH, soft_wrap=True, highlight=False, markup=False, emoji=False)


def show_rows(console: Console, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Show rows as a table; nothing where there are none."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in _TEXTS else "right")
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    if table.row_count:
        console.print(table)


def show_sites(console: Console, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Show how sites stand, and below why those do that do not simply serve."""
    show_rows(console, map(_site_row, rows), columns)
    for row in rows:
        for line in _describe_site(row):
            console.print(f"{row['name']}: {line}")


def _site_row(row: Mapping[str, Any]) -> dict[str, Any]:
    order = row["order"]["action"] if row["order"] else "-"
    return {
        "name": row["name"],
        "answers": row["answers"],
        **{key: row[key]["standing"] if row[key] else "-" for key in FAMILY_KEYS.values()},
        "order": f"{order}, then {row['planned']['action']}" if row["planned"] else order,
    }


def _describe_site(row: Mapping[str, Any]) -> Iterator[str]:
    if not row["configured"]:
        yield "is not configured; `sparrow site auto` removes what is ordered for it"
    whys: dict[str, list[str]] = {}
    for key in FAMILY_KEYS.values():
        if row[key] and (row[key]["why"] or row[key]["health"] != "up"):
            words = f"{row[key]['health']}: {row[key]['why'] or 'its checks say so'}"
            whys.setdefault(words, []).append(key)
    for why, keys in whys.items():
        yield f"{' and '.join(keys)} {why}"
    for key in ("order", "planned"):
        if row[key]:
            yield describe_order(row[key])


def render_age(seconds: float) -> str:
    """Give `3d 4h`, `4h 5min`, `5min 6s` or `6s`."""
    minutes, second = divmod(int(max(seconds, 0)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    parts = [(days, "d"), (hour, "h"), (minute, "min"), (second, "s")]
    shown = [f"{count}{unit}" for count, unit in parts if count][:2]
    return " ".join(shown) or "0s"
