"""sparrow's own route port asked by the clients, as what it is and as a Zebra."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes
from served_routes import serving, wait_for
from transcripts import WORD

from sparrow.rib.route import Route
from sparrow.routeserver.client import (
    Kind,
    Learnt,
    RouteServer,
    RouteServerClient,
    RouteServerError,
)
from sparrow.server.ssrs import RoutePortSettings
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from served_routes import Running

LONG_S = 60.0
ADDRESSES = (
    "10.0.0.1",
    "10.1.3.4",
    "10.1.2.3",
    "10.1.2.200",
    "172.16.1.1",
    "192.168.100.129",
    "192.168.100.1",
    "203.0.113.1",
    "1.2.3.4",
    "2001:db8::1",
    "2001:db8:1::1",
    "2002::1",
)


def client_of(running: Running, kind: Kind, password: str | None = WORD) -> RouteServerClient:
    return RouteServerClient(RouteServer(kind, *running.address, password), timeout_s=LONG_S)


def expected(address: str, kind: Kind) -> Learnt:
    found = ListedRoutes().find(parse_address(address))
    if found is None:
        return Learnt(None, None)
    prefix, route = found
    if kind is Kind.ZEBRA:  # where several origins and a set look alike
        hops = [hop if len(hop.asns) == 1 else type(hop)(hop.asns, ",") for hop in route.hops]
        return Learnt(prefix, Route(tuple(hops)))
    return Learnt(prefix, route)


@pytest.mark.parametrize("kind", [Kind.SSRS, Kind.ZEBRA])
def test_its_routes_are_learnt(kind: Kind) -> None:
    async def run(running: Running) -> list[Learnt]:
        client = client_of(running, kind)
        try:
            asked = (client.ask(parse_address(each)) for each in ADDRESSES)
            return await asyncio.gather(*asked)
        finally:
            await client.close()

    with serving(ListedRoutes(), RoutePortSettings("ns1", WORD)) as running:
        found = asyncio.run(run(running))
        assert 1 == running.port.counters.logins
        lines = len(ADDRESSES) + (kind is Kind.ZEBRA)  # which says once that it wants no pages
        assert lines == running.port.counters.commands
        wait_for(lambda: not running.port.open_connections)
    assert [expected(each, kind) for each in ADDRESSES] == found


def test_one_that_takes_any_password_needs_none() -> None:
    async def run(running: Running) -> Learnt:
        client = client_of(running, Kind.SSRS, None)
        try:
            return await client.ask(parse_address("10.1.3.4"))
        finally:
            await client.close()

    with serving(ListedRoutes(), RoutePortSettings("ns1")) as running:
        assert expected("10.1.3.4", Kind.SSRS) == asyncio.run(run(running))
        assert 1 == running.port.counters.logins


def test_a_wrong_password_is_said() -> None:
    async def run(running: Running) -> None:
        client = client_of(running, Kind.SSRS, WORD[::-1])
        with pytest.raises(RouteServerError, match=r"refuses the password$"):
            await client.ask(parse_address("10.1.3.4"))
        await client.close()

    with serving(ListedRoutes(), RoutePortSettings("ns1", WORD)) as running:
        asyncio.run(run(running))
        assert 0 == running.port.counters.logins


def test_one_that_has_too_many_peers_says_so() -> None:
    async def run(running: Running) -> None:
        async with AsyncExitStack() as stack:
            first, second = (client_of(running, Kind.SSRS) for _ in range(2))
            stack.push_async_callback(first.close)
            stack.push_async_callback(second.close)
            await first.ask(parse_address("10.1.3.4"))
            with pytest.raises(RouteServerError, match="% Too many connections: 1 are open"):
                await second.ask(parse_address("10.1.3.4"))

    with serving(ListedRoutes(), RoutePortSettings("ns1", WORD, max_connections=1)) as running:
        asyncio.run(run(running))
        assert (1, 1) == (running.port.counters.accepted, running.port.counters.over_cap)


def test_a_connection_that_idles_out_is_opened_anew() -> None:
    async def run(running: Running) -> None:
        client = client_of(running, Kind.SSRS)
        for _ in range(3):
            found = await client.ask(parse_address("10.1.3.4"))
            assert expected("10.1.3.4", Kind.SSRS) == found
            await asyncio.sleep(0.6)
        await client.close()

    with serving(ListedRoutes(), RoutePortSettings("ns1", WORD, idle_s=0.2)) as running:
        asyncio.run(run(running))
        assert 3 == running.port.counters.logins
        assert 2 <= running.port.counters.timed_out
