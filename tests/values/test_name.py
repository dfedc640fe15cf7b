"""Domain names: text and wire."""

from __future__ import annotations

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import InputError
from sparrow.values.name import (
    ROOT,
    Name,
    decode_name,
    encode_name,
    is_below,
    parse_name,
    render_name,
    wire_length,
)

LABELS = st.binary(min_size=1, max_size=63).map(bytes.lower)
NAMES = st.lists(LABELS, max_size=3).map(tuple)

EXAMPLE: Name = (b"example", b"org")


@given(NAMES)
def test_any_octets_survive_text_and_wire(name: Name) -> None:
    assert name == parse_name(render_name(name))
    wire = encode_name(name)
    assert (name, len(wire)) == decode_name(wire)
    assert wire_length(name) == len(wire)
    assert wire == dns.name.from_text(render_name(name)).to_wire()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www", (b"www", *EXAMPLE)),
        ("WWW.Example.ORG.", (b"www", *EXAMPLE)),
        ("@", EXAMPLE),
        (".", ROOT),
        (r"a\.b", (b"a.b", *EXAMPLE)),
        (r"a\046b.", (b"a.b",)),
        (r"\065.", (b"a",)),
        (r"\@", (b"@", *EXAMPLE)),
        (r"a\\.", (b"a\\",)),
        ("*.a.", (b"*", b"a")),
        (r"a\.", (b"a.", *EXAMPLE)),
    ],
)
def test_text_is_completed_with_the_origin_and_lowered(text: str, expected: Name) -> None:
    assert expected == parse_name(text, EXAMPLE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty label"),
        ("a..b", "empty label"),
        (".a", "empty label"),
        ("a" * 64, "over 63"),
        (".".join(["a" * 63] * 4), "over 255"),
        ("a\\", "backslash"),
        (r"\1", "three digits"),
        (r"\256", "three digits"),
        (r"\12x", "three digits"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse_name(text)


def test_a_name_of_255_octets_is_the_longest() -> None:
    text = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert 255 == wire_length(parse_name(text))
    with pytest.raises(InputError, match="over 255"):
        parse_name(text + "a")


@pytest.mark.parametrize("wire", [b"", b"\1", b"\1a", b"\2a\0", b"\xc0\0", b"\x40a\0"])
def test_a_cut_or_compressed_name_is_none(wire: bytes) -> None:
    with pytest.raises(ValueError, match="no uncompressed domain name"):
        decode_name(wire)


@pytest.mark.parametrize(
    ("name", "ancestor", "expected"),
    [
        (EXAMPLE, EXAMPLE, True),
        ((b"www", *EXAMPLE), EXAMPLE, True),
        (EXAMPLE, ROOT, True),
        (ROOT, ROOT, True),
        (EXAMPLE, (b"www", *EXAMPLE), False),
        ((b"xexample", b"org"), EXAMPLE, False),
        ((b"www.example", b"org"), EXAMPLE, False),
    ],
)
def test_below_counts_whole_labels(name: Name, ancestor: Name, *, expected: bool) -> None:
    assert expected == is_below(name, ancestor)
