"""Stretches into blocks: the fewest, disjoint, and all of it."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from sparrow.exports.blocks import count_blocks, cover, render_block


@st.composite
def stretches(draw: st.DrawFn) -> tuple[int, int, int]:
    bits = draw(st.sampled_from([4, 32, 128]))
    start = draw(st.integers(0, (1 << bits) - 1))
    return start, draw(st.integers(start + 1, 1 << bits)), bits


@given(stretches())
def test_the_blocks_of_a_stretch_are_those_of_the_standard_library(
    stretch: tuple[int, int, int],
) -> None:
    start, end, bits = stretch
    kind = ipaddress.IPv6Address if bits == 128 else ipaddress.IPv4Address
    nets = ipaddress.summarize_address_range(kind(start), kind(end - 1))
    width = 128 if bits == 128 else 32
    expected = [(int(net.network_address), net.prefixlen - (width - bits)) for net in nets]
    assert expected == list(cover(start, end, bits))


@given(stretches())
def test_blocks_are_counted_without_being_made(stretch: tuple[int, int, int]) -> None:
    start, end, bits = stretch
    assert len(list(cover(start, end, bits))) == count_blocks(start, end)


def test_a_whole_family_is_one_block() -> None:
    assert [(0, 0)] == list(cover(0, 1 << 32, 32))
    assert 1 == count_blocks(0, 1 << 128)
    assert "0.0.0.0/0" == render_block(0, 0, 4)
    assert "2001:db8::/32" == render_block(0x20010DB8 << 96, 32, 6)
