from __future__ import annotations

import pytest

from sparrow.errors import InputError
from sparrow.policy.sanity import (
    Limits,
    Reason,
    Sieve,
    count_hops,
    describe_refused,
    judge_prefix,
    judge_route,
    parse_limits,
    render_limits,
)
from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS
from sparrow.rib.route import parse_route
from sparrow.values.address import Prefix, parse_prefix
from sparrow.values.asn import AsnRange

PLAIN = Limits()
BLOCKS = [block for family in (4, 6) for block in SPECIAL_BLOCKS[family]]
ORDINARY = [block for family in (4, 6) for block in ORDINARY_BLOCKS[family]]
WIDE = Limits(max_length_v4=32, max_length_v6=128)


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("1.0.0.0/24", None),
        ("1.0.0.0/25", Reason.TOO_LONG),
        ("2001:db9::/48", None),
        ("2001:db9::/49", Reason.TOO_LONG),
        ("0.0.0.0/0", Reason.DEFAULT_ROUTE),
        ("::/0", Reason.DEFAULT_ROUTE),
        ("10.0.0.0/8", Reason.MARTIAN),
        ("10.1.2.0/24", Reason.MARTIAN),
        ("10.1.2.3/32", Reason.MARTIAN),
        ("8.0.0.0/6", None),
        ("192.0.2.0/24", Reason.MARTIAN),
        ("192.0.3.0/24", None),
        ("192.0.0.9/32", Reason.TOO_LONG),
        ("192.88.99.0/24", None),
        ("239.1.0.0/16", Reason.MARTIAN),
        ("255.0.0.0/8", Reason.MARTIAN),
        ("2001:db8::/32", Reason.MARTIAN),
        ("2001:db8:1::/48", Reason.MARTIAN),
        ("2001:4:112::/48", None),
        ("2001:20::/28", None),
        ("2002::/16", None),
        ("fc00::/7", Reason.MARTIAN),
        ("fd12::/16", Reason.MARTIAN),
        ("fe80::/10", Reason.MARTIAN),
        ("ff0e::/16", Reason.MARTIAN),
    ],
)
def test_a_prefix_is_judged_by_its_block_and_its_length(prefix: str, reason: Reason | None) -> None:
    assert reason is judge_prefix(parse_prefix(prefix), PLAIN)


def covers(block: Prefix, prefix: Prefix) -> bool:
    return block.length <= prefix.length and block.contains(prefix.network)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_special_block_and_both_its_halves_are_martians(block: Prefix) -> None:
    bits = len(block.network) * 8
    halves = [block]
    if block.length < bits:
        upper = int.from_bytes(block.network, "big") | 1 << (bits - block.length - 1)
        halves.append(Prefix(block.network, block.length + 1))
        halves.append(Prefix(upper.to_bytes(bits // 8, "big"), block.length + 1))
    for prefix in halves:
        expected = None if any(covers(each, prefix) for each in ORDINARY) else Reason.MARTIAN
        assert expected is judge_prefix(prefix, WIDE)


def test_default_routes_pass_where_they_are_wanted() -> None:
    assert judge_prefix(parse_prefix("0.0.0.0/0"), Limits(takes_default=True)) is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("7 8 9", None),
        ("64512 65534 4200000000", None),
        ("7 0 9", Reason.ZERO_ASN),
        ("7 8,0", Reason.ZERO_ASN),
        ("7 23456", Reason.RESERVED_ASN),
        ("64496", Reason.RESERVED_ASN),
        ("65535 7", Reason.RESERVED_ASN),
        ("65536 7", Reason.RESERVED_ASN),
        ("131071 7", Reason.RESERVED_ASN),
        ("131072 7", None),
        ("4294967295", Reason.RESERVED_ASN),
        ("7 64600 8", Reason.OWN_ASN),
        (" ".join(map(str, range(1, 65))), None),
        (" ".join(map(str, range(1, 66))), Reason.LONG_PATH),
        ("7 " * 300, None),
        ("7 " * 301, Reason.LONG_PATH),
    ],
)
def test_a_path_is_judged_by_its_as_numbers_and_its_length(
    path: str, reason: Reason | None
) -> None:
    limits = Limits(own_asns=(AsnRange(64600, 64601),))
    assert reason is judge_route(parse_route(path), limits)


@pytest.mark.parametrize(
    ("path", "hops"), [("7", 1), ("7 7 7", 1), ("7 7 8 8 7", 3), ("7 8,9 8,9 9,8", 3)]
)
def test_prepended_hops_count_once(path: str, hops: int) -> None:
    assert hops == count_hops(parse_route(path))


def test_a_sieve_counts_what_it_refuses_by_reason() -> None:
    sieve = Sieve(Limits(max_prefixes=2))
    for reason, count in ((Reason.MARTIAN, 1), (Reason.ZERO_ASN, 1), (Reason.MARTIAN, 3)):
        sieve.refuse(reason, count)
    assert [True, False] == [sieve.has_room(1), sieve.has_room(2)]
    expected = {Reason.MARTIAN: 4, Reason.ZERO_ASN: 1, Reason.MAX_PREFIXES: 1}
    assert expected == sieve.refused
    assert {"martian": 4, "zero_asn": 1, "max_prefixes": 1} == describe_refused(sieve.refused)


def test_what_is_asked_to_be_kept_passes() -> None:
    limits = Limits(takes_default=True, takes_martians=True, takes_reserved=True)
    assert judge_prefix(parse_prefix("10.0.0.0/8"), limits) is None
    assert Reason.TOO_LONG is judge_prefix(parse_prefix("10.0.0.0/25"), limits)
    assert judge_route(parse_route("7 23456 64500 8"), limits) is None
    assert Reason.ZERO_ASN is judge_route(parse_route("7 0 8"), limits)


@pytest.mark.parametrize(
    "limits",
    [
        PLAIN,
        WIDE,
        Limits(max_hops=7, max_asns=9, max_prefixes=2_000_000),
        Limits(takes_default=True),
        Limits(takes_martians=True, takes_reserved=True),
        Limits(own_asns=(AsnRange(64600, 64600), AsnRange(65536, 70000))),
    ],
)
def test_limits_are_one_word_and_are_read_back(limits: Limits) -> None:
    word = render_limits(limits)
    assert [word] == word.split()
    assert limits == parse_limits(word)


@pytest.mark.parametrize(
    "text", ["", "24", "24,48,x,300,-,-,-", "24,48,64,300,-,-,x", "1,2,3,4,5,-,-,-"]
)
def test_what_is_no_word_for_limits_is_refused(text: str) -> None:
    with pytest.raises((ValueError, InputError)):
        parse_limits(text)
