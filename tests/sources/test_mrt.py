from __future__ import annotations

import bz2
import gzip

import pytest
from entrylist import counts, read_all
from mrtmaking import (
    PEERS,
    attribute,
    generic,
    nlri,
    peer_table,
    record,
    rib,
    rib_entry,
    segment,
    sequence,
    table_dump,
)

from sparrow.errors import InputError
from sparrow.sources.dumps import DumpFormat

FIRST = "from 192.0.2.1 AS64600"
SECOND = "from 192.0.2.2 AS64601"
THIRD = "from 2001:db8::3 AS4200000000"
PATH = sequence(64600, 7, 8)


def in_table(*records: bytes) -> bytes:
    return b"".join((peer_table(), *records))


@pytest.mark.parametrize(
    ("subtype", "prefix"),
    [(2, "1.2.0.0/15"), (3, "1.0.0.0/8"), (4, "2a00::/12"), (5, "2a00:1::/32")],
)
def test_a_rib_of_each_family_is_read_with_its_neighbours(subtype: int, prefix: str) -> None:
    octets = in_table(
        rib(subtype, prefix, rib_entry(0, PATH), rib_entry(2, sequence(4200000000, 9)))
    )
    lines, skipped = read_all(octets)
    assert [f"{prefix} 64600 7 8 {FIRST}", f"{prefix} 4200000000 9 {THIRD}"] == lines
    assert {} == skipped.counts


@pytest.mark.parametrize(
    ("subtype", "prefix"),
    [(8, "1.0.0.0/8"), (9, "1.0.0.0/8"), (10, "2a00::/12"), (11, "2a00::/12")],
)
def test_paths_with_identifiers_are_all_of_their_neighbour(subtype: int, prefix: str) -> None:
    octets = in_table(
        rib(subtype, prefix, rib_entry(1, PATH, 1), rib_entry(1, sequence(64601, 9), 2))
    )
    assert [f"{prefix} 64600 7 8 {SECOND}", f"{prefix} 64601 9 {SECOND}"] == read_all(octets)[0]


@pytest.mark.parametrize(
    ("subtype", "families", "prefix", "path_id"),
    [
        (6, (1, 1), "1.0.0.0/8", None),
        (6, (2, 2), "2a00::/12", None),
        (12, (1, 1), "1.0.0.0/8", 5),
    ],
)
def test_a_generic_rib_is_read_where_its_family_is_ours(
    subtype: int, families: tuple[int, int], prefix: str, path_id: int | None
) -> None:
    octets = in_table(generic(subtype, families, prefix, rib_entry(0, PATH, path_id)))
    assert [f"{prefix} 64600 7 8 {FIRST}"] == read_all(octets)[0]


def test_a_default_route_and_a_host_route_have_prefixes_of_their_own_lengths() -> None:
    octets = in_table(
        rib(2, "0.0.0.0/0", rib_entry(0, PATH)), rib(2, "1.2.3.4/32", rib_entry(0, PATH))
    )
    assert [f"0.0.0.0/0 64600 7 8 {FIRST}", f"1.2.3.4/32 64600 7 8 {FIRST}"] == read_all(octets)[0]


def test_bits_behind_the_length_of_a_prefix_are_cleared() -> None:
    good = rib(2, "1.2.3.0/24", rib_entry(0, PATH))
    octets = in_table(good.replace(b"\x18\x01\x02\x03", b"\x12\x01\x02\x73"))
    assert [f"1.2.64.0/18 64600 7 8 {FIRST}"] == read_all(octets)[0]


def reach(prefix: str) -> bytes:
    """Give a whole MP_REACH_NLRI, where RFC 6396 section 4.3.4 asks for the next hop alone."""
    hop = bytes(15) + b"\1"
    return attribute(14, b"\0\2\1" + bytes([len(hop)]) + hop + b"\0" + nlri(prefix), 0x80)


def test_attributes_that_repeat_the_prefix_are_read_for_each_prefix() -> None:
    blocks = ("2a00::/12", "2a10::/12", "2a20::/13", "::/0")
    octets = in_table(
        *(
            rib(4, block, rib_entry(0, PATH + reach(block)), rib_entry(1, PATH + reach("::/0")))
            for block in blocks
        )
    )
    lines, skipped = read_all(octets)
    assert [f"{b} 64600 7 8 {who}" for b in blocks for who in (FIRST, SECOND)] == lines
    assert {} == skipped.counts


@pytest.mark.parametrize(
    ("blocks", "origins"),
    [(("2000::/8", "2100::/8"), (0x0820, 0x0821)), (("::/0", "::/0"), (256, 512))],
)
def test_a_path_that_ends_with_the_octets_of_the_prefix_is_taken_for_no_other(
    blocks: tuple[str, str], origins: tuple[int, int]
) -> None:
    octets = in_table(
        *(
            rib(4, block, rib_entry(0, sequence(64600, origin)))
            for block, origin in zip(blocks, origins, strict=True)
        )
    )
    expected = [f"{b} 64600 {o} {FIRST}" for b, o in zip(blocks, origins, strict=True)]
    assert expected == read_all(octets)[0]


def test_local_preference_is_told_where_it_is_there_and_attributes_may_stand_in_any_order() -> None:
    attributes = attribute(5, bytes([0, 0, 0, 120])) + attribute(8, bytes(300), 0xD0) + PATH
    octets = in_table(rib(2, "1.0.0.0/8", rib_entry(0, attributes)))
    assert [f"1.0.0.0/8 64600 7 8 {FIRST} lp=120"] == read_all(octets)[0]


@pytest.mark.parametrize(
    ("segments", "path"),
    [
        (segment(2, 64600) + segment(1, 7, 8), "64600 7,8"),
        (segment(1, 7), "7"),
        (segment(3, 65001, 65002) + segment(2, 64600, 7), "64600 7"),
        (segment(4, 65001) + segment(2, 64600, 64600, 7), "64600 64600 7"),
        (segment(2, 1, 2) + segment(2, 3), "1 2 3"),
        (segment(2, *range(1, 256)), " ".join(map(str, range(1, 256)))),
    ],
)
def test_segments_become_hops_and_those_of_confederations_are_left_out(
    segments: bytes, path: str
) -> None:
    attributes = attribute(2, segments, 0x50)
    octets = in_table(rib(2, "1.0.0.0/8", rib_entry(0, attributes)))
    assert [f"1.0.0.0/8 {path} {FIRST}"] == read_all(octets)[0]


AS4 = attribute(17, segment(2, 4200000001, 8))
AS4_ONE = attribute(17, segment(2, 4200000001))
AS4_SET = attribute(17, segment(2, 4200000001) + segment(1, 8, 9))
SHORT = sequence(7, 23456, 8, size=2)
SHORT_SET = attribute(2, segment(2, 7, 23456, size=2) + segment(1, 8, 9, size=2))
SHORT_CONFED = attribute(2, segment(3, 65001, size=2) + segment(2, 7, 23456, size=2))
BY_OLD = attribute(7, bytes([0, 9, 1, 1, 1, 1])) + attribute(18, bytes(8))
BY_NEW = attribute(7, b"\x5b\xa0" + bytes(4)) + attribute(18, bytes(8))


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        (SHORT, "7 23456 8"),
        (SHORT + AS4, "7 4200000001 8"),
        # Longer than AS_PATH: it is ignored.
        (sequence(8, size=2) + AS4, "8"),
        # Somebody aggregated who knew nothing of it; and somebody who did.
        (SHORT + BY_OLD + AS4, "7 23456 8"),
        (SHORT + BY_NEW + AS4, "7 4200000001 8"),
        # A set is one hop of both; a segment of a confederation is none.
        (SHORT_SET + AS4_SET, "7 4200000001 8,9"),
        (SHORT_CONFED + AS4_ONE, "7 4200000001"),
    ],
)
def test_a_table_dump_has_two_octets_an_as_number_and_the_long_ones_beside(
    attributes: bytes, path: str
) -> None:
    octets = table_dump("1.2.3.0/24", ("192.0.2.1", 64600), attributes)
    assert [f"1.2.3.0/24 {path} {FIRST}"] == read_all(octets)[0]


def test_a_table_dump_of_ipv6_is_read() -> None:
    octets = table_dump("2a00::/12", ("2001:db8::3", 7), sequence(7, 8, size=2))
    assert ["2a00::/12 7 8 from 2001:db8::3 AS7"] == read_all(octets)[0]


def test_records_in_pieces_of_any_size_are_read_alike() -> None:
    octets = in_table(*(rib(2, f"{n}.0.0.0/8", rib_entry(0, PATH)) for n in range(1, 20)))
    whole = read_all(octets)
    assert 19 == len(whole[0])
    for size in (1, 5, 13, 100):
        pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
        assert whole == read_all(pieces, DumpFormat.MRT)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_is_unpacked_and_a_cut_one_as_far_as_it_goes(pack: object) -> None:
    assert callable(pack)
    first, second = (
        in_table(rib(2, "1.0.0.0/8", rib_entry(0, PATH))),
        rib(2, "2.0.0.0/8", rib_entry(0, PATH)),
    )
    packed = pack(first) + pack(second)
    lines, skipped = read_all(packed)
    assert (2, None) == (len(lines), skipped.cut_at)
    lines, skipped = read_all(packed[:-7])
    assert 1 <= len(lines) <= 2
    assert skipped.cut_at is not None


# --- what is passed over ---

GOOD = rib(2, "1.0.0.0/8", rib_entry(0, PATH))
GOOD_LINE = f"1.0.0.0/8 64600 7 8 {FIRST}"
TABLE_SIZE = len(peer_table())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(16, 4, bytes(20)), "UPDATE"),
        (record(17, 4, bytes(20)), "UPDATE"),
        (record(11, 0, bytes(20)), "UNKNOWN_RECORD"),
        (record(13, 7, bytes(20)), "UNKNOWN_RECORD"),
        (generic(6, (1, 128), "1.0.0.0/8", rib_entry(0, PATH)), "OTHER_FAMILY"),
        (rib(2, "2.0.0.0/8", rib_entry(3, PATH)), "BAD_PEER"),
        (rib(2, "2.0.0.0/8", rib_entry(0, PATH))[:-1], "BAD_RECORD"),
        (record(13, 2, b""), "BAD_RECORD"),
        (record(13, 2, bytes(4) + b"\x21" + bytes(20)), "BAD_RECORD"),
        (record(13, 2, bytes(4) + b"\x08\x01\xff\xff"), "BAD_RECORD"),
        (record(13, 2, GOOD[12:] + b"\0"), "BAD_RECORD"),
        (rib(2, "2.0.0.0/8", rib_entry(0, PATH[:-1])), "BAD_ATTRIBUTES"),
        (rib(2, "2.0.0.0/8", rib_entry(0, b"\x40")), "BAD_ATTRIBUTES"),
        (rib(2, "2.0.0.0/8", rib_entry(0, attribute(2, b"\x02"))), "BAD_ATTRIBUTES"),
        (rib(2, "2.0.0.0/8", rib_entry(0, attribute(2, segment(5, 7)))), "BAD_ATTRIBUTES"),
        (rib(2, "2.0.0.0/8", rib_entry(0, attribute(2, b"\x01\0"))), "BAD_ATTRIBUTES"),
        (rib(2, "2.0.0.0/8", rib_entry(0, PATH + attribute(5, b"\0"))), "BAD_ATTRIBUTES"),
        (rib(2, "2.0.0.0/8", rib_entry(0, attribute(2, b""))), "NO_PATH"),
        (rib(2, "2.0.0.0/8", rib_entry(0, attribute(2, segment(3, 65001)))), "NO_PATH"),
        (table_dump("2.0.0.0/8", ("192.0.2.1", 7), PATH)[:-1], "BAD_RECORD"),
    ],
)  # fmt: skip
def test_a_bad_record_is_counted_with_its_offset_and_the_next_one_is_read(
    bad: bytes, reason: str
) -> None:
    # Cut records keep their length, so that only their content is wrong.
    bad = bad[:8] + (len(bad) - 12).to_bytes(4, "big") + bad[12:]
    lines, skipped = read_all(in_table(bad, GOOD))
    assert [GOOD_LINE] == lines
    assert {reason: (1, [TABLE_SIZE])} == counts(skipped)
    assert skipped.cut_at is None


def test_a_bad_path_takes_no_other_path_of_its_prefix_with_it() -> None:
    octets = in_table(
        rib(2, "1.0.0.0/8", rib_entry(9, PATH), rib_entry(1, PATH[:-1]), rib_entry(0, PATH))
    )
    lines, skipped = read_all(octets)
    assert [GOOD_LINE] == lines
    assert {"BAD_PEER", "BAD_ATTRIBUTES"} == set(counts(skipped))


def test_routes_before_any_table_of_neighbours_are_nobodys() -> None:
    lines, skipped = read_all(GOOD + peer_table() + GOOD)
    assert ([GOOD_LINE], {"NO_PEERS": (1, [0])}) == (lines, counts(skipped))


def test_a_second_table_of_neighbours_takes_the_place_of_the_first() -> None:
    octets = peer_table() + GOOD + peer_table(PEERS[1:]) + GOOD
    assert [GOOD_LINE, f"1.0.0.0/8 64600 7 8 {SECOND}"] == read_all(octets)[0]


def test_behind_a_damaged_table_of_neighbours_routes_are_nobodys() -> None:
    damaged = record(13, 1, peer_table()[12:-1])
    lines, skipped = read_all(peer_table() + damaged + GOOD)
    assert ([], {"BAD_RECORD", "NO_PEERS"}) == (lines, set(counts(skipped)))


def test_only_the_first_places_of_a_reason_are_kept() -> None:
    update = record(16, 4, b"")
    _, skipped = read_all(in_table(*[update] * 5, GOOD))
    places = [TABLE_SIZE + 12 * number for number in range(3)]
    assert {"UPDATE": (5, places)} == counts(skipped)
    (line,) = skipped.lines()
    assert line.endswith(f"(octet {places[0]}, {places[1]}, {places[2]}, ...)")


def test_a_cut_tail_is_told_with_its_offset() -> None:
    octets = in_table(GOOD, GOOD)
    for missing in (1, 20, len(GOOD) - 1):
        lines, skipped = read_all(octets[:-missing])
        assert ([GOOD_LINE], TABLE_SIZE + len(GOOD)) == (lines, skipped.cut_at)


def test_a_length_that_no_record_has_ends_the_reading() -> None:
    octets = in_table(GOOD, b"\0\0\0\0\0\x0d\0\x02\xff\xff\xff\xff", GOOD)
    lines, skipped = read_all(octets)
    assert ([GOOD_LINE], TABLE_SIZE + len(GOOD)) == (lines, skipped.cut_at)


def test_octets_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="no dump that is known"):
        read_all(b"\x7fELF" + bytes(100))
