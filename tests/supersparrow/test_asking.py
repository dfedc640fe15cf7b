"""From a text to an answer, through a route server that is written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sparrow.errors import InputError
from sparrow.rib.route import parse_route
from sparrow.routeserver.server import Kind, Learnt, RouteServer, RouteServerError
from sparrow.supersparrow.asking import Answer, Asking, Source, build_server
from sparrow.supersparrow.notes import MOST, Notes
from sparrow.supersparrow.settings import Settings, build_settings, read_values
from sparrow.supersparrow.words import read_words
from sparrow.values.address import parse_prefix, render_address

LINE = "--self www.self --peer 64600=www.a,64601=www.b,64601=www.c"

ROUTES = {
    "10.0.0.1": Learnt(parse_prefix("10.0.0.0/8"), parse_route("7 64601 64600")),
    "10.0.0.2": Learnt(parse_prefix("10.0.0.0/8"), parse_route("7 8")),
    "10.0.0.3": Learnt(parse_prefix("10.0.0.0/8"), None),
    "10.0.0.4": Learnt(None, None),
    "2001:db8::1": Learnt(parse_prefix("2001:db8::/32"), parse_route("64600")),
}


def settle(line: str) -> Settings:
    return build_settings(read_values(read_words(line.split()).given))


@dataclass
class Written:
    """A route server that knows `ROUTES`, and the time of a test."""

    now: float = 0.0
    failure: str = ""
    """What it fails with; empty while it does not."""
    asked: list[str] = field(default_factory=list)

    async def ask(self, address: bytes) -> Learnt:
        self.asked.append(render_address(address))
        if self.failure:
            raise RouteServerError(self.failure)
        return ROUTES[self.asked[-1]]

    def clock(self) -> float:
        return self.now


def ask(text: str, line: str = LINE) -> Answer:
    server = Written()
    return asyncio.run(Asking(settle(line), server, server.clock).answer(text))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("10.0.0.1", "www.b"),
        (" 10.0.0.1\r\n", "www.b"),
        ("::ffff:10.0.0.1", "www.b"),
        ("64:ff9b::a00:1", "www.b"),
        ("2002:a00:1::7", "www.b"),
        ("2001:db8::1", "www.a"),
        ("10.0.0.2", "www.self"),
        ("10.0.0.3", "www.self"),
        ("10.0.0.4", "www.self"),
    ],
)
def test_a_peer_in_the_path_answers_or_else_self(text: str, answer: str) -> None:
    found = ask(text)
    assert (answer, Source.RULE) == (str(found), found.source)


@pytest.mark.parametrize(
    "text", ["", "x", "10.0.0", "10.0.0.1/8", "www.example.org", "1.2.3.4 5", "1.2.3.4\0", "\ufffd"]
)
def test_what_is_no_address_gives_self_and_asks_nobody(text: str) -> None:
    server = Written()
    found = asyncio.run(Asking(settle(LINE), server, server.clock).answer(text))
    assert ("www.self", Source.NO_ADDRESS) == (str(found), found.source)
    assert [] == server.asked


def test_several_results_have_a_blank_between_them() -> None:
    assert "www.b www.c" == str(ask("10.0.0.1", f"{LINE} --result_count 2"))
    assert "www.b www.c www.a" == str(ask("10.0.0.1", f"{LINE} --result_count 9"))
    assert "www.self" == str(ask("10.0.0.2", f"{LINE} --result_count 9"))


def test_without_peers_nobody_is_asked() -> None:
    server = Written()
    found = asyncio.run(Asking(settle("--self a"), server, server.clock).answer("10.0.0.1"))
    assert ("a", Source.RULE, []) == (str(found), found.source, server.asked)


def test_an_answer_says_what_it_follows_from() -> None:
    texts = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "x")
    assert [
        "peer 64601: path 7 64601 64600 to 10.0.0.0/8",
        "no peer: path 7 8 to 10.0.0.0/8",
        "no peer: no path to 10.0.0.0/8",
        "no peer: no path to 10.0.0.4",
        "'x' is no address",
    ] == [ask(text).why for text in texts]


def test_an_address_is_asked_for_again_when_its_answer_is_too_old() -> None:
    server = Written()

    async def converse() -> list[tuple[str, Source]]:
        asking = Asking(settle(f"{LINE} --cache_timeout 10"), server, server.clock)
        found = []
        for server.now in (0.0, 9.9, 10.0, 11.0):
            answer = await asking.answer("10.0.0.1")
            found.append((str(answer), answer.source))
        return found

    assert [
        ("www.b", Source.RULE),
        ("www.b", Source.CACHE),
        ("www.b", Source.RULE),
        ("www.b", Source.CACHE),
    ] == asyncio.run(converse())
    assert ["10.0.0.1", "10.0.0.1"] == server.asked


def test_two_forms_of_an_address_are_one_in_the_cache() -> None:
    server = Written()

    async def converse() -> None:
        asking = Asking(settle(LINE), server, server.clock)
        for text in ("10.0.0.2", "::ffff:10.0.0.2", "10.0.0.2"):
            assert "www.self" == str(await asking.answer(text))

    asyncio.run(converse())
    assert ["10.0.0.2"] == server.asked


def test_a_route_server_that_fails_gives_self_until_it_answers_again() -> None:
    server = Written(failure="it is down")

    async def converse() -> list[tuple[str, Source]]:
        asking = Asking(settle(LINE), server, server.clock)
        found = []
        for server.failure in ("it is down", "it is down", ""):
            answer = await asking.answer("10.0.0.1")
            found.append((str(answer), answer.source))
        return found

    assert [
        ("www.self", Source.NO_ANSWER),
        ("www.self", Source.NO_ANSWER),
        ("www.b", Source.RULE),
    ] == asyncio.run(converse())


def test_the_route_server_is_the_one_of_the_options() -> None:
    line = "--self a --route_server gated --host h --port 617 --password p"
    assert RouteServer(Kind.GATED, "h", 617, "p") == build_server(settle(line))
    assert RouteServer(Kind.ZEBRA, "localhost", None, None) == build_server(settle("--self a"))


def test_the_port_of_a_service_is_looked_up() -> None:
    assert 23 == build_server(settle("--self a --port telnet")).port
    with pytest.raises(InputError, match="port: there is no service 'no-such-service' over TCP"):
        build_server(settle("--self a --port no-such-service"))


# --- notes ---

FOUND = Answer(("www.b",), Source.RULE, "peer 64601: path 64601 to 10.0.0.0/8")
HELD = Answer(("www.b",), Source.CACHE, FOUND.why)
GARBAGE = Answer(("s",), Source.NO_ADDRESS, "'x' is no address")


def failed(why: str) -> Answer:
    return Answer(("s",), Source.NO_ANSWER, why)


def note(line: str, *answers: Answer) -> list[str]:
    told: list[str] = []
    notes = Notes(settle(f"--self s {line}"), told.append, Written().clock)
    for answer in answers:
        notes.take("x", answer, 0.0123)
    return told


def test_what_went_well_is_told_only_where_it_was_asked_for() -> None:
    assert [] == note("", FOUND, HELD)
    assert ["'x': www.b: peer 64601: path 64601 to 10.0.0.0/8"] == note("--verbose", FOUND)
    assert [
        "'x': www.b: peer 64601: path 64601 to 10.0.0.0/8 (the cache, 12 ms)",
    ] == note("--debug", HELD)


def test_garbage_is_told_each_time() -> None:
    assert ["'x' is no address; the answer is s"] * 2 == note("", GARBAGE, GARBAGE)


def test_trouble_is_told_when_it_begins_changes_and_ends() -> None:
    assert [
        "it is down; until it answers, answers are s",
        "it says no; until it answers, answers are s",
        "the route server answers again",
        "it is down; until it answers, answers are s",
    ] == note(
        "",
        failed("it is down"),
        failed("it is down; it is tried again in 3 s"),
        HELD,
        failed("it is down; it is tried again in 2 s"),
        failed("it says no"),
        FOUND,
        FOUND,
        failed("it is down"),
    )


def test_a_server_that_knows_nothing_of_every_other_address_does_not_fill_the_log() -> None:
    server = Written()
    told: list[str] = []
    notes = Notes(settle("--self s"), told.append, server.clock)
    for number in range(100):
        notes.take("x", failed(f"it knows nothing of {number}"), 0.0)
        notes.take("x", FOUND, 0.0)
    assert MOST + 1 == len(told)
    assert "there is more of this, which is not told until a minute has passed" == told[-1]
    server.now = 60.0
    notes.take("x", failed("it is down"), 0.0)
    assert "it is down; until it answers, answers are s" == told[-1]
