"""Whether a server still answers, with time and answers as a test has them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sparrow.feeds.gobgppaths import Row
from sparrow.feeds.pulse import Pulse
from sparrow.rib.route import parse_route

GONE = Row(4, b"\x14\0\0\0", 8, None)
THERE = GONE._replace(route=parse_route("7"))


@dataclass
class Answering:
    """A question; it is open until a test says how it ends."""

    is_over: bool = False
    error: BaseException | None = None

    def done(self) -> bool:
        return self.is_over

    def exception(self) -> BaseException | None:
        return self.error

    def end(self, error: BaseException | None = None) -> None:
        self.is_over, self.error = True, error


@dataclass
class Server:
    """Keeps what it was asked."""

    asked: list[Answering] = field(default_factory=list)

    def ask(self) -> Answering:
        self.asked.append(Answering())
        return self.asked[-1]


@pytest.fixture
def server() -> Server:
    """A server that answers nothing by itself."""
    return Server()


@pytest.fixture
def pulse(server: Server) -> Pulse:
    """A pulse from second 0 on."""
    return Pulse(server.ask, 0.0)


def test_a_server_that_answers_is_asked_every_few_seconds(server: Server, pulse: Pulse) -> None:
    counts = []
    for second in range(1, 17):
        assert not pulse.look(second)
        for question in server.asked:
            question.end()
        counts.append(len(server.asked))
    assert [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2] == counts


def test_a_server_that_does_not_answer_is_silent_in_the_end(server: Server, pulse: Pulse) -> None:
    pulse.look(5)
    assert [(14, False), (15, True), (16, False)] == [(t, pulse.look(t)) for t in (14, 15, 16)]
    assert (True, 1) == (pulse.is_silent, len(server.asked))


def test_withdrawals_alone_make_a_doubt_that_an_answer_ends(server: Server, pulse: Pulse) -> None:
    pulse.listen([GONE] * 999, 1.0)
    pulse.listen([THERE], 1.0)
    pulse.listen([GONE] * 999, 1.0)
    assert not pulse.is_doubted
    pulse.listen([GONE], 1.1)
    assert pulse.is_doubted
    pulse.look(1.2)
    server.asked[0].end()
    pulse.look(1.5)
    assert (False, False) == (pulse.is_doubted, pulse.is_silent)


def test_with_a_doubt_a_second_without_an_answer_is_enough(pulse: Pulse) -> None:
    pulse.listen([GONE] * 1000, 2.0)
    assert [False, False, True] == [pulse.look(time_s) for time_s in (2.25, 3.0, 3.25)]
    assert pulse.is_silent


def test_an_answer_from_before_the_doubt_does_not_end_it(server: Server, pulse: Pulse) -> None:
    pulse.look(5.0)
    pulse.listen([GONE] * 1000, 5.1)
    server.asked[0].end()
    pulse.look(5.2)
    assert (True, 2) == (pulse.is_doubted, len(server.asked))
    assert [False, True] == [pulse.look(time_s) for time_s in (6.0, 6.2)]


def test_who_answers_again_is_there_when_the_news_have_come(server: Server, pulse: Pulse) -> None:
    pulse.listen([GONE] * 1000, 2.0)
    pulse.look(2.0)
    assert pulse.look(3.0)
    server.asked[0].end()
    assert [False, False, True] == [pulse.look(time_s) for time_s in (60.0, 61.9, 62.0)]
    assert (False, False) == (pulse.is_silent, pulse.is_doubted)


def test_a_question_that_fails_is_asked_anew(server: Server, pulse: Pulse) -> None:
    pulse.look(5.0)
    server.asked[0].end(TimeoutError())
    assert (True, 2) == (pulse.look(65.0), len(server.asked))
    server.asked[1].end()
    assert [False, True] == [pulse.look(time_s) for time_s in (66.0, 68.0)]
