"""What is known of addresses, from the files that a configuration names."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest
from mmdbmaking import make_mmdb

from sparrow.config.load import parse_config
from sparrow.errors import InputError
from sparrow.geo.countries import build_tree
from sparrow.geo.stored import STATE_FILE, load_listed
from sparrow.lore import Library, LoadedLore, LoreSource, list_files, load_lore
from sparrow.policy.distance import country_distance_km, great_circle_km
from sparrow.values.address import IPV4, IPV6, parse_address

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.config.model import Config

AMSTERDAM = (52.37, 4.9)
SITES = """\
sites:
  au: {vips: [192.0.2.1]}
  nl: {vips: [192.0.2.2], location: [52.37, 4.9]}
zones: {example.org: {file: z}}
"""
LIST = "10.0.0.0/8\tAU\n11.0.0.0/8\tNL\n2a00::/16\tAU\n"
NOON, ONE = 1769860800.0, 1769864400.0
"""2026-01-31T12:00Z, and an hour later."""


def config_of(folder: Path, text: str) -> Config:
    return parse_config(SITES + text, str(folder / "sparrow.yaml")).config


def load(folder: Path, text: str, now_s: float = NOON) -> LoadedLore:
    return load_lore(config_of(folder, text), str(folder), now_s)


def km_at(loaded: LoadedLore, text: str) -> tuple[float | None, ...] | None:
    assert loaded.lore.places is not None
    address = parse_address(text)
    family = IPV4 if len(address) == 4 else IPV6
    return loaded.lore.places.find(family, int.from_bytes(address, "big"))


def test_nothing_configured_is_nothing_known(tmp_path: Path) -> None:
    loaded = load(tmp_path, "")
    assert loaded.lore.is_empty
    assert ((), ()) == (loaded.overrides, loaded.sources)


def test_the_table_that_comes_with_sparrow_gives_distances(tmp_path: Path) -> None:
    loaded = load(tmp_path, "geo: builtin")
    assert (None, country_distance_km("NL", AMSTERDAM)) == km_at(loaded, "193.0.0.1")
    (source,) = loaded.sources
    assert ("places", None, "CC0-1.0") == (source.kind, source.file, source.licence)
    assert 500_000 < source.entries


def test_a_table_of_the_state_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(LIST)
    path = tmp_path / STATE_FILE
    assert () == list_files(config_of(tmp_path, "geo: builtin"), str(tmp_path))
    path.write_text(json.dumps(build_tree(load_listed(str(tmp_path / "list")))))
    assert (str(path),) == list_files(config_of(tmp_path, "geo: builtin"), str(tmp_path))
    loaded = load(tmp_path, "geo: builtin")
    assert (None, country_distance_km("AU", AMSTERDAM)) == km_at(loaded, "10.1.1.1")
    assert [str(path)] == [source.file for source in loaded.sources]


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_list_of_countries_gives_distances(tmp_path: Path, *, is_packed: bool) -> None:
    octets = LIST.encode()
    (tmp_path / "list").write_bytes(gzip.compress(octets) if is_packed else octets)
    os.utime(tmp_path / "list", (NOON, NOON))
    loaded = load(tmp_path, "geo: {table: list}")
    assert (None, country_distance_km("AU", AMSTERDAM)) == km_at(loaded, "2a00::1")
    assert (None, None) == km_at(loaded, "12.0.0.0")
    file = str(tmp_path / "list")
    assert (LoreSource("places", file, "list", "2026-01-31", "", 7),) == loaded.sources


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_database_gives_distances(tmp_path: Path, *, is_packed: bool) -> None:
    groningen = {"city": {"x": "y"}, "location": {"latitude": 53.2, "longitude": 6.5}}
    octets = make_mmdb({"10.0.0.0/8": groningen})
    (tmp_path / "a.mmdb").write_bytes(gzip.compress(octets) if is_packed else octets)
    loaded = load(tmp_path, "geo: {mmdb: a.mmdb}")
    assert (None, great_circle_km((53.2, 6.5), AMSTERDAM)) == km_at(loaded, "10.1.1.1")
    file = str(tmp_path / "a.mmdb")
    assert (LoreSource("places", file, "A-Test", "2026-01-31", "", 4),) == loaded.sources


def test_no_distance_is_known_where_no_site_has_a_place(tmp_path: Path) -> None:
    text = (SITES + "geo: builtin").replace(", location: [52.37, 4.9]", "")
    loaded = load_lore(parse_config(text, "x").config, str(tmp_path), NOON)
    assert loaded.lore.places is None
    assert 1 == len(loaded.sources)


def test_round_trip_times_are_known_by_prefix_and_by_as(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("192.0.2.0/24,nl,12\n64600,au,3\n")
    os.utime(path, (NOON, NOON))
    loaded = load(tmp_path, "ranking: {rtt: r.csv}")
    assert loaded.lore.rtts is not None
    address = int.from_bytes(parse_address("192.0.2.7"), "big")
    assert (None, 12.0) == loaded.lore.rtts.find(IPV4, address)
    assert {64600: (3.0, None)} == loaded.lore.rtts_of_asn
    wanted = LoreSource("rtts", str(path), "r.csv", "2026-01-31T12:00:00Z", "", 2)
    assert (wanted,) == loaded.sources


def test_overrides_in_force_are_numbered(tmp_path: Path) -> None:
    text = """\
overrides:
  - {prefix: 192.0.2.0/24, site: nl, until: 2026-01-31T13:00Z}
  - {asn: 7, site: au}
  - {prefix: "::/0", site: au}
"""
    loaded = load(tmp_path, text)
    lore = loaded.lore
    address = int.from_bytes(parse_address("192.0.2.7"), "big")
    assert lore.overrides is not None
    assert (0, 2) == (lore.overrides.find(IPV4, address), lore.overrides.find(IPV6, 1 << 100))
    assert ({7: 1}, (1, 0, 0)) == (lore.override_of_asn, lore.override_sites)
    titles = ("192.0.2.0/24 until 2026-01-31T13:00:00Z", "AS7", "::/0")
    assert titles == lore.override_titles
    later = load(tmp_path, text, ONE)
    assert later.lore.overrides is not None
    assert later.lore.overrides.find(IPV4, address) is None
    assert ({7: 0}, (0, 0)) == (later.lore.override_of_asn, later.lore.override_sites)
    assert ["AS7", "::/0"] == list(map(str, later.overrides))


def test_what_is_wrong_with_every_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("10.0.0.0/8\tAU\n")
    (tmp_path / "r.csv").write_text("# ours\n64600,mars,3\n")
    with pytest.raises(InputError) as caught:
        load(tmp_path, "geo: {table: list}\nranking: {rtt: r.csv}")
    assert [
        (str(tmp_path / "list"), None, "there is no IPv6 prefix"),
        (str(tmp_path / "r.csv"), 2, "there is no site 'mars'"),
    ] == [
        (problem.file, problem.line, problem.what.partition(":")[0])
        for problem in caught.value.problems
    ]


@pytest.mark.parametrize("text", ["geo: {mmdb: a}", "geo: {table: a}", "ranking: {rtt: a}"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=f"{tmp_path}/a: the file cannot be read: No such file"):
        load(tmp_path, text)


def test_what_was_read_stays_until_its_file_is_another(tmp_path: Path) -> None:
    times, places = tmp_path / "r.csv", tmp_path / "list"
    times.write_text("192.0.2.0/24,nl,12\n")
    places.write_text(LIST)
    config = config_of(tmp_path, "geo: {table: list}\nranking: {rtt: r.csv}")
    assert (str(times), str(places)) == list_files(config, str(tmp_path))
    library = Library()

    def read() -> tuple[object, object]:
        lore = library.load(config, str(tmp_path), NOON).lore
        return lore.rtts, lore.places

    first = read()
    assert first[0] is read()[0]
    assert first[1] is read()[1]
    times.write_text("192.0.2.0/24,nl,120\n")
    second = read()
    assert second[0] is not first[0]
    assert second[1] is first[1]
    places.write_text(LIST.replace("AU", "NL"))
    third = read()
    assert third[0] is second[0]
    assert third[1] is not second[1]


def test_other_sites_have_other_distances_and_times(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(LIST)
    (tmp_path / "r.csv").write_text("64600,au,12\n")
    text = SITES + "geo: {table: list}\nranking: {rtt: r.csv}"
    library = Library()
    found = []
    for written in (text, text.replace("nl: {", "us: {").replace("[52.37", "[0")):
        config = parse_config(written, str(tmp_path / "x")).config
        found.append(library.load(config, str(tmp_path), NOON))
    assert (None, country_distance_km("NL", AMSTERDAM)) == km_at(found[0], "11.0.0.0")
    assert (None, country_distance_km("NL", (0.0, 4.9))) == km_at(found[1], "11.0.0.0")
    (tmp_path / "r.csv").write_text("64600,nl,12\n")
    with pytest.raises(InputError, match="there is no site 'nl'"):
        library.load(
            parse_config(text.replace("nl: {", "us: {"), str(tmp_path / "x")).config, "", 0
        )


def test_a_file_is_another_also_where_its_size_and_its_time_are_what_they_were(
    tmp_path: Path,
) -> None:
    path, config = tmp_path / "r.csv", config_of(tmp_path, "ranking: {rtt: r.csv}")
    path.write_text("64600,nl,3\n")
    os.utime(path, (NOON, NOON))
    library = Library()
    assert {64600: (None, 3.0)} == library.load(config, str(tmp_path), NOON).lore.rtts_of_asn
    assert not library.is_outdated(NOON)
    path.write_text("64600,nl,7\n")
    os.utime(path, (NOON, NOON))
    assert library.is_outdated(NOON)
    assert {64600: (None, 7.0)} == library.load(config, str(tmp_path), NOON).lore.rtts_of_asn
