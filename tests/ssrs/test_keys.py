import pytest

from sparrow.ssrs.keys import META, KeyDecoder, control


@pytest.mark.parametrize(
    ("octets", "keys"),
    [
        (b"ab", [ord("a"), ord("b")]),
        (b"\x1b[A", [control("P")]),
        (b"\x1b[B", [control("N")]),
        (b"\x1bOC", [control("F")]),
        (b"\x1bOD", [control("B")]),
        (b"\x1b[Hx\x1b[F", [control("A"), ord("x"), control("E")]),
        (b"\x1bb", [META + ord("b")]),
        (b"\x1b[3~x", [ord("x")]),
        (b"\x1b[1;5Cx", [ord("x")]),
        (b"\x1b[Zx", [ord("x")]),
        (b"\x1b\x1b[A", [control("P")]),
        (b"\x1b\r", [control("M")]),
        (b"\x1b[1\r", [control("M")]),
        (b"\x1b[" + b"1" * 10_000 + b"Ax", [ord("x")]),
    ],
)
def test_escape_sequences_become_one_key_or_none(octets: bytes, keys: list[int]) -> None:
    decoder = KeyDecoder()
    assert keys == [key for octet in octets if (key := decoder.decode(octet)) is not None]
