"""Who does what a command asks for: the daemon, or the files where no server runs.

Law: an order is written to the state directory only where no server could take it, and
whoever gives it is told so. Start from `find_server`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from sparrow.cli.options import connect_daemon, find_config_folders
from sparrow.cli.progress import progress_bar
from sparrow.cli.terminal import say
from sparrow.config.load import load_config
from sparrow.control.ordering import check_site, name_giver, parse_draft, parse_supposed
from sparrow.control.sites import Failover, SiteState, build_site_rows
from sparrow.errors import InputError, Problem, UnavailableError
from sparrow.folders import is_run_dir_taken
from sparrow.keeping.orders import ORDERS, OrderBook, leave_order
from sparrow.knowing.supposing import Present, simulate
from sparrow.policy.outcome import Action
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.config.locate import Folders
    from sparrow.policy.orders import Orders

    Ask: TypeAlias = Callable[..., Mapping[str, Any]]
    """Gives the result of a command of the control socket; raises `InputError`."""


def find_server(path: str) -> Ask:
    """Give what does commands: the daemon, or where no server runs the files themselves.

    Raises `UnavailableError` where a server runs and its daemon does not answer.
    """
    try:
        connection = connect_daemon(path)
    except UnavailableError as error:
        folders = find_config_folders(path)
        if is_run_dir_taken(folders.run_dir):
            what = f"{error}, though a server runs: its daemon is about to start, or was stopped"
            raise UnavailableError(what) from None
        say(f"{error}; reading the files of {path}")
        return _Files(path, folders).ask
    click.get_current_context().with_resource(connection)
    return connection.ask


class _Files:
    """Does commands where no server runs."""

    def __init__(self, path: str, folders: Folders) -> None:
        self._path = path
        self._state_dir = Path(folders.state_dir)
        self._names = tuple(each.name for each in load_config(path).config.sites)

    def ask(self, command: str, **arguments: Any) -> Mapping[str, Any]:
        """Do a command. Raises `InputError`."""
        if command == "simulate":
            return self._simulate(arguments)
        if command == "sites":
            return {"sites": self._list_sites()}
        draft = parse_draft(arguments)
        if draft.action is not Action.AUTO or draft.site not in self._read_orders().sites:
            check_site(draft.site, self._names)
        giver = name_giver(draft.by, os.getuid())
        left = leave_order(self._state_dir, draft, giver, time.time())
        if not draft.is_dry:
            say(f"the order waits in {self._state_dir} for the next server that starts")
        return left

    def _read_orders(self) -> Orders:
        book = OrderBook(self._state_dir / ORDERS)
        book.refresh()
        if book.problem:
            raise InputError([Problem(book.problem)])
        return book.orders

    def _list_sites(self) -> list[dict[str, Any]]:
        states = tuple(SiteState(name) for name in self._names)
        return build_site_rows(Failover(states, self._read_orders(), time.time()), {})

    def _simulate(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Suppose orders where all checks pass and nothing was counted."""
        parse_supposed(arguments, self._names)  # before the tables, which take their time
        with progress_bar("reading route tables") as progress:
            view = stage(Staging(self._path, progress=progress)).view
        present = Present(
            view.authority.steering, view.tables.snapshot, self._read_orders(), time.time()
        )
        return simulate(arguments, present)
