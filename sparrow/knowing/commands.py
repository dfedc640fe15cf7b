"""What a client of the control socket may ask of the daemon: each command in one place.

Law: a command is a name and a function from a request to an object of JSON, which
`docs/control.md` describes; what it refuses it says with `InputError`. Start from
`Commands`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from sparrow.control.requests import parse_addresses
from sparrow.errors import InputError, Problem
from sparrow.knowing.supposing import simulate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sparrow.control.protocol import Request
    from sparrow.keeping.overview import Overview
    from sparrow.keeping.publishing import Publisher
    from sparrow.knowing.reloading import Reloader
    from sparrow.knowing.sites import Sites
    from sparrow.knowing.tables import Tables
    from sparrow.live import Live

    Command: TypeAlias = Callable[[Request], Awaitable[Mapping[str, Any]]]

_LOOK_UPS = 50
"""Addresses looked up between two turns of the event loop: some milliseconds."""


class Commands:
    """The commands that look at what is served, or have it read again."""

    def __init__(
        self,
        reloader: Reloader,
        publisher: Publisher,
        kept: tuple[Sites, Tables],
        overview: Overview,
        describe: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`describe` gives the object of the command `status`."""
        self._reloader = reloader
        self._publisher = publisher
        self._sites, tables = kept
        self._overview = overview
        self._describe = describe
        self._table: dict[str, Command] = {
            "explain": self._explain,
            "lookup": self._look_up,
            "reload": self._reload,
            "routes_approve": tables.approve,
            "routes_diff": tables.compare,
            "routes_rollback": tables.roll_back,
            "site": self._sites.give_order,
            "simulate": self._simulate,
            "sites": self._list_sites,
            "status": self._status,
        }

    async def execute(self, request: Request) -> Mapping[str, Any]:
        """Do what a client asks for. Raises `InputError`."""
        return await self._table[request.command](request)

    async def _reload(self, _: Request) -> Mapping[str, Any]:
        return await self._reloader.reload()

    async def _status(self, _: Request) -> Mapping[str, Any]:
        return self._describe()

    async def _list_sites(self, _: Request) -> Mapping[str, Any]:
        return self._sites.list_rows()

    async def _simulate(self, request: Request) -> Mapping[str, Any]:
        view = (await self._loaded()).view
        present = self._sites.take_stock(view, self._overview.read_classes())
        return await asyncio.to_thread(simulate, request.arguments, present)

    async def _look_up(self, request: Request) -> Mapping[str, Any]:
        """Look addresses up, with turns for everybody else in between."""
        live, addresses = await self._loaded(), parse_addresses(request.arguments)
        rows: list[dict[str, Any]] = []
        for start in range(0, len(addresses), _LOOK_UPS):
            rows += live.look_up(addresses[start : start + _LOOK_UPS], self._sites.conditions)
            await asyncio.sleep(0)
        return {"rows": rows}

    async def _explain(self, request: Request) -> Mapping[str, Any]:
        live = await self._loaded()
        served = await asyncio.to_thread(self._publisher.open)
        return live.explain_case(request.arguments, served, self._sites.conditions)

    async def _loaded(self) -> Live:
        """Give what answers look-ups, once the tables are read. Raises `InputError`."""
        live = await self._reloader.settle()
        if live is None:
            what = "nothing was read yet, as the configuration is refused; see `sparrow status`"
            raise InputError([Problem(what)])
        return live
