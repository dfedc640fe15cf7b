"""Sessions under noise: whatever comes, cut wherever, the dialogue goes on the same way."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_routes import ListedRoutes, drain

from sparrow.ssrs.session import PIECE, Session

CHUNKS = 100_000
SEEDS = 10

# A word of 256 characters deleted from the middle of a full line: each shows the rest again.
LARGEST_EFFECT = 256 * (2 * 256 + 3)

PHRASES = [
    b"show ip bgp\n",
    b"show ip bgp 10.1.2.3\r\n",
    b"sh bgp ipv6 2001:db8::1\r\0",
    b"show ip bgp 10.1.2.0/24\n",
    b"explain www.example 10.1.2.3\n",
    b"explain \\",
    b"terminal length 4\n",
    b"terminal no length\n",
    b"show ?",
    b"sh\t",
    b"10.1.2.3\n",
    b"secret\n",
    b"\xff\xfa\x1f\x00\x50\x00\x06\xff\xf0",
    b"\xff\xfa\x1f\x00\x01\x00\x01\xff\xf0",
    b"\xff\xfd\x01\xff\xfb\x03",
    b"\xff\xfa",
    b"\xff" * 50,
    b"\x1b[A\x1b[B\x1b[C\x1b[D",
    b"\x1b[",
    b"x" * 600,
    b"\x03\x04\x15\x17",
    b"\r\n\r\n",
]


def make_noise(choice: Random) -> bytes:
    """Give a phrase that means something, changed, or octets that mean nothing."""
    if choice.random() < 0.3:
        return choice.randbytes(choice.randrange(40))
    phrase = bytearray(choice.choice(PHRASES))
    for _ in range(choice.choice((0, 0, 1, 2))):
        phrase[choice.randrange(len(phrase))] = choice.randrange(256)
    start = choice.choice((0, 0, choice.randrange(len(phrase))))
    return bytes(phrase[start:])


def new_session() -> Session:
    return Session(ListedRoutes(), "sparrow", None)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_noise_breaks_a_session_or_makes_it_grow(seed: int) -> None:
    choice = Random(seed)
    session = new_session()
    sessions = 1
    for _ in range(CHUNKS // SEEDS):
        session.receive(make_noise(choice))
        for piece in iter(session.send, b""):
            assert len(piece) < PIECE + LARGEST_EFFECT
        if session.is_closed:
            session = new_session()
            sessions += 1
    assert sessions > 10


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(PHRASES) | st.binary()))
def test_the_output_does_not_depend_on_how_the_input_is_cut(
    choice: Random, parts: list[bytes]
) -> None:
    text = b"".join(parts)
    whole = new_session()
    whole.receive(text)
    expected = drain(whole)
    session = new_session()
    output = drain(session)
    while text:
        count = choice.randint(1, len(text))
        session.receive(text[:count])
        text = text[count:]
        output += drain(session)
    assert (expected, whole.is_closed) == (output, session.is_closed)
