"""The HTTP listener: metrics, health of the query path, and the status, for machines.

Law: whatever clients do, at most `MAX_CONNECTIONS` are open, and none for longer than
`LIFETIME_S`; one request is answered on each. Start from `HttpPort`. This imports aiohttp,
so whoever has no such listener configured leaves it alone.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sparrow.control.metrics import CONTENT_TYPE, render_metrics
from sparrow.server.accepting import accept_all
from sparrow.server.querypath import ask_path
from sparrow.server.sockets import ListenError, open_tcp

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Mapping

    from sparrow.config.fields import Endpoint
    from sparrow.values.name import Name

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
"""Connections that are open at once; a few scrapers and load balancers need a handful."""
LIFETIME_S = 10.0
"""Seconds from accept() to the end of a connection, whatever was sent or taken by then."""
_MAX_LINE = 4096
"""Octets of the request line, and of each header; ours have less than a hundred."""
_RETRY_S = 0.2
"""Seconds until an address that cannot be had is tried again."""


@dataclass(frozen=True, slots=True)
class HttpSources:
    """Where the pages come from; all of these are called in the event loop."""

    status: Callable[[], Mapping[str, Any]]
    """Gives the object of the command `status`."""
    target: Callable[[], tuple[Endpoint, Name] | None]
    """Gives an address of DNS and a zone that is served there; None where there is none."""


class HttpPort:
    """Serves the pages."""

    def __init__(self, endpoint: Endpoint, sources: HttpSources) -> None:
        """Serve at `endpoint`; nothing is open before `serve`."""
        self._endpoint = endpoint
        self._sources = sources
        self._pages: dict[str, Callable[[], Awaitable[web.Response]]] = {
            "/metrics": self._show_metrics,
            "/healthz": self._show_health,
            "/status": self._show_status,
        }

    async def serve(self, patience_s: float = 0.0) -> None:
        """Listen and answer until cancelled.

        Where the address cannot be had it is tried again, and for `patience_s` nothing is
        said of that: it may be in use by the server whose place we take.
        """
        with await self._open(patience_s) as listener:
            _log.info("answering HTTP on %s", self._endpoint)
            server = web.Server(
                self._answer,
                access_log=None,
                max_line_size=_MAX_LINE,
                max_field_size=_MAX_LINE,
                lingering_time=0,
            )
            try:
                await self._accept(listener, server)
            finally:
                await server.shutdown(0)

    async def _open(self, patience_s: float) -> socket.socket:
        loop = asyncio.get_running_loop()
        deadline_s, told = loop.time() + patience_s, ""
        while True:
            try:
                return open_tcp(self._endpoint)
            except ListenError as error:
                if loop.time() >= deadline_s and str(error) != told:
                    told = str(error)
                    _log.error("no HTTP listener yet, trying again: http.listen: %s", told)
            await asyncio.sleep(_RETRY_S)

    async def _accept(self, listener: socket.socket, server: web.Server) -> None:
        loop = asyncio.get_running_loop()
        async for client, _ in accept_all(listener, "HTTP", lambda: None):
            if len(server.connections) >= MAX_CONNECTIONS:
                client.close()
                continue
            try:
                transport, _ = await loop.connect_accepted_socket(server, client)
            except OSError:
                client.close()
                continue
            loop.call_later(LIFETIME_S, transport.abort)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._find_page(request)
        except Exception:  # noqa: BLE001 (the outermost loop of a shell; logged, and it goes on)
            _log.exception("HTTP: %s failed inside", request.path)
            response = _say(500, "the request failed inside; see the daemon's log")
        response.force_close()  # a connection that waits for its next request is one too many
        return response

    async def _find_page(self, request: web.BaseRequest) -> web.Response:
        page = self._pages.get(request.path)
        if page is None:
            return _say(404, f"the pages are {', '.join(self._pages)}")
        if request.method not in {"GET", "HEAD"}:
            response = _say(405, "use GET or HEAD")
            response.headers["Allow"] = "GET, HEAD"
            return response
        return await page()

    async def _show_metrics(self) -> web.Response:
        body = render_metrics(self._sources.status())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _show_status(self) -> web.Response:
        return web.Response(
            text=json.dumps(self._sources.status()), content_type="application/json"
        )

    async def _show_health(self) -> web.Response:
        target = self._sources.target()
        if target is None:
            return _say(503, "no zone is served")
        fault = await ask_path(*target)
        return _say(503, fault) if fault else _say(200, "ok")


def _say(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers={"Cache-Control": "no-store"})
