"""Lists of prefixes and countries, as registries' records are published."""

from __future__ import annotations

import gzip
from random import Random
from typing import TYPE_CHECKING

import pytest
from countrylists import PROVENANCE, list_of, random_lines, table_of

from sparrow.errors import MAX_PROBLEMS, InputError, Problem
from sparrow.geo.listing import CountryList
from sparrow.geo.stored import load_lines, load_text

if TYPE_CHECKING:
    from pathlib import Path


def read(text: str) -> CountryList:
    found = CountryList()
    found.extend(text.splitlines(), "a list")
    return found


def refusal(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(text).build(PROVENANCE)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_lines_makes_no_difference(seed: int) -> None:
    lines = random_lines(Random(seed), 30)
    assert table_of(*lines) == table_of(*sorted(lines)) == table_of(*sorted(lines, reverse=True))


def test_blank_lines_and_comments_do_not_count() -> None:
    found = read("# a list\n\n10.0.0.0/8\tNL\n  \n#\n2001:db8::/32\tNL\n")
    assert (1, 1) == (found.count(4), found.count(6))
    assert table_of("10.0.0.0/8 NL", "2001:db8::/32 NL") == found.build(PROVENANCE)


def test_codes_may_be_small_and_zz_is_no_country() -> None:
    table = read("10.0.0.0/8\tnl\n10.1.0.0/16\tZZ\n::/0\tzz\n").build(PROVENANCE)
    assert ("", "NL") == table.codes
    found = [table.country_of(bytes((10, octet, 0, 0))) for octet in (0, 1, 2)]
    assert ["NL", None, "NL"] == found


@pytest.mark.parametrize("lines", [("NL", "DE"), ("DE", "NL"), ("DE", "DE", "NL"), ("ZZ", "DE")])
def test_of_several_countries_of_a_prefix_the_first_by_alphabet_counts(
    lines: tuple[str, ...],
) -> None:
    found = list_of("::/0 NL", *(f"10.0.0.0/8 {country}" for country in lines))
    assert ("DE", 1) == (found.build(PROVENANCE).country_of(bytes((10, 0, 0, 0))), found.contested)


def test_a_prefix_that_comes_twice_with_its_country_is_not_contested() -> None:
    assert 0 == list_of("10.0.0.0/8 NL", "10.0.0.0/8 NL").contested


def test_prefixes_finer_than_64_bits_are_left_out_and_counted() -> None:
    found = list_of("10.0.0.0/32 NL", "2001:db8::/64 DE", "2001:db8::/65 AU", "2001:db8::1/128 AU")
    table = found.build(PROVENANCE)
    assert (1, 1, 2) == (found.count(4), found.count(6), found.finer)
    assert "DE" == table.country_of(bytes.fromhex("20010db8" + "00" * 11 + "01"))


@pytest.mark.parametrize(
    "line",
    [
        "10.0.0.0/8 NL",
        "10.0.0.0/8",
        "10.0.0.0/8\t",
        "10.0.0.0/8\tNLD",
        "10.0.0.0/8\tN1",
        "10.0.0.0/8\tNL\tDE",
        "10.0.0.0/8\t\u00dfE",
        "NL\t10.0.0.0/8",
    ],
)
def test_a_line_of_another_form_is_refused_with_its_number(line: str) -> None:
    (problem,) = refusal(f"::/0\tNL\n{line}\n")
    assert problem.startswith("a list:2: ")


def test_bits_behind_the_length_are_refused() -> None:
    assert ["a list:1: '10.0.0.1/8' has bits set behind /8; the block is 10.0.0.0/8"] == refusal(
        "10.0.0.1/8\tNL\n::/0\tNL"
    )


def test_all_lines_that_are_wrong_are_told_up_to_a_limit() -> None:
    problems = refusal("::/0\tNL\n" + "nonsense\n" * (MAX_PROBLEMS + 5))
    assert MAX_PROBLEMS + 1 == len(problems)
    assert "a list: and 5 more like these" == problems[-1]


def test_a_list_without_a_family_is_refused() -> None:
    assert "there is no IPv6 prefix: " in refusal("10.0.0.0/8\tNL")[0]
    assert "there is no IPv4 prefix: " in refusal("::/0\tNL")[0]
    assert "there is no IPv4 and no IPv6 prefix: " in refusal("# nothing")[0]


def test_more_countries_than_a_number_holds_are_refused() -> None:
    letters = [chr(65 + number) for number in range(26)]
    codes = [one + other for one in letters[:10] for other in letters]
    lines = [f"10.0.{number}.0/24\t{code}" for number, code in enumerate(codes[:256])]
    assert "there are 256 countries" in refusal("\n".join([*lines, "::/0\tAA"]))[0]
    table = read("\n".join([*lines[:255], "::/0\tAA"])).build(PROVENANCE)
    assert codes[254] == table.country_of(bytes((10, 0, 254, 9)))


def test_mutated_cuttings_of_a_list_are_read_or_refused_with_their_lines(tables: Path) -> None:
    chance = Random(64)
    for path in sorted(tables.glob("country-*.tsv.gz")):
        text = load_text(str(path))
        for _ in range(1500):
            start = chance.randrange(len(text))
            letters = list(text[start : start + chance.randrange(512)])
            for _ in range(chance.randrange(4)):
                if letters:
                    letters[chance.randrange(len(letters))] = chance.choice("\t\n/.:0Z\x00\xff# ")
            found = read("".join(letters) + "\n0.0.0.0/0\tNL\n::/0\tNL")
            assert all(problem.line for problem in list_problems(found)[:MAX_PROBLEMS])


def list_problems(found: CountryList) -> tuple[Problem, ...]:
    try:
        found.build(PROVENANCE)
    except InputError as error:
        return error.problems
    return ()


def test_text_is_read_packed_or_not(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"some lines\n")
    packed.write_bytes(gzip.compress(b"some lines\n"))
    assert ["some lines\n"] * 2 == [load_text(str(path)) for path in (plain, packed)]


def test_a_text_may_have_a_byte_order_mark_and_any_characters(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("\ufeff# Zürich\r\n10.0.0.0/8\tCH\r\n", encoding="utf-8")
    assert ["# Zürich", "10.0.0.0/8\tCH"] == load_lines(str(path))


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_large_list_that_ends_within_a_line_was_cut(tmp_path: Path, *, is_packed: bool) -> None:
    path, lines = tmp_path / "list", b"10.0.0.0/8\tCH\n" * 5000

    def load(octets: bytes) -> int:
        path.write_bytes(gzip.compress(octets) if is_packed else octets)
        return len(load_lines(str(path)))

    assert (5000, 1) == (load(lines), load(b"10.0.0.0/8\tCH"))
    with pytest.raises(InputError) as caught:
        load(lines[:-1])
    (problem,) = caught.value.problems
    assert (str(path), 5000) == (problem.file, problem.line)
    assert "so it was cut off" in problem.what


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(b"some lines" * 1000)[:-9], "the gzip file is damaged"),
        (b"\x1f\x8b\x08\x00 no gzip", "the gzip file is damaged"),
        (b"\xff\xfe", "this is not a text file"),
        (gzip.compress(bytes(128 * 2**20 + 1), 1), "octets long, unpacked"),
    ],
    ids=["cut", "no gzip", "octets", "bomb"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(InputError, match=why):
        load_text(str(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_text(str(tmp_path / "list"))
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_text(str(tmp_path))
