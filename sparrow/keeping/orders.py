"""The orders of operators on disk: what they decided outlives every restart.

Law: the file is the truth; what is known of it here is read again whenever it changed, as
another daemon or a command may have written it. Start from `OrderBook`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sparrow.control.ordering import order_fields, plan_order
from sparrow.errors import InputError, Problem
from sparrow.keeping.journal import JOURNAL, Journal
from sparrow.keeping.statefile import change_json, load_json
from sparrow.policy.orders import Orders, parse_orders, render_orders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sparrow.control.ordering import OrderDraft

_log = logging.getLogger(__name__)

ORDERS = "orders.json"
"""Name in the state directory."""


class OrderBook:
    """The orders of a state directory."""

    def __init__(self, path: Path) -> None:
        """Keep orders at `path`; nothing is read before `refresh`."""
        self._path = path
        self._seen: tuple[int, ...] | None = None
        self.orders = Orders()
        """What was read last; written by `refresh` alone."""
        self.problem: str | None = None
        """Why the file cannot be read at present; None where it can, or where there is none."""

    def refresh(self) -> bool:
        """Read the file again where it is another than before; tell whether the orders differ.

        Where it cannot be read the orders that were known stay in force.
        """
        seen = self._stamp()
        if seen == self._seen:
            return False
        self._seen = seen
        before = self.orders
        try:
            self.orders = _read(load_json(self._path), self._path)
        except InputError as error:
            self.problem = str(error)
            _log.error("orders: %s", error)
            return False
        self.problem = None
        return self.orders != before

    def change(self, change: Callable[[Orders], Orders]) -> None:
        """Put what `change` makes of the orders on disk in their place.

        It waits for the disk. Raises `InputError` where the file cannot be read or
        written, and then nothing has changed.
        """
        try:
            change_json(self._path, lambda tree: render_orders(change(_read(tree, self._path))))
        except OSError as error:
            what = f"the order cannot be kept, so it is not taken: {error.strerror}"
            raise InputError([Problem(what, str(self._path))]) from None

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def _read(tree: Any, path: Path) -> Orders:
    if tree is None:
        return Orders()
    try:
        return parse_orders(tree)
    except ValueError as error:
        what = f"this file of orders is damaged ({error}): mend or remove it"
        raise InputError([Problem(what, str(path))]) from None


def leave_order(state_dir: Path, draft: OrderDraft, giver: str, now_s: float) -> dict[str, Any]:
    """Write an order for the next server that starts, where none runs; give the result.

    The result is that of the command `site`. Raises `InputError`.
    """
    if not state_dir.is_dir():
        # Made here it would belong to who gives the order, and not to whom the server runs as.
        what = "the state directory is not there: start the server once, which makes it"
        raise InputError([Problem(what, str(state_dir))])
    book = OrderBook(state_dir / ORDERS)
    book.refresh()
    if book.problem:
        raise InputError([Problem(book.problem)])
    order, row = plan_order(book.orders, draft, giver, now_s)
    if not draft.is_dry:
        book.change(lambda orders: orders.give(order))
        journal = Journal(state_dir / JOURNAL)
        journal.append("order", now_s, order_fields(order))
        journal.close()
    return row
