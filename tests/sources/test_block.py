"""Blocks of lines: the native reader against the pure one, and both against single lines."""

from __future__ import annotations

import gzip
import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from sparrow.rib.snapshot import Built, SnapshotBuilder
from sparrow.sources.block import open_reader
from sparrow.sources.line import LINE_FORMATS, MAX_LINE, MAX_ROUTE, RouteFormat
from sparrow.sources.parse import RouteNumbers, RouteParser

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.errors import Problem
    from sparrow.sources.block import Rows

SSRS, PFX2AS = RouteFormat.SSRS, RouteFormat.PFX2AS
MUTATIONS = int(os.environ.get("SPARROW_MUTATIONS", "2000"))
BATCH = 100

V4 = ("10.0.0.0/8", "0.0.0.0/0", "10.1.0.0/16", "10.1.2.3/32", "255.255.255.255/32", "9.0.0.0/24")
V6 = (
    *("::/0", "2001:db8::/32", "2001:DB8:0:1::/64", "::ffff:1.2.3.0/120", "fe80::1/128"),
    "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
)
ROUTES = ("1", "64600", "0", "4294967295", "1_2", "7,8", "{9,10}", "AS5", "1.10")
PATHS = (*ROUTES, "1 2", "1\t2 3", "64600  64601_7 {1,2}")
ODD = (
    *(b"4294967296", b"007", b"08", b"33", b"129", b"256", b"1.2.3", b"10.0.0.1/8", b"#", b"# x"),
    *(b"\0", b"\r", b"\r\r", b"\x0b", b"\xff", "\u0661".encode(), b"%1", b":", b"::", b"/", b"//"),
    *(b" ", b"\t", b"\n", b"\n\n", b"+1", b"-1", b"_", b",", b"1" * 65, b"1" * 5000, b" 1" * 2100),
)


class Numbers(dict[str, int]):
    """Numbers any text."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number

    def number_origin(self, asn: int) -> int:
        return self[str(asn)]


def regular_line(rng: Random, route_format: RouteFormat, prefixes: tuple[str, ...]) -> str:
    prefix = rng.choice(prefixes)
    if route_format is SSRS:
        return f"{prefix}{rng.choice((' ', ' ', chr(9), '   '))}{rng.choice(PATHS)}"
    address, length = prefix.split("/")
    gap = rng.choice((" ", "\t", "\t", "  "))
    return f"{address}{gap}{length}{gap}{rng.choice(ROUTES)}"


def regular_block(rng: Random, route_format: RouteFormat) -> bytes:
    prefixes = rng.choice((V4, V6))
    if rng.random() < 0.05:
        prefixes = (*V4, *V6)
    end = rng.choice(("\n", "\n", "\r\n"))
    lines = [regular_line(rng, route_format, prefixes) for _ in range(rng.randint(1, 6))]
    return "".join(line + end for line in lines).encode()


def mutate(rng: Random, block: bytes) -> bytes:
    """Change a few places: an octet flipped, cut out or doubled, something odd put in."""
    octets = bytearray(block)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
        place = rng.randrange(len(octets) + 1)
        stop = place + rng.choice((0, 0, 1, 1, 3))
        new = rng.choice((b"", rng.choice(ODD), rng.randbytes(1), bytes(octets[place:stop]) * 2))
        octets[place:stop] = new
    return bytes(octets) + b"\n" * (not octets.endswith(b"\n"))


def read(block: bytes, route_format: RouteFormat, *, is_pure: bool) -> Rows | None:
    numbers = RouteNumbers(SnapshotBuilder())
    return open_reader(numbers, route_format, is_pure=is_pure).read(block)


def parse(
    pieces: list[bytes], route_format: RouteFormat, *, is_pure: bool
) -> tuple[Built, tuple[Problem, ...], tuple[Problem, ...]]:
    """Give all that becomes of a file."""
    builder = SnapshotBuilder(is_pure=is_pure)
    parser = RouteParser("t", route_format, RouteNumbers(builder), is_pure=is_pure)
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    built = builder.build()
    return built, parser.problems, parser.warnings(built.repeats)


def assert_alike(block: bytes, route_format: RouteFormat) -> None:
    pure = read(block, route_format, is_pure=True)
    native = read(block, route_format, is_pure=False)
    # What the pure reader leaves to single lines the native one may read, if it is no error.
    assert pure is None or pure == native, block
    expected = parse([block], route_format, is_pure=True)
    assert expected == parse([block], route_format, is_pure=False), block


class TestBothReaders:
    @pytest.mark.parametrize("route_format", LINE_FORMATS)
    @pytest.mark.parametrize("seed", range(MUTATIONS // BATCH))
    def test_mutated_blocks_are_judged_alike(self, seed: int, route_format: RouteFormat) -> None:
        rng = Random(seed)
        for _ in range(BATCH // 2):
            assert_alike(mutate(rng, regular_block(rng, route_format)), route_format)

    @pytest.mark.parametrize("route_format", LINE_FORMATS)
    def test_any_octets_are_judged_alike(self, route_format: RouteFormat) -> None:
        rng = Random(1)
        for _ in range(500):
            octets = bytes(
                rng.choices(b"0123456789.:/ \t\n\r#afAS_,{}\0\x80", k=rng.randint(0, 60))
            )
            assert_alike(octets + b"\n", route_format)

    @pytest.mark.parametrize("family", [4, 6])
    def test_real_table_gives_the_same_rows_and_routes(self, tables: Path, family: int) -> None:
        (file,) = tables.glob(f"internet-*.v{family}.pfx2as.gz")
        octets = gzip.decompress(file.read_bytes())
        pieces = [octets[start : start + 65536] for start in range(0, len(octets), 65536)]
        pure = parse(pieces, PFX2AS, is_pure=True)
        assert pure == parse(pieces, PFX2AS, is_pure=False)
        assert () == pure[1]

    @pytest.mark.parametrize("is_pure", [True, False])
    def test_rows_are_packed_and_numbered_in_the_order_of_the_lines(self, *, is_pure: bool) -> None:
        rows = read(b"10.0.0.0/8 7\n9.0.0.0/24\t1 2\n10.0.0.0/9 7\n", SSRS, is_pure=is_pure)
        assert rows is not None
        networks = bytes((10, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 0))
        assert (4, networks, bytes((8, 24, 9))) == rows[:3]
        assert [0, 1, 0] == rows[3].tolist()
        rows = read(b"::\t0\t1\n2001:db8::\t32\t1_2\n", PFX2AS, is_pure=is_pure)
        assert rows is not None
        networks = bytes(16) + bytes.fromhex("20010db8") + bytes(12)
        assert (6, networks, bytes((0, 32)), [0, 1]) == (*rows[:3], rows[3].tolist())

    @pytest.mark.parametrize(
        "line",
        [
            *("10.0.0.1/8 1", "10.0.0.0/33 1", "10.0.0.0/8", "10.0.0/8 1", "::/0 1", "", "#", "x"),
            *("10.0.0.0 8 1", "10.0.0.0/8 1#", "10.0.0.0/8 1\0", "10.0.0.0/8 " + "1 " * MAX_LINE),
        ],
    )
    @pytest.mark.parametrize("is_pure", [True, False])
    def test_one_odd_line_gives_up_the_block(self, line: str, *, is_pure: bool) -> None:
        block = f"10.0.0.0/8 1\n{line}\n10.0.0.0/9 1\n".encode()
        assert read(block, SSRS, is_pure=is_pure) is None

    @pytest.mark.parametrize("is_pure", [True, False])
    def test_as_many_plain_routes_as_there_may_be_keep_their_numbers(
        self, *, is_pure: bool
    ) -> None:
        reader = open_reader(Numbers(), PFX2AS, is_pure=is_pure)
        asns = Random(3).sample(range(2**32), 20_000)
        for _ in range(2):
            rows = reader.read("".join(f"10.0.0.0 8 {asn}\n" for asn in asns).encode())
            assert rows is not None
            assert list(range(len(asns))) == rows[3].tolist()

    @pytest.mark.parametrize("is_pure", [True, False])
    def test_route_that_is_refused_gives_up_the_block(self, *, is_pure: bool) -> None:
        numbers = RouteNumbers(SnapshotBuilder())
        reader = open_reader(numbers, SSRS, is_pure=is_pure)
        for route in ("x", "4294967296", "1" * (MAX_ROUTE + 1), "1/2"):
            assert reader.read(f"10.0.0.0/8 {route}\n".encode()) is None
        assert reader.read(b"10.0.0.0/8 1\n") is not None
