"""One route server, asked over one connection.

Law: one question is under way at a time, and its answer comes or its error is raised within
`timeout_s` of the call. Start from `RouteServerClient`.
"""

from __future__ import annotations

from sparrow.routeserver.server import Kind as Kind
from sparrow.routeserver.server import Learnt as Learnt
from sparrow.routeserver.server import RouteServer as RouteServer
from sparrow.routeserver.server import RouteServerError as RouteServerError

TIMEOUT_S = 5.0
"""How long a question may take by default; our own choice."""


class RouteServerClient:
    """Asks one route server. For one event loop.

    The connection is opened by the first question, shared by all, kept, and opened
    anew where the server has closed it.
    """

    def __init__(self, server: RouteServer, *, timeout_s: float = TIMEOUT_S) -> None:
        """Ask `server`; a question takes at most `timeout_s`, waiting for its turn included."""
        self._server = server
        self._timeout_s = timeout_s

    async def ask(self, address: bytes) -> Learnt:
        """Give the route of a packed address. Raises `RouteServerError`."""
        raise RouteServerError("not connected")

    async def close(self) -> None:
        """Close the connection; questions under way and later ones raise `RouteServerError`."""
