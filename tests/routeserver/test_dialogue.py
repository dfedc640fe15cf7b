"""Dialogues with route servers, from what they were seen to say."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import transcripts
from transcripts import WORD, ask, log_in, replay

from sparrow.rib.route import parse_route
from sparrow.routeserver.cisco import CISCO
from sparrow.routeserver.dialogue import MAX_ANSWER, Dialogue, Ending, Ready
from sparrow.routeserver.gated import GATED
from sparrow.routeserver.lines import MAX_LINE
from sparrow.routeserver.reading import Refusal
from sparrow.routeserver.server import Learnt
from sparrow.routeserver.ssrs import SSRS
from sparrow.routeserver.zebra import ZEBRA
from sparrow.values.address import parse_address, parse_prefix

if TYPE_CHECKING:
    from sparrow.routeserver.dialect import Dialect

KINDS = {
    "zebra": (ZEBRA, transcripts.ZEBRA),
    "gated": (GATED, transcripts.GATED),
    "cisco": (CISCO, transcripts.CISCO),
    "ssrs": (SSRS, transcripts.SSRS),
}
PATHS = {"zebra": "64702", "gated": "64602", "cisco": "64702", "ssrs": "64702"}
"""What they answer: the prefix is the same."""

PREFIX = parse_prefix("192.168.193.0/24")


def learnt(path: str) -> Learnt:
    return Learnt(PREFIX, parse_route(path))


def zebra() -> Dialogue:
    """Give a dialogue with Zebra that waits for a question."""
    dialogue = Dialogue(ZEBRA, password=WORD)
    log_in(dialogue, transcripts.ZEBRA[:-1])
    return dialogue


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_answer_is_learnt(kind: str) -> None:
    assert learnt(PATHS[kind]) == replay(*KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(25))
def test_it_does_not_matter_how_the_stream_is_cut(kind: str, seed: int) -> None:
    assert learnt(PATHS[kind]) == replay(*KINDS[kind], random.Random(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_it_does_not_matter_that_octets_come_one_by_one(kind: str) -> None:
    dialect, turns = KINDS[kind]
    dialogue = Dialogue(dialect, password=WORD)
    for turn in turns[:-1]:
        for octet in turn:
            dialogue.receive(bytes((octet,)))
            dialogue.send()
    assert dialogue.is_ready
    answer = [bytes((octet,)) for octet in turns[-1]]
    assert learnt(PATHS[kind]) == ask(dialogue, "192.168.193.15", *answer)


@pytest.mark.parametrize(
    ("dialect", "turns", "expected"),
    [
        (ZEBRA, transcripts.ZEBRA, [b"secret\n", b"terminal length 0\n", b""]),
        (GATED, transcripts.GATED, [b"secret\n", b""]),
        (
            CISCO,
            transcripts.CISCO,
            [b"secret\n", b"terminal length 0\n", b"terminal width 0\n", b""],
        ),
        (SSRS, transcripts.SSRS, [b"secret\n", b""]),
    ],
)
def test_nothing_is_said_before_it_is_waited_for(
    dialect: Dialect, turns: tuple[bytes, ...], expected: list[bytes]
) -> None:
    assert expected == log_in(Dialogue(dialect, password=WORD), turns[:-1])


@pytest.mark.parametrize(
    ("dialect", "turns", "address", "expected"),
    [
        (ZEBRA, transcripts.ZEBRA, "10.0.0.1", b"show ip bgp 10.0.0.1\n"),
        (ZEBRA, transcripts.ZEBRA, "2001:DB8::1", b"show bgp ipv6 2001:db8::1\n"),
        (GATED, transcripts.GATED, "10.0.0.1", b"show ip walkup 10.0.0.1/32\n"),
        (CISCO, transcripts.CISCO, "10.0.0.1", b"show ip bgp 10.0.0.1\n"),
        (CISCO, transcripts.CISCO, "2001:db8::1", b"show bgp ipv6 unicast 2001:db8::1\n"),
        (SSRS, transcripts.SSRS, "2001:db8::1", b"2001:db8::1\n"),
    ],
)
def test_a_question_is_a_line_that_ends_with_a_bare_line_feed(
    dialect: Dialect, turns: tuple[bytes, ...], address: str, expected: bytes
) -> None:
    dialogue = Dialogue(dialect, password=WORD)
    log_in(dialogue, turns[:-1])
    dialogue.ask(parse_address(address))
    assert expected == dialogue.send()


def test_gated_is_not_asked_for_ipv6() -> None:
    dialogue = Dialogue(GATED, password=WORD)
    log_in(dialogue, transcripts.GATED[:-1])
    with pytest.raises(ValueError, match="no such addresses"):
        dialogue.ask(parse_address("2001:db8::1"))
    assert dialogue.is_ready


def test_one_question_follows_another() -> None:
    dialogue = zebra()
    missing = b"show ip bgp 203.0.113.1\r\n% Network not in table\r\njasmine> "
    assert learnt("64702") == ask(dialogue, "192.168.193.15", transcripts.ZEBRA_ANSWER)
    assert Learnt(None, None) == ask(dialogue, "203.0.113.1", missing)
    assert learnt("64702") == ask(dialogue, "192.168.193.15", transcripts.ZEBRA_ANSWER)


def test_a_second_question_waits_for_the_first_answer() -> None:
    dialogue = zebra()
    dialogue.ask(parse_address("192.168.193.15"))
    with pytest.raises(ValueError, match="waited for"):
        dialogue.ask(parse_address("192.168.193.16"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [b"\r\nPassword: ", b"\r\n\xff\xfb\x01Password? "])
def test_a_password_is_said_once_and_not_tried_again(kind: str, again: bytes) -> None:
    dialect, turns = KINDS[kind]
    dialogue = Dialogue(dialect, password=WORD)
    assert dialogue.receive(turns[0]) is None
    assert b"secret\n" == dialogue.send()
    assert Ending("refuses the password") == dialogue.receive(again)
    assert b"" == dialogue.send()


@pytest.mark.parametrize("kind", ["zebra", "gated", "cisco"])
def test_a_password_that_is_asked_for_and_not_known_ends_it(kind: str) -> None:
    dialect, turns = KINDS[kind]
    dialogue = Dialogue(dialect, password=None)
    expected = Ending("asks for a password, and none is configured")
    assert expected == dialogue.receive(turns[0])
    assert b"" == dialogue.send()


def test_a_static_route_server_takes_any_password() -> None:
    dialogue = Dialogue(SSRS, password=None)
    assert [b"\n", b""] == log_in(dialogue, transcripts.SSRS[:-1])


def test_a_server_without_a_password_asks_for_none() -> None:
    dialogue = Dialogue(ZEBRA, password=None)
    assert dialogue.receive(b"\r\nHello, this is FRRouting.\r\n\r\njasmine# ") is None
    assert b"terminal length 0\n" == dialogue.send()
    assert Ready() == dialogue.receive(b"terminal length 0\r\njasmine# ")
    answer = transcripts.ZEBRA_ANSWER.replace(b"jasmine>", b"jasmine#")
    assert learnt("64702") == ask(dialogue, "192.168.193.15", answer)


def test_ios_with_accounts_is_told_the_user_first() -> None:
    dialogue = Dialogue(CISCO, password=WORD, user="reader")
    assert dialogue.receive(b"\r\nUser Access Verification\r\n\r\nUsername: ") is None
    assert b"reader\n" == dialogue.send()
    assert dialogue.receive(b"reader\r\nPassword: ") is None
    assert b"secret\n" == dialogue.send()
    assert dialogue.receive(transcripts.CISCO[1]) is None
    assert b"terminal length 0\n" == dialogue.send()


def test_a_user_that_is_asked_for_and_not_known_ends_it() -> None:
    dialogue = Dialogue(CISCO, password=WORD)
    expected = Ending("asks for a user, and none is configured")
    assert expected == dialogue.receive(b"\r\nUsername: ")


def test_an_account_that_is_refused_ends_it() -> None:
    dialogue = Dialogue(CISCO, password=WORD, user="reader")
    dialogue.receive(b"\r\nUsername: ")
    dialogue.receive(b"reader\r\nPassword: ")
    expected = Ending("refuses the user")
    assert expected == dialogue.receive(b"\r\n% Authentication failed\r\n\r\nUsername: ")


def test_a_banner_that_looks_like_a_prompt_where_it_is_cut_does_no_harm() -> None:
    dialogue = Dialogue(CISCO, password=WORD)
    assert dialogue.receive(b"\r\n<noc@example.net>") is None
    assert b"" == dialogue.send()
    assert dialogue.receive(b"\r\nexample>") is None  # "example>net" to be
    assert b"terminal length 0\n" == dialogue.send()
    assert dialogue.receive(b"net\r\nPassword: ") is None
    assert b"secret\n" == dialogue.send()
    assert dialogue.receive(b"\r\nrtr>") is None
    assert b"terminal width 0\n" == dialogue.send()
    assert Ready() == dialogue.receive(b"terminal width 0\r\nrtr>")
    assert learnt("64702") == ask(dialogue, "192.168.193.15", transcripts.CISCO[-1])


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((b"Vty password is not set.\r\n",), "'Vty password is not set.'"),
        (
            (b"\r\n% Too many connections: 64 are open. Try later.\r\n",),
            "'% Too many connections: 64 are open. Try later.'",
        ),
        (
            (*transcripts.ZEBRA[:-1], b"\r\nVty connection is timed out.\r\n"),
            "'Vty connection is timed out.'",
        ),
    ],
)
def test_what_a_server_said_last_is_told_when_it_closes(
    turns: tuple[bytes, ...], expected: str
) -> None:
    dialogue = Dialogue(ZEBRA, password=WORD)
    for turn in turns:
        dialogue.receive(turn)
    assert Ending(f"closed the connection, its last words being {expected}") == dialogue.end()
    assert dialogue.end() is None


def test_a_server_that_closes_without_a_word_has_no_last_words() -> None:
    assert Ending("closed the connection") == Dialogue(ZEBRA, password=None).end()


@pytest.mark.parametrize("at", range(0, len(transcripts.ZEBRA_ANSWER) - 1, 7))
def test_an_answer_that_is_cut_off_is_none(at: int) -> None:
    dialogue = zebra()
    assert ask(dialogue, "192.168.193.15", transcripts.ZEBRA_ANSWER[:at]) is None
    assert isinstance(dialogue.end(), Ending)


MARKS = {
    "zebra": (b" --More-- ", b"\r           \r"),
    "frr": (b" --More-- \0", b"\r" + b" " * 11 + b"\r"),
    "ios": (b" --More-- ", b"\b" * 9 + b" " * 8 + b"\b" * 9),
    "bare": (b"--More--", b"\r\n"),
}


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_pages_are_turned(kind: str, rows: int) -> None:
    mark, wiped = MARKS[kind]
    *lines, prompt = transcripts.ZEBRA_ANSWER.split(b"\r\n")
    dialogue = zebra()
    dialogue.ask(parse_address("192.168.193.15"))
    dialogue.send()
    for at in range(0, len(lines), rows):
        page = b"\r\n".join((*lines[at : at + rows], b""))
        assert dialogue.receive((wiped if at else b"") + page + mark) is None
        assert b" " == dialogue.send()
    assert learnt("64702") == dialogue.receive(wiped + prompt)


def test_a_login_may_be_paged() -> None:
    dialogue = Dialogue(CISCO, password=WORD)
    assert dialogue.receive(b"\r\na long banner\r\n --More-- ") is None
    assert b" " == dialogue.send()
    assert dialogue.receive(b"\b\b\b\r\nPassword: ") is None
    assert b"secret\n" == dialogue.send()


def test_what_is_said_while_nobody_asks_is_no_part_of_an_answer() -> None:
    dialogue = zebra()
    assert dialogue.receive(b"\r\n%BGP-5-ADJCHANGE: neighbor 10.0.0.1 Up\r\njasmine> ") is None
    assert learnt("64702") == ask(dialogue, "192.168.193.15", transcripts.ZEBRA_ANSWER)


def test_an_answer_ends_with_its_prompt_whatever_comes_with_it() -> None:
    more = transcripts.ZEBRA_ANSWER + b"\r\nVty connection is timed out.\r\n"
    dialogue = zebra()
    assert learnt("64702") == ask(dialogue, "192.168.193.15", more)
    assert dialogue.is_ready
    assert isinstance(dialogue.end(), Ending)


def test_what_is_said_while_nobody_asks_is_not_counted() -> None:
    dialogue = zebra()
    for _ in range(3 * MAX_ANSWER // MAX_LINE):
        assert dialogue.receive(b"x" * (MAX_LINE - 1) + b"\n") is None
    assert learnt("64702") == ask(dialogue, "192.168.193.15", transcripts.ZEBRA_ANSWER)


@pytest.mark.parametrize(
    "words",
    [
        b"% Unknown command.",
        b"% Ambiguous command.",
        b"% Command incomplete.",
        b"No BGP process is configured",
        b"address is malformed",
        b"% BGP instance not found",
        b"% Invalid input detected at '^' marker.",
    ],
)
def test_a_question_that_is_refused_leaves_the_dialogue_in_step(words: bytes) -> None:
    dialogue = zebra()
    answer = b"show ip bgp 192.168.193.15\r\n" + words + b"\r\njasmine> "
    expected = Refusal(f"it answers {words.decode()!a}")
    assert expected == ask(dialogue, "192.168.193.15", answer)
    assert learnt("64702") == ask(dialogue, "192.168.193.15", transcripts.ZEBRA_ANSWER)


def test_the_answer_to_another_question_ends_the_dialogue() -> None:
    event = ask(zebra(), "10.0.0.1", transcripts.ZEBRA_ANSWER)
    assert Ending("it was asked for 10.0.0.1 and answers for 192.168.193.0/24") == event


def test_a_miss_counts_for_the_address_that_it_is_about() -> None:
    answer = b"show ip bgp 10.0.0.2\r\n% Network not in table\r\njasmine> "
    expected = Ending("what it answers is not about the address that was asked for")
    assert expected == ask(zebra(), "192.0.2.77", answer)


def test_a_stale_prompt_is_no_answer() -> None:
    event = ask(zebra(), "10.0.0.1", b"\r\njasmine> ")
    assert Ending("what it answers is not about the address that was asked for") == event


def test_a_line_without_an_end_ends_the_dialogue() -> None:
    dialogue = zebra()
    dialogue.ask(parse_address("192.168.193.15"))
    event = None
    for _ in range(MAX_LINE // 1024 + 1):
        event = event or dialogue.receive(b"x" * 1024)
    assert Ending("sends a line without an end") == event


@pytest.mark.parametrize("filler", [b"x" * 78 + b"\r\n", b"\r\n", b"  1\r\n    1 from 1\r\n"])
def test_an_answer_without_an_end_ends_the_dialogue(filler: bytes) -> None:
    dialogue = zebra()
    dialogue.ask(parse_address("192.168.193.15"))
    piece = filler * (16384 // len(filler))
    events = [dialogue.receive(piece) for _ in range(MAX_ANSWER // len(piece) + 2)]
    assert Ending(f"sends more than {MAX_ANSWER} octets at once") in events


def test_a_telnet_command_without_an_end_ends_the_dialogue() -> None:
    dialogue = zebra()
    assert Ending("sends a line without an end") == dialogue.receive(b"\xff\xfa" + b"x" * 600)


def test_octets_of_telnet_within_an_answer_are_no_part_of_it() -> None:
    lines = transcripts.ZEBRA_ANSWER.split(b"  ")
    answer = b"\xff\xf1 \xff\xfd\x1f\0 ".join(lines).replace(b"\xff\xf1 ", b"\xff\xf1")
    answer = answer.replace(b"\x1f\0 ", b"\x1f\0  ")
    assert learnt("64702") == ask(zebra(), "192.168.193.15", answer)


def test_a_dialect_without_preparation_is_ready_at_the_first_prompt() -> None:
    dialogue = Dialogue(replace(ZEBRA, preparation=()), password=WORD)
    dialogue.receive(transcripts.ZEBRA[0])
    assert Ready() == dialogue.receive(transcripts.ZEBRA[1])
