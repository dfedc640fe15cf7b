"""Dialogues with servers that say anything: an answer is right, or it is none."""

from __future__ import annotations

import random
import tracemalloc

import pytest
import transcripts
from transcripts import WORD, cut

from sparrow.rib.route import Route
from sparrow.routeserver.cisco import CISCO
from sparrow.routeserver.dialogue import MAX_ANSWER, Dialogue, Ending
from sparrow.routeserver.gated import GATED
from sparrow.routeserver.server import Learnt
from sparrow.routeserver.ssrs import SSRS
from sparrow.routeserver.zebra import ZEBRA
from sparrow.values.address import Prefix, parse_address

KINDS = {
    "zebra": (ZEBRA, transcripts.ZEBRA),
    "gated": (GATED, transcripts.GATED),
    "cisco": (CISCO, transcripts.CISCO),
    "ssrs": (SSRS, transcripts.SSRS),
}
ADDRESS = parse_address("192.168.193.15")
ROUNDS = 150


def mutate(octets: bytes, choice: random.Random) -> bytes:
    """Change, take out, double or insert something, several times."""
    found = bytearray(octets)
    for _ in range(choice.randint(1, 6)):
        start = choice.randrange(len(found) + 1)
        end = min(len(found), start + choice.choice((1, 2, 8, 40)))
        part = bytes(found[start:end])
        what = choice.randrange(5)
        if what == 0:
            found[start:end] = choice.randbytes(len(part))
        elif what == 1:
            del found[start:end]
        elif what == 2:
            found[start:start] = part * choice.randint(1, 3)
        elif what == 3:
            found[start:start] = choice.choice(
                (b"\xff", b"\r\n", b" --More-- ", b"\b\b", b"{", b"  64600\r\n", b"\0", b"\xff\xfa")
            )
        else:
            part = octets[choice.randrange(len(octets)) :][: choice.choice((5, 50))]
            found[start:start] = part
    return bytes(found)


def check(event: object) -> None:
    """Check that what is learnt can be true."""
    if isinstance(event, Learnt):
        assert event.prefix is None or isinstance(event.prefix, Prefix)
        assert event.prefix is None or event.prefix.contains(ADDRESS)
        assert event.path is None or isinstance(event.path, Route)
        assert event.path is None or event.prefix is not None
        assert event.path is None or all(0 <= asn < 2**32 for asn in event.path.path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_dialogue_gives_nothing_that_cannot_be(kind: str, seed: int) -> None:
    choice = random.Random(f"{kind} {seed}")
    dialect, turns = KINDS[kind]
    ends = 0
    for _ in range(ROUNDS):
        dialogue = Dialogue(dialect, password=WORD)
        damaged = choice.randrange(len(turns))
        for at, turn in enumerate(turns):
            if at == len(turns) - 1 and dialogue.is_ready:
                dialogue.ask(ADDRESS)
            said = mutate(turn, choice) if at == damaged else turn
            for piece in cut(said, choice):
                check(dialogue.receive(piece))
                dialogue.send()
        ends += isinstance(dialogue.end(), Ending)
    assert 0 < ends


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "alphabet", [bytes(range(256)), b" \r\n\b-#>:%{}(),0123456789.", b"\xff\xfa\0"]
)
def test_garbage_ends_a_dialogue_and_costs_no_memory(kind: str, alphabet: bytes) -> None:
    choice = random.Random(kind)
    dialect, turns = KINDS[kind]
    dialogue = Dialogue(dialect, password=WORD)
    for turn in turns[:-1]:
        dialogue.receive(turn)
        dialogue.send()
    dialogue.ask(ADDRESS)
    dialogue.send()
    piece = bytes(choice.choices(alphabet, k=16384))
    tracemalloc.start()
    try:
        taken = 0
        while not isinstance(event := dialogue.receive(piece), Ending):
            assert not isinstance(event, Learnt)
            assert len(dialogue.send()) <= len(piece)
            taken += len(piece)
            assert taken <= MAX_ANSWER
            if not dialogue.is_ready:
                continue
            dialogue.ask(ADDRESS)
        assert 500_000 > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "line",
    [
        "  " + "{" + "," * 60_000,
        "  " + "1 " * 30_000,
        "  Advertised to " + ":" * 60_000 + " x",
        "    " + " from " * 10_000,
        "      Origin" + ", best-" * 8_000,
        "Paths: (" + "best #" * 10_000,
        "  " + "(" * 60_000,
        "  " + "(1)" * 20_000,
        "BGP routing table entry for " + "1." * 30_000,
        "100 BGP 10.0.0.0/8 " + "(Id " * 15_000,
        "100 " + " " * 60_000,
        "\b" * 60_000,
        " " * 65_000,
    ],
)
def test_a_long_line_takes_time_in_proportion(line: str) -> None:
    """Regular expressions that try all ways would not come to an end within the test's limit."""
    head = "BGP routing table entry for 192.168.193.0/24\r\nPaths: (1 available, best #1)\r\n"
    for dialect, turns in KINDS.values():
        for before in ("", head):
            dialogue = Dialogue(dialect, password=WORD)
            for turn in turns[:-1]:
                dialogue.receive(turn)
                dialogue.send()
            dialogue.ask(ADDRESS)
            text = before + f"{line}\r\n" * 3 + "    1 from 1\r\n"
            check(dialogue.receive(text.encode()))
            check(dialogue.receive(turns[-1].splitlines()[-1]))
