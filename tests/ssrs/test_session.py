from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes, converse, drain, read_routes

from sparrow.ssrs.session import PIECE, Login, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

GREETING = (
    b"\r\nHello, this is sparrow (version 1.2.3).\r\n\r\n"
    b"\r\nUser Access Verification\r\n\r\n"
    b"\xff\xfb\x01\xff\xfb\x03\xff\xfe\x22\xff\xfd\x1f"
    b"Password: "
)
MISS = b"% Network not in table\r\nsparrow> "
WINDOW_80_BY_6 = b"\xff\xfa\x1f\x00\x50\x00\x06\xff\xf0"
ERASED = b"\b" * 10 + b" " * 10 + b"\b" * 10


class Wide(ListedRoutes):
    """A table of 100,000 rows that exist only while they are printed."""

    def rows(self, family: int) -> Iterator[tuple[Prefix, Route]]:
        item = next(super().rows(family))
        return (item for _ in range(100_000))


def test_the_greeting_is_zebras_octet_by_octet(session: Session) -> None:
    assert GREETING == session.send()
    assert b"" == session.send()
    assert Login.PENDING is session.login


def test_the_right_password_leads_to_the_prompt_unseen(session: Session) -> None:
    assert b"\r\nsparrow> " == converse(session, b"secret\n")
    assert Login.CHECKED is session.login


@pytest.mark.parametrize("typed", [b"x", b"", b"anything at all ?", b"y" * 2000])
def test_any_password_will_do_while_none_is_set(typed: bytes) -> None:
    session = Session(ListedRoutes(), "sparrow", None)
    assert b"\r\nsparrow> " == converse(session, typed + b"\n")
    assert Login.UNCHECKED is session.login


def test_three_wrong_passwords_end_the_session(session: Session) -> None:
    assert b"\r\nPassword: " == converse(session, b"bad\n")
    assert b"\r\nPassword: " == converse(session, b"\n")
    assert b"\r\n% Bad passwords, too many failures!\r\n" == converse(session, b"secre\nsecret\n")
    assert (True, Login.REFUSED) == (session.is_closed, session.login)


def test_a_carriage_return_and_a_line_feed_are_two_tries(session: Session) -> None:
    assert b"\r\nPassword: \r\nPassword: " == converse(session, b"bad\r\n")
    assert b"\r\nsparrow> " == converse(session, b"secret\r\0")


@pytest.mark.parametrize(
    "typed", [b"secreX\x7ft\n", b"nosecret\x1b[H\x04\x04\n", b"no\x15secret\n", b"no\x03secret\n"]
)
def test_a_password_can_be_edited_unseen(session: Session, typed: bytes) -> None:
    assert converse(session, typed).endswith(b"\r\nsparrow> ")
    assert Login.CHECKED is session.login


@pytest.mark.parametrize("typed", [b"secret " + b" " * 600, b"SECRET", b"secret ", b"secre"])
def test_a_nearly_right_password_is_wrong(session: Session, typed: bytes) -> None:
    assert b"\r\nPassword: " == converse(session, typed + b"\n")


def test_a_password_beyond_a_lines_length_is_wrong_even_if_it_begins_right() -> None:
    session = Session(ListedRoutes(), "sparrow", "x" * 512)
    assert b"\r\nPassword: " == converse(session, b"x" * 513 + b"\n")
    assert b"\r\nsparrow> " == converse(session, b"x" * 512 + b"\n")


def test_every_character_of_a_line_is_echoed(at_prompt: Session) -> None:
    assert b"1.2" == converse(at_prompt, b"1.", b"2")
    assert (
        b"10.9.0.1\r\n10.0.0.0/8 64600\r\nsparrow> " == converse(at_prompt, b"\x1510.9.0.1\n")[9:]
    )


@pytest.mark.parametrize(
    ("ending", "prompts"), [(b"\n", 1), (b"\r", 1), (b"\r\0", 1), (b"\r\n", 2), (b"\n\n\n", 3)]
)
def test_line_feed_and_carriage_return_each_run_a_line(
    at_prompt: Session, ending: bytes, prompts: int
) -> None:
    expected = b"::1\r\n" + MISS + b"\r\nsparrow> " * (prompts - 1)
    assert expected == converse(at_prompt, b"::1" + ending)
    assert 1 == at_prompt.commands


def test_several_commands_in_one_packet_are_answered_in_order(at_prompt: Session) -> None:
    expected = b"::1\r\n" + MISS + b"10.9.0.1\r\n10.0.0.0/8 64600\r\nsparrow> exit\r\n"
    assert expected == converse(at_prompt, b"::1\n10.9.0.1\nexit\n::1\n")
    assert (True, 3) == (at_prompt.is_closed, at_prompt.commands)


def test_an_entry_ends_with_the_line_feed_of_ctime_and_a_line_end(at_prompt: Session) -> None:
    output = converse(at_prompt, b"sh ip bgp 10.9.0.1\n")
    assert output.endswith(b" 2000\n\r\nsparrow> ")


@pytest.mark.parametrize("line", [b"exit\n", b"quit\n", b"qu\r"])
def test_leaving_closes_without_another_prompt(at_prompt: Session, line: bytes) -> None:
    assert line[:-1] + b"\r\n" == converse(at_prompt, line)
    assert at_prompt.is_closed
    assert b"" == converse(at_prompt, b"::1\n")


def test_control_d_leaves_on_an_empty_line_only(at_prompt: Session) -> None:
    assert b"ab\b" + b" \b" == converse(at_prompt, b"ab\x02\x04")
    assert not at_prompt.is_closed
    assert b"\b \b" + b"\r\nsparrow> " == converse(at_prompt, b"\x7f\x04")
    assert at_prompt.is_closed


@pytest.mark.parametrize("key", [b"\x03", b"\x1a"])
def test_control_c_drops_the_line(at_prompt: Session, key: bytes) -> None:
    assert b"abc\r\nsparrow> " == converse(at_prompt, b"abc" + key)
    assert b"\r\nsparrow> " == converse(at_prompt, b"\n")


def test_arrow_keys_bring_lines_back(at_prompt: Session) -> None:
    converse(at_prompt, b"::1\n")
    assert b"::1\r\n" + MISS == converse(at_prompt, b"\x1b[A\r")
    assert b"::1" + b"\b\b\b   \b\b\b" == converse(at_prompt, b"\x1bOA\x1b[B")


def test_a_question_mark_describes_and_shows_the_line_again(at_prompt: Session) -> None:
    expected = b"sh\r\n  show  Show routes and sites\r\nsparrow> sh"
    assert expected == converse(at_prompt, b"sh?")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (b"sh\t", b"sh\r\nsparrow> sh\b\bshow "),
        (b"show i\t", b"show i\r\nsparrow> show i\bip"),
        (b"show ip\t", b"show ip\r\nip         ipv6       \r\nsparrow> show ip"),
        (b"zz\t", b"zz\r\nsparrow> zz"),
        (b"term \t", b"term \r\nlength     no         \r\nsparrow> term "),
        (b"show ip bgp \t", b"show ip bgp \r\nsparrow> show ip bgp ipv4 "),
        (b"show ip bgp 1\t", b"show ip bgp 1\r\nsparrow> show ip bgp 1"),
    ],
)
def test_tab_completes_as_far_as_it_is_clear(
    at_prompt: Session, typed: bytes, shown: bytes
) -> None:
    assert shown == converse(at_prompt, typed)


def test_tab_at_the_line_limit_changes_nothing(at_prompt: Session) -> None:
    line = b" " * 510 + b"sh"
    assert line + b"\r\nsparrow> " + line == converse(at_prompt, line + b"\t")


def test_a_line_too_long_is_answered_and_its_rest_dropped(at_prompt: Session) -> None:
    expected = b"x" * 512 + b"\r\n% Line too long: at most 512 characters.\r\nsparrow> "
    assert expected == converse(at_prompt, b"x" * 5000 + b"\n")
    assert b"::1\r\n" + MISS == converse(at_prompt, b"::1\n")


def test_control_octets_and_octets_beyond_ascii_are_dropped(at_prompt: Session) -> None:
    noise = bytes(range(128, 255)) + b"\xff\xff\x00\x07\x0c\x0f\x11\x12\x13\x16\x18\x1c\x1f"
    assert b"::1\r\n" + MISS == converse(at_prompt, noise + b":" + noise + b":1\n")


def test_a_subnegotiation_without_end_closes(at_prompt: Session) -> None:
    assert b"" == converse(at_prompt, b"\xff\xfa" + b"exit\n" * 1000)
    assert at_prompt.is_closed


def test_silence_for_too_long_ends_with_zebras_words(at_prompt: Session) -> None:
    at_prompt.time_out()
    assert b"\r\nVty connection is timed out.\r\n" == drain(at_prompt)
    assert at_prompt.is_closed


def pages(output: bytes) -> list[int]:
    """Count the lines of each page."""
    return [page.count(b"\n") for page in output.split(b" --More-- ")]


def test_output_is_not_paged_without_a_window(at_prompt: Session) -> None:
    output = converse(at_prompt, b"show ip bgp\n")
    assert [1 + 5 + 8 + 2] == pages(output)
    assert output.endswith(b"\r\nTotal number of prefixes 7\r\nsparrow> ")


@pytest.mark.parametrize("setting", [WINDOW_80_BY_6, b"terminal length 6\n", b"term len 6\n"])
def test_a_known_height_pages(at_prompt: Session, setting: bytes) -> None:
    converse(at_prompt, setting)
    output = converse(at_prompt, b"show ip bgp\n", b" ", b"\r", b"x")
    assert [1 + 5, 5, 5] == pages(output)
    assert 2 == output.count(ERASED)
    assert output.endswith(b"Total number of prefixes 7\r\nsparrow> x")


@pytest.mark.parametrize("key", [b"q", b"Q", b"\x03"])
def test_a_listing_can_be_ended_at_a_page(at_prompt: Session, key: bytes) -> None:
    converse(at_prompt, WINDOW_80_BY_6)
    assert converse(at_prompt, b"show ip bgp\n").endswith(b" --More-- ")
    assert ERASED + b"sparrow> " == converse(at_prompt, key)
    assert b"::1\r\n" + MISS == converse(at_prompt, b"::1\n")


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        (b"terminal length 0\n", [16]),
        (b"terminal length 3\nterminal no length\n", [6]),
        (b"terminal length 11\n", [11]),
        (b"terminal length 1\n", [2]),
    ],
)
def test_terminal_length_goes_before_the_window(
    at_prompt: Session, settings: bytes, lines: list[int]
) -> None:
    converse(at_prompt, WINDOW_80_BY_6, settings)
    assert lines == pages(converse(at_prompt, b"show ip bgp\n"))[:1]


def test_a_narrow_window_counts_the_rows_that_long_lines_take(at_prompt: Session) -> None:
    converse(at_prompt, b"\xff\xfa\x1f\x00\x28\x00\x06\xff\xf0")
    assert 1 + 2 == pages(converse(at_prompt, b"show ip bgp\n"))[0]


def test_output_that_ends_with_its_page_is_not_broken(at_prompt: Session) -> None:
    converse(at_prompt, b"terminal length 3\n")
    assert b" --More-- " not in converse(at_prompt, b"show sites\n")


def test_input_waits_until_output_is_taken() -> None:
    session = Session(Wide(), "sparrow", None)
    converse(session, b"\n")
    session.receive(b"show ip bgp\n::1\n")
    piece = session.send()
    assert PIECE <= len(piece) <= PIECE + 100
    assert b"sparrow> " not in piece
    assert drain(session).endswith(b"Total number of prefixes 100000\r\nsparrow> ::1\r\n" + MISS)


def test_a_whole_table_costs_the_memory_of_a_piece() -> None:
    session = Session(Wide(), "sparrow", None)
    converse(session, b"\n")
    session.receive(b"show ip bgp\n")
    tracemalloc.start()
    try:
        octets = sum(map(len, iter(session.send, b"")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert octets > 5_000_000
    assert peak < 10 * PIECE


def test_a_flood_of_commands_is_answered_piece_by_piece() -> None:
    session = Session(ListedRoutes(), "sparrow", None)
    converse(session, b"\n")
    session.receive(b"?" * 4096)
    sizes = [len(piece) for piece in iter(session.send, b"")]
    assert max(sizes) < PIECE + 2000
    assert len(sizes) > 50


def test_the_table_may_be_empty() -> None:
    session = Session(ListedRoutes(read_routes("")), "r1", None)
    converse(session, b"\n")
    assert b"sh ip bgp\r\nNo BGP network exists\r\nr1> " == converse(session, b"sh ip bgp\n")
    assert b"10.0.0.1\r\n% Network not in table\r\nr1> " == converse(session, b"10.0.0.1\n")
