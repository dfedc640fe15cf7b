"""The client of route servers, over sockets, with servers of every conduct."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from scriptedservers import PROMPT, Scripted, Visit, scripted
from transcripts import WORD

from sparrow.errors import InputError, UnavailableError
from sparrow.rib.route import parse_route
from sparrow.routeserver.client import (
    Kind,
    Learnt,
    QuestionRefusedError,
    RouteServer,
    RouteServerClient,
    RouteServerError,
    lengthen,
)
from sparrow.values.address import parse_address, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 40.0
"""A timeout that no test waits for."""
SHORT_S = 0.3
"""A timeout that a test waits for."""
ALONE_S = (600.0, 600.0)
"""A back-off that no test waits for."""


def learnt(prefix: str, path: str = "64600") -> Learnt:
    return Learnt(parse_prefix(prefix), parse_route(path))


async def ask(client: RouteServerClient, address: str) -> Learnt:
    return await client.ask(parse_address(address))


async def fail(client: RouteServerClient, address: str = "10.1.2.3") -> str:
    """Ask in vain, and give the words of the error, without those that tell the server."""
    with pytest.raises(RouteServerError) as caught:
        await ask(client, address)
    assert isinstance(caught.value, UnavailableError)
    is_refused = "knows no" in str(caught.value) or "does not tell" in str(caught.value)
    assert is_refused == isinstance(caught.value, QuestionRefusedError)
    assert str(caught.value).startswith("the route server 127.0.0.1 port ")
    return str(caught.value).split(maxsplit=6)[6]


def test_questions_share_one_connection() -> None:
    async def run() -> None:
        async with scripted(Scripted.answer_all) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            addresses = [f"10.1.{number}.3" for number in range(50)]
            found = await asyncio.gather(*(ask(client, each) for each in addresses))
            assert [learnt(f"10.1.{number}.0/24") for number in range(50)] == found
            assert [f"show ip bgp {each}" for each in addresses] == server.questions
            assert 1 == server.visits
            await client.close()

    asyncio.run(run())


def test_nothing_is_connected_before_the_first_question() -> None:
    async def run() -> None:
        async with scripted(Scripted.answer_all) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            await client.close()
            assert 0 == server.visits

    asyncio.run(run())


def test_a_connection_that_was_closed_on_idle_is_opened_anew() -> None:
    async def close_after_each(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        visit.answer(await visit.hear())
        visit.say(b"\r\nVty connection is timed out.\r\n")
        await visit.writer.drain()

    async def run() -> None:
        async with scripted(close_after_each) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            for number in range(1, 6):
                assert learnt("10.1.2.0/24") == await ask(client, "10.1.2.3")
                assert number == server.visits
            await client.close()

    asyncio.run(run())


def test_a_connection_that_goes_with_the_question_is_opened_once_more() -> None:
    async def drop_the_second(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        visit.answer(await visit.hear())
        await visit.hear()  # and goes without an answer

    async def run() -> None:
        async with scripted(drop_the_second) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            for _ in range(4):
                assert learnt("10.1.2.0/24") == await ask(client, "10.1.2.3")
            assert 4 == server.visits
            await client.close()

    asyncio.run(run())


def test_an_answer_that_breaks_off_is_an_error_and_the_server_is_left_alone_for_a_moment() -> None:
    async def break_off(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        question = await visit.hear()
        visit.say(f"{question}\r\nBGP routing table entry for 10.1.2.0/24\r\nPaths: (1".encode())
        await visit.writer.drain()

    async def run() -> None:
        async with scripted(break_off) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S, back_off_s=ALONE_S)
            words = "closed the connection, its last words being 'BGP routing table entry for"
            assert (await fail(client)).startswith(words)
            again = await fail(client)
            assert again.startswith(words)
            assert again.endswith("; it is tried again in 600 s")
            assert 1 == server.visits
            await client.close()

    asyncio.run(run())


def test_a_server_that_recovers_is_asked_again_by_itself() -> None:
    async def fail_twice(server: Scripted, visit: Visit) -> None:
        if visit.number > 2:
            await server.answer_all(visit)

    async def run() -> None:
        async with scripted(fail_twice) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S, back_off_s=(0.2, 0.2))
            errors = 0
            while True:
                try:
                    found = await ask(client, "10.1.2.3")
                    break
                except RouteServerError:
                    errors += 1
                    await asyncio.sleep(0.05)
            assert learnt("10.1.2.0/24") == found
            assert 3 == server.visits
            assert 2 <= errors
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize("at", ["connect", "password", "prompt", "answer"])
def test_a_server_that_says_nothing_is_an_error_in_time(at: str) -> None:
    async def fall_silent(_server: Scripted, visit: Visit) -> None:
        if at == "password":
            visit.say(b"Password: ")
        elif at == "prompt":
            visit.say(b"Password: ")
            await visit.hear()
            visit.say(b"\r\n" + PROMPT)
        elif at == "answer":
            await visit.log_in()
        await visit.reader.read()

    async def run() -> None:
        async with scripted(fall_silent) as server:
            client = RouteServerClient(server.server, timeout_s=SHORT_S, back_off_s=ALONE_S)
            assert "does not answer within 0.3 s" == await fail(client)
            again = await fail(client)
            assert "does not answer within 0.3 s; it is tried again in 600 s" == again
            assert 1 == server.visits
            await client.close()

    asyncio.run(run())


def test_a_connection_that_fell_silent_is_given_up_and_the_next_question_opens_another() -> None:
    async def fall_silent_later(server: Scripted, visit: Visit) -> None:
        if visit.number > 1:
            await server.answer_all(visit)
            return
        await visit.log_in()
        visit.answer(await visit.hear())
        await visit.reader.read()

    async def run() -> None:
        async with scripted(fall_silent_later) as server:
            client = RouteServerClient(server.server, timeout_s=4.0)
            assert learnt("10.1.2.0/24") == await ask(client, "10.1.2.3")
            assert "does not answer within 4 s" == await fail(client)
            assert learnt("10.1.4.0/24") == await ask(client, "10.1.4.3")
            assert 2 == server.visits
            await client.close()

    asyncio.run(run())


def test_who_gives_up_leaves_no_answer_to_the_next() -> None:
    asked = asyncio.Event()

    async def answer_late(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        while question := await visit.hear():
            asked.set()
            if question.endswith("10.1.2.3"):
                await asyncio.sleep(0.3)
            visit.answer(question)

    async def run() -> None:
        async with scripted(answer_late) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            asker = asyncio.create_task(ask(client, "10.1.2.3"))
            await asked.wait()
            asker.cancel()
            assert learnt("10.1.4.0/24") == await ask(client, "10.1.4.3")
            assert asker.cancelled()
            assert 2 == server.visits
            await client.close()

    asyncio.run(run())


def test_questions_that_wait_for_their_turn_are_in_time_too() -> None:
    async def never_answer(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        await visit.reader.read()

    async def run() -> None:
        async with scripted(never_answer) as server:
            client = RouteServerClient(server.server, timeout_s=SHORT_S, back_off_s=ALONE_S)
            asked = (fail(client, f"10.1.{number}.3") for number in range(20))
            assert all("does not answer within" in each for each in await asyncio.gather(*asked))
            assert 1 == server.visits
            await client.close()

    asyncio.run(run())


def test_a_server_is_left_alone_for_longer_and_longer() -> None:
    pauses = [0.0]
    for _ in range(5):
        pauses.append(lengthen(pauses[-1], (1.0, 6.0)))
    assert [0.0, 1.0, 2.0, 4.0, 6.0, 6.0] == pauses


def test_a_wrong_password_is_tried_once_and_said() -> None:
    tried = []

    async def refuse(_server: Scripted, visit: Visit) -> None:
        visit.say(b"Password: ")
        while word := await visit.hear():
            tried.append(word)
            visit.say(b"\r\nPassword: ")

    async def run() -> None:
        async with scripted(refuse) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S, back_off_s=ALONE_S)
            assert "refuses the password" == await fail(client)
            assert "refuses the password; it is tried again in 600 s" == await fail(client)
            assert [WORD] == tried
            await client.close()

    asyncio.run(run())


def test_a_refused_question_does_no_harm_to_the_others() -> None:
    async def refuse_ipv6(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        while question := await visit.hear():
            if ":" in question:
                visit.say(question.encode() + b"\r\n% Unknown command.\r\n" + PROMPT)
            else:
                visit.answer(question)

    async def run() -> None:
        async with scripted(refuse_ipv6) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            expected = "does not tell the route of 2001:db8::1: it answers '% Unknown command.'"
            for _ in range(3):
                assert expected == await fail(client, "2001:db8::1")
                assert learnt("10.1.2.0/24") == await ask(client, "10.1.2.3")
            assert 1 == server.visits
            await client.close()

    asyncio.run(run())


def test_garbage_is_an_error_and_no_route() -> None:
    async def babble(_server: Scripted, visit: Visit) -> None:
        if visit.number == 1:
            await visit.log_in()
            await visit.hear()
        while True:
            visit.say(bytes(range(256)).replace(b"\xff", b"") * 64)
            await visit.writer.drain()

    async def run() -> None:
        async with scripted(babble) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            assert "sends more than 1048576 octets at once" == await fail(client)
            await client.close()

    asyncio.run(run())


def test_gated_is_never_connected_for_ipv6() -> None:
    async def run() -> None:
        async with scripted(Scripted.answer_all) as server:
            asked = RouteServer(Kind.GATED, "127.0.0.1", server.port, WORD)
            client = RouteServerClient(asked, timeout_s=LONG_S)
            assert "knows no addresses such as 2001:db8::1" == await fail(client, "2001:db8::1")
            assert 0 == server.visits

    asyncio.run(run())


def test_a_port_where_nobody_listens_is_said(free_port: Callable[[], int]) -> None:
    async def run() -> None:
        server = RouteServer(Kind.ZEBRA, "127.0.0.1", free_port(), WORD)
        client = RouteServerClient(server, timeout_s=LONG_S)
        assert "cannot be reached: Connection refused" == await fail(client)
        await client.close()

    asyncio.run(run())


def test_a_host_that_has_no_address_is_said() -> None:
    async def run() -> None:
        server = RouteServer(Kind.ZEBRA, "no-such-host.invalid", 1, WORD)
        client = RouteServerClient(server, timeout_s=LONG_S)
        with pytest.raises(RouteServerError, match=r"^the route server no-such-host\.inv"):
            await ask(client, "10.1.2.3")

    asyncio.run(run())


def test_a_server_that_takes_no_connection_is_an_error_in_time() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
            port = listener.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)):  # its queue is full
                server = RouteServer(Kind.ZEBRA, "127.0.0.1", port, WORD)
                client = RouteServerClient(server, timeout_s=SHORT_S)
                assert "does not answer within 0.3 s" == await fail(client)
                await client.close()

    asyncio.run(run())


def test_a_closed_client_asks_no_more() -> None:
    async def run() -> None:
        async with scripted(Scripted.answer_all) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            assert learnt("10.1.2.0/24") == await ask(client, "10.1.2.3")
            await client.close()
            await client.close()
            assert "is asked no more: the client is closed" == await fail(client)
            assert 1 == server.visits

    asyncio.run(run())


def test_a_question_under_way_ends_with_the_client() -> None:
    asked = asyncio.Event()

    async def never_answer(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        await visit.hear()
        asked.set()
        await visit.reader.read()

    async def run() -> None:
        async with scripted(never_answer) as server:
            client = RouteServerClient(server.server, timeout_s=LONG_S)
            asker = asyncio.create_task(fail(client))
            await asked.wait()
            await client.close()
            assert "closed the connection" in await asker

    asyncio.run(run())


@pytest.mark.parametrize("name", ["password", "user"])
def test_what_cannot_be_typed_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"the {name} of a route server"):
        RouteServer(Kind.ZEBRA, "127.0.0.1", **{name: "a\nconfigure terminal"})


def test_a_password_is_not_shown() -> None:
    assert WORD not in repr(RouteServer(Kind.ZEBRA, "127.0.0.1", password=WORD))
