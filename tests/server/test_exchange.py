"""The answer to a packet that the answer code failed at."""

from __future__ import annotations

import pytest

from sparrow.server.exchange import encode_failure


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        ("1234 0100 0001 0000 0000 0001 00", "1234 8102 0000 0000 0000 0000"),
        ("1234 2aff 0001 0000 0000 0000", "1234 a802 0000 0000 0000 0000"),
        ("1234 8100 0001 0000 0000 0000", None),
        ("1234 0100 0001 0000 0000 00", None),
        ("", None),
    ],
    ids=["query", "opcode 5 without RD", "response", "cut header", "empty"],
)
def test_servfail_repeats_id_opcode_and_rd(packet: str, expected: str | None) -> None:
    wanted = None if expected is None else bytes.fromhex(expected)
    assert wanted == encode_failure(bytes.fromhex(packet))
