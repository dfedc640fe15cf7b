"""Text forms of AS numbers (RFC 6793, RFC 5396)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import InputError
from sparrow.values.asn import MAX_ASN, AsnRange, parse_asn, parse_asn_range


@given(st.integers(0, MAX_ASN))
def test_every_number_is_read_in_every_form(asn: int) -> None:
    dotted = f"{asn >> 16}.{asn & 0xFFFF}"
    for text in (str(asn), f"AS{asn}", f"as{asn}", dotted, f"AS{dotted}"):
        assert asn == parse_asn(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "AS", "-1", "+1", "4294967296", "99999999999999999999", "1.65536", "65536.0"),
        *("1.", ".1", "1.2.3", "1 2", "\u0661", "0x10", "1_2", "ASAS1"),
    ],
)
def test_what_is_no_number_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(InputError, match=r"write 64600, 1\.10 or AS64600"):
        parse_asn(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("64600", AsnRange(64600, 64600)),
        ("64600-64700", AsnRange(64600, 64700)),
        ("AS1 - AS2", AsnRange(1, 2)),
        ("1.0-1.65535", AsnRange(65536, 131071)),
        ("7-7", AsnRange(7, 7)),
    ],
)
def test_a_range_is_read(text: str, expected: AsnRange) -> None:
    assert expected == parse_asn_range(text)


@pytest.mark.parametrize("text", ["", "-", "1-", "-1", "1-2-3", "a-b"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not an AS number"):
        parse_asn_range(text)


def test_a_range_that_runs_backwards_is_refused_with_the_right_one() -> None:
    with pytest.raises(InputError, match="write 1-2"):
        parse_asn_range("2-1")


def test_a_range_holds_both_ends() -> None:
    asns = AsnRange(10, 12)
    assert [False, True, True, True, False] == [asn in asns for asn in range(9, 14)]
    assert ("10-12", "7") == (str(asns), str(AsnRange(7, 7)))
