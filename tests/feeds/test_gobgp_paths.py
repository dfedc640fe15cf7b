"""Octets of GoBGP's messages, written by hand, and what they mean."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from speakers import pack, pack_any, pack_path
from standin import pack_path_4

from sparrow.feeds.gobgppaths import PathDecoder, Row, Session
from sparrow.feeds.gobgpwire import GENERATIONS, encode_list, encode_watch
from sparrow.feeds.listing import Listing
from sparrow.rib.route import parse_route
from sparrow.rib.valued import ValuedRoutes
from sparrow.values.address import Prefix, parse_address, parse_prefix

if TYPE_CHECKING:
    from sparrow.feeds.gobgpwire import Generation
    from sparrow.rib.snapshot import Snapshot

RELEASE_3, RELEASE_4 = GENERATIONS
ORIGIN = bytes.fromhex("40010100")
PATH = bytes.fromhex("4002 0a 02 02 0000fc58 00000007")
PATH_OF_SET = bytes.fromhex("5002 0014 02 01 00000001 01 02 00000002 00000003")[:4] + bytes.fromhex(
    "02 01 00000001 01 02 00000002 00000003"
)
CONFEDERATION = bytes.fromhex("4002 0c 03 01 0000fde9 02 01 00000005")


def row(prefix: str, route: str | None) -> Row:
    parsed = parse_prefix(prefix)
    return Row(
        parsed.family,
        parsed.network,
        parsed.length,
        None if route is None else parse_route(route),
    )


def listed(nlri: str, *attributes: bytes, best: int = 1) -> bytes:
    path = pack(4, best) + pack(20, bytes.fromhex(nlri))
    path += b"".join(pack(21, each) for each in attributes)
    return pack(1, pack(1, "ignored") + pack(2, path))


def read_listed(octets: bytes, family: int, *, is_pure: bool, is_any: bool = False) -> Snapshot:
    """Give the table of one listed row, or the empty one where the row is of no use."""
    neighbor = parse_address("192.0.2.1") if is_any else None
    decoder = PathDecoder(RELEASE_3, neighbor, is_pure=is_pure)
    listing, refused = Listing(), 0
    found = decoder.decode_listed(octets, family)
    if found is not None:
        try:
            listing.add_listed(family, found)
        except ValueError:
            refused = 1
    table = listing.build()
    assert 1 == len(table) + decoder.skipped + refused
    return table


BOTH_WAYS = pytest.mark.parametrize("is_pure", [True, False], ids=["pure", "native"])


@BOTH_WAYS
@pytest.mark.parametrize(
    ("octets", "family", "expected"),
    [
        (listed("18 140001", ORIGIN, PATH), 4, "20.0.1.0/24 64600 7"),
        (listed("00", PATH), 4, "0.0.0.0/0 64600 7"),
        (listed("0a c0ff", PATH), 4, "192.192.0.0/10 64600 7"),
        (listed("20 20010db8", PATH), 6, "2001:db8::/32 64600 7"),
        (listed("80 20010db8 00000000 00000000 00000001", PATH), 6, "2001:db8::1/128 64600 7"),
        (listed("18 140001", PATH_OF_SET[:2] + b"\0\x10" + PATH_OF_SET[4:]), 4,
         "20.0.1.0/24 1 2,3"),
        (listed("18 140001", CONFEDERATION), 4, "20.0.1.0/24 5"),
        (listed("18 140001", PATH, ORIGIN, CONFEDERATION), 4, "20.0.1.0/24 64600 7"),
        (listed("18 140001", ORIGIN), 4, None),
        (listed("18 140001", PATH, best=0), 4, None),
        (listed("18 1400", PATH), 4, None),
        (listed("21 1400010000", PATH), 4, None),
        (listed("", PATH), 4, None),
        (listed("18 140001", PATH[:-1]), 4, None),
        (listed("18 140001", PATH[:3]), 4, None),
        (listed("18 140001", b"\x40"), 4, None),
        (listed("18 140001", PATH)[:-1], 4, None),
        (listed("18 140001", PATH) + b"\0", 4, None),
        (b"\xff", 4, None),
        (b"", 4, None),
    ],
)  # fmt: skip
def test_a_row_of_a_list_is_its_best_path(
    octets: bytes, family: int, expected: str | None, *, is_pure: bool
) -> None:
    found = read_listed(octets, family, is_pure=is_pure)
    assert ([expected] if expected else []) == [f"{p} {route}" for p, route in found.entries()]


@BOTH_WAYS
def test_of_several_paths_the_best_counts_or_the_first_of_a_neighbour(*, is_pure: bool) -> None:
    def write(best: int, as_path: bytes) -> bytes:
        return pack(2, pack(4, best) + pack(20, b"\x08\x14") + pack(21, as_path))

    octets = pack(1, pack(1, "20.0.0.0/8") + write(0, CONFEDERATION) + write(1, PATH))
    for is_any, expected in ((False, "64600 7"), (True, "5")):
        found = read_listed(octets, 4, is_pure=is_pure, is_any=is_any)
        assert [expected] == [str(route) for _, route in found.entries()]


def test_both_decoders_give_the_same_for_mutated_rows() -> None:
    seed = random.Random(11)
    two = listed("18 140001", PATH)[2:] + listed("18 140001", CONFEDERATION)[2:]
    good = [
        (listed("18 140001", ORIGIN, PATH), 4),
        (listed("0a c0ff", PATH_OF_SET), 4),
        (listed("20 20010db8", CONFEDERATION), 6),
        (pack(1, two + pack(9, pack(1, 1))), 4),
    ]
    agreed = 0
    for _ in range(100_000):
        octets, family = seed.choice(good)
        changed = bytearray(octets)
        for _ in range(seed.randrange(1, 4)):
            place = seed.randrange(len(changed))
            if seed.random() < 0.2:
                changed[place:place] = bytes((seed.choice((0, 1, 10, 18, 128, 255)),))
            else:
                changed[place] = seed.randrange(256)
        for neighbor in (None, b"\xc0\0\2\1"):
            pure, native = (
                PathDecoder(RELEASE_3, neighbor, is_pure=is_pure) for is_pure in (True, False)
            )
            expected = pure.decode_listed(bytes(changed), family)
            assert expected == native.decode_listed(bytes(changed), family), changed.hex()
            assert pure.skipped == native.skipped
            agreed += expected is not None
    assert agreed > 1000, "hardly a row was good, so hardly anything was compared"


def event(*paths: bytes) -> bytes:
    return pack(3, b"".join(pack(2, path) for path in paths))


@pytest.mark.parametrize("release", GENERATIONS, ids=lambda each: each.name)
def test_events_of_both_releases_say_the_same(release: Generation) -> None:
    write = pack_path if release is RELEASE_3 else pack_path_4
    octets = event(
        write("20.0.1.0/24", (64600, 7)), write("20.0.2.0/24", None), write("20.0.3.0/24", (5,))
    )
    expected = [
        row("20.0.1.0/24", "64600 7"),
        row("20.0.2.0/24", None),
        row("20.0.3.0/24", "5"),
    ]
    assert (expected, None) == PathDecoder(release).decode_event(octets)


LOCAL_PREF = bytes.fromhex("40050400000190")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ((ORIGIN, PATH, LOCAL_PREF), 400),
        ((LOCAL_PREF, PATH), 400),
        ((b"\x50\x05\0\4\0\0\0\1", PATH), 1),
        ((PATH,), None),
    ],
)
def test_a_listed_row_has_its_local_preference_where_that_counts(
    attributes: tuple[bytes, ...], expected: int | None
) -> None:
    decoder = PathDecoder(RELEASE_3, None, ValuedRoutes())
    found = decoder.decode_valued(listed("18 140001", *attributes), 4)
    assert row("20.0.1.0/24", "64600 7")[:3] == found[:3]
    assert ("64600 7", expected) == (str(found.route), found.route.local_pref)


@pytest.mark.parametrize(
    "octets",
    [
        listed("18 140001", PATH, LOCAL_PREF[:-1]),
        listed("18 140001", LOCAL_PREF),
        listed("18 140001", PATH, best=0),
        listed("18 1400", PATH),
        b"\xff",
    ],
)
def test_a_row_without_a_sound_path_or_preference_is_skipped(octets: bytes) -> None:
    decoder = PathDecoder(RELEASE_3, None, ValuedRoutes())
    assert (None, 1) == (decoder.decode_valued(octets, 4), decoder.skipped)


def test_events_of_both_releases_have_local_preferences_where_they_count() -> None:
    attribute_3 = pack(2, pack_any("LocalPrefAttribute", pack(1, 400)))
    attribute_4 = pack(2, pack(6, pack(1, 400)))
    for release, octets in (
        (RELEASE_3, event(pack_path("20.0.1.0/24", (64600, 7)) + attribute_3)),
        (RELEASE_4, event(pack_path_4("20.0.1.0/24", (64600, 7)) + attribute_4)),
    ):
        ((*_, plain),), _ = PathDecoder(release).decode_event(octets)
        ((*_, valued),), _ = PathDecoder(release, None, ValuedRoutes()).decode_event(octets)
        assert (None, 400) == (plain.local_pref, valued.local_pref)
        assert plain != valued
        assert plain.hops == valued.hops


def test_ipv6_paths_are_read_from_events() -> None:
    octets = event(pack_path("2001:db8::/32", (1, 2)))
    assert ([row("2001:db8::/32", "1 2")], None) == PathDecoder(RELEASE_3).decode_event(octets)


def test_another_family_and_another_neighbour_are_passed_over() -> None:
    vpn = pack_path("20.0.1.0/24", (1,)) + pack(9, pack(1, 1) + pack(2, 128))
    assert ([], None) == PathDecoder(RELEASE_3).decode_event(event(vpn))
    decoder = PathDecoder(RELEASE_3, parse_address("192.0.2.7"))
    path = pack_path("20.0.1.0/24", (1,))
    paths = path + pack(15, "192.0.2.1"), path + pack(15, "192.0.2.7")
    assert [row("20.0.1.0/24", "1")] == decoder.decode_event(event(*paths))[0]
    assert 1 == len(decoder.decode_event(event(*paths))[0])


def test_a_damaged_path_leaves_the_others_of_its_event() -> None:
    broken = pack(1, pack_any("IPAddressPrefix", pack(1, 40) + pack(2, "20.0.0.0")))
    broken += pack(9, pack(1, 1) + pack(2, 1))
    decoder = PathDecoder(RELEASE_3)
    rows, _ = decoder.decode_event(event(broken, pack_path("20.0.1.0/24", (1,))))
    assert [row("20.0.1.0/24", "1")] == rows
    assert 1 == decoder.skipped


def test_events_of_sessions_name_the_neighbour() -> None:
    def say(address: str, state: int) -> bytes:
        return pack(2, pack(1, 3) + pack(2, pack(5, pack(5, address) + pack(13, state))))

    decoder = PathDecoder(RELEASE_3)
    neighbor = parse_address("192.0.2.7")
    assert ([], Session(neighbor, True)) == decoder.decode_event(say("192.0.2.7", 6))
    assert ([], Session(neighbor, False)) == decoder.decode_event(say("192.0.2.7", 4))
    assert ([], Session(None, False)) == decoder.decode_event(say("<nil>", 0))


def test_noise_is_never_more_than_skipped() -> None:
    seed = random.Random(5)
    good = [
        event(pack_path("20.0.1.0/24", (64600, 7)), pack_path("2001:db8::/32", (1,))),
        event(pack_path_4("20.0.1.0/24", (64600, 7))),
    ]
    decoders = [PathDecoder(each) for each in GENERATIONS]
    for _ in range(20_000):
        octets = bytearray(seed.choice(good))
        for _ in range(seed.randrange(1, 4)):
            octets[seed.randrange(len(octets))] = seed.randrange(256)
        for decoder in decoders:
            for found in decoder.decode_event(bytes(octets))[0]:
                prefix = Prefix(found.network, found.length)
                assert prefix == parse_prefix(str(prefix))


def test_requests_have_the_numbers_of_their_release() -> None:
    family = bytes.fromhex("1a04 0801 1001")
    assert family + bytes.fromhex("4801") == encode_list(RELEASE_3, 4, None)
    assert bytes.fromhex("0801") + family + bytes.fromhex("4801") == encode_list(RELEASE_4, 4, None)
    watch = encode_watch(RELEASE_3, is_of_neighbor=True)
    assert bytes.fromhex("0a00 1204 0a02 0801") == watch
    watch = encode_watch(RELEASE_4, is_of_neighbor=False)
    assert bytes.fromhex("0a00 1204 0a02 0801 18e807") == watch
