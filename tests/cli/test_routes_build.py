"""`sparrow routes build`: from dumps to a route file."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from mrtmaking import peer_table, record, rib, rib_entry, sequence
from running import run

from sparrow.plan.fallback import build_authority
from sparrow.plan.reader import open_plan
from sparrow.policy.steering import Client
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from pathlib import Path

    from running import Home

DUMP = b"".join(
    (
        peer_table(),
        rib(
            2,
            "1.0.0.0/8",
            rib_entry(0, sequence(7, 64601, 9)),
            rib_entry(1, sequence(8, 7, 9, 9, 9)),
        ),
        rib(2, "2.0.0.0/8", rib_entry(0, sequence(7, 64601, 9)), rib_entry(1, sequence(8, 64600))),
        rib(2, "10.0.0.0/8", rib_entry(0, sequence(7))),
        rib(4, "2a00::/12", rib_entry(2, sequence(5, 131072, 6))),
        rib(2, "3.0.0.0/8", rib_entry(1, sequence(7, 6))),
    )
)
ORIGINS = ["1.0.0.0/8 9", "2.0.0.0/8 64600", "3.0.0.0/8 6", "2a00::/12 6"]

PATHS = ["1.0.0.0/8 7 64601 9", "2.0.0.0/8 8 64600", "3.0.0.0/8 7 6", "2a00::/12 5 131072 6"]


@pytest.fixture
def dump(tmp_path: Path) -> str:
    path = tmp_path / "rib.mrt"
    path.write_bytes(DUMP)
    return str(path)


def build(tmp_path: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Give the exit code, the lines of the file that came of it, and what was said."""
    target = tmp_path / "out.routes"
    outcome = run("routes", "build", "-o", str(target), *arguments)
    assert "" == outcome.out
    lines = target.read_text().splitlines() if target.exists() else []
    return outcome.code, lines, outcome.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ORIGINS),
        (["--output", "origin"], ORIGINS),
        (["--output", "path"], PATHS),
        (["--peer", "192.0.2.1"], ["1.0.0.0/8 9", "2.0.0.0/8 9"]),
        (["--peer", "AS64601"], ["1.0.0.0/8 9", "2.0.0.0/8 64600", "3.0.0.0/8 6"]),
        (["--format", "mrt"], ORIGINS),
    ],
)  # fmt: skip
def test_a_route_file_is_made_of_a_dump(
    tmp_path: Path, dump: str, arguments: list[str], expected: list[str]
) -> None:
    code, lines, said = build(tmp_path, dump, *arguments)
    assert (0, expected) == (code, lines)
    assert f"{dump}: 7 paths, read as mrt" in said
    assert f"out.routes: {len(expected)} prefixes" in said


def test_with_sites_each_prefix_has_the_as_number_that_names_its_site(
    home: Home, tmp_path: Path, dump: str
) -> None:
    code, lines, _ = build(tmp_path, dump, "--output", "site", "-c", home.config)
    # 3.0.0.0/8 belongs to no site: its origin keeps it apart from what lies around it.
    expected = ["1.0.0.0/8 64601", "2.0.0.0/8 64600", "3.0.0.0/8 6", "2a00::/12 131072"]
    assert (0, expected) == (code, lines)


def test_what_is_built_is_read_back_without_a_warning(tmp_path: Path, dump: str) -> None:
    target = str(tmp_path / "out.gz")
    assert 0 == run("routes", "build", dump, "-o", target, "--output", "path").code
    loaded = load_snapshot([RouteFile(target)])
    assert (4, ()) == (len(loaded.snapshot), loaded.warnings)


def test_equal_dumps_give_equal_packed_files(tmp_path: Path, dump: str) -> None:
    targets = [tmp_path / name for name in ("a.gz", "b.gz")]
    for target in targets:
        assert 0 == run("routes", "build", dump, "-o", str(target)).code
    first, second = (target.read_bytes() for target in targets)
    assert first == second
    assert ORIGINS == gzip.decompress(first).decode().splitlines()


def test_several_inputs_of_several_formats_are_one_table(tmp_path: Path, dump: str) -> None:
    text = tmp_path / "more.txt"
    text.write_text(
        "TABLE_DUMP2|1|B|192.0.2.9|5|3.0.0.0/8|5 77|IGP\n"
        "TABLE_DUMP2|1|B|192.0.2.9|5|4.0.0.0/8|5 77|IGP\n"
        "TABLE_DUMP2|1|B|192.0.2.8|5|3.0.0.0/8|5 6 77|IGP\n"
    )
    expected = [*ORIGINS[:2], "3.0.0.0/8 77", "4.0.0.0/8 77", ORIGINS[3]]
    for inputs in ([dump, str(text)], [str(text), dump]):
        assert (0, expected) == build(tmp_path, *inputs)[:2]


def test_what_was_left_out_is_told_by_reason_with_offsets(tmp_path: Path) -> None:
    path = tmp_path / "bad.mrt"
    path.write_bytes(
        DUMP + record(13, 2, b"") + rib(2, "5.0.0.0/8", rib_entry(0, b"\x40")) + DUMP[:30]
    )
    code, lines, said = build(tmp_path, str(path))
    assert (0, ORIGINS) == (code, lines)
    at = len(DUMP)
    for part in (
        f"warning: {path}: skipped 1: damaged records (octet {at})",
        f"warning: {path}: skipped 1: paths with damaged attributes (octet {at + 12})",
        f"warning: {path}: cut or damaged at octet {path.stat().st_size - 30}",
        "warning: left out 1: address space that is not reachable on the Internet",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("content", "arguments", "what"),
    [
        (b"hello\n", [], "no dump that is known"),
        (b"hello\n", ["--format", "bird"], "there is no route in it, read as bird"),
        (DUMP, ["--peer", "AS9"], "there is no route of neighbour AS9"),
        (DUMP, ["--peer", "nobody"], "'nobody' is no neighbour"),
        (peer_table() + rib(2, "10.0.0.0/8", rib_entry(0, sequence(7))), [], "left out 1"),
    ],
)
def test_what_gives_nothing_is_refused_and_the_old_file_stands(
    tmp_path: Path, content: bytes, arguments: list[str], what: str
) -> None:
    path, target = tmp_path / "dump", tmp_path / "out.routes"
    path.write_bytes(content)
    target.write_text("1.0.0.0/8 7\n")
    code, lines, said = build(tmp_path, str(path), *arguments)
    assert (2, ["1.0.0.0/8 7"]) == (code, lines)
    assert what in said
    assert ["dump", "out.routes"] == sorted(path.name for path in tmp_path.iterdir())


def test_every_input_that_cannot_be_read_is_named(tmp_path: Path, dump: str) -> None:
    missing = [str(tmp_path / name) for name in ("a", "b")]
    code, lines, said = build(tmp_path, missing[0], dump, missing[1], str(tmp_path))
    assert (2, []) == (code, lines)
    assert all(f"{name}: the file cannot be read: No such file" in said for name in missing)
    assert f"{tmp_path}: this is a directory" in said


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(
    tmp_path: Path, dump: str
) -> None:
    target = tmp_path / "missing" / "out"
    outcome = run("routes", "build", dump, "-o", str(target))
    assert 2 == outcome.code
    assert f"{target}: the file cannot be written: No such file or directory" in outcome.err
    assert ["rib.mrt"] == [path.name for path in tmp_path.iterdir()]


VIEWS = {
    "au": "20.0.0.0/8 7 8 64999\n21.0.0.0/8 7 9\n",
    "nl": "20.0.0.0/8 7 7 7 9\n21.1.0.0/16 9\n2600::/16 7\n",
}


@pytest.fixture
def views(home: Home) -> list[str]:
    arguments = ["-c", str(home.config)]
    for site, text in VIEWS.items():
        arguments += ["--view", f"{site}={home.write(f'{site}.routes', text)}"]
    return arguments


def test_of_several_views_each_prefix_has_an_as_number_of_the_nearest_site(
    tmp_path: Path, views: list[str]
) -> None:
    code, lines, said = build(tmp_path, *views)
    expected = ["20.0.0.0/8 64601", "21.0.0.0/8 64600", "21.1.0.0/16 64601", "2600::/16 64601"]
    assert (0, expected) == (code, lines)
    assert "nl.routes: 3 paths, read as ssrs" in said


def test_inputs_beside_views_count_where_no_view_has_a_route(
    home: Home, tmp_path: Path, views: list[str]
) -> None:
    common = home.write("common.routes", "20.5.0.0/16 64602\n23.0.0.0/8 9 64602\n")
    code, lines, _ = build(tmp_path, *views, str(common))
    expected = ["20.0.0.0/8 64601", "21.0.0.0/8 64600", "21.1.0.0/16 64601", "23.0.0.0/8 64602"]
    assert (0, [*expected, "2600::/16 64601"]) == (code, lines)


def test_views_may_be_two_neighbours_of_one_collector(
    home: Home, tmp_path: Path, dump: str
) -> None:
    views = ["--view", f"au={dump}", "--view", f"us={dump}"]
    peers = ["--peer", "au=192.0.2.1", "--peer", "192.0.2.2"]
    code, lines, _ = build(tmp_path, "-c", str(home.config), *views, *peers)
    # Of 1.0.0.0/8 both see three hops, prepended ones once, and au is configured first.
    assert (0, ["1.0.0.0/8 64600", "2.0.0.0/7 64602"]) == (code, lines)


def test_where_places_are_known_distance_decides_before_the_path(
    home: Home, tmp_path: Path, views: list[str]
) -> None:
    sites = home.sites.replace("{asn: [64601],", "{asn: [64601], location: [52.4, 4.9],")
    sites = sites.replace("{asn: [64600, ", "{location: [-33.9, 151.2], asn: [64600, ")
    home.write("places", "20.0.0.0/8\tAU\n21.0.0.0/8\tNL\n2600::/16\tAU\n")
    home.configure(sites=f"geo: {{table: places}}\n{sites}")
    code, lines, _ = build(tmp_path, *views)
    # In 21.0.0.0/8 nl has a route to 21.1.0.0/16 alone.
    assert (0, ["20.0.0.0/7 64600", "21.1.0.0/16 64601", "2600::/16 64601"]) == (code, lines)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--view", "xx=TABLE"], "there is no site 'xx' in the configuration: it has au, nl, us"),
        (["--view", "TABLE"], "write SITE=INPUT"),
        (["--view", "nl=TABLE", "--output", "path"], "not the path"),
        (["--view", "nl=TABLE", "--peer", "au=AS1"], "there is no --view of 'au'"),
        (["--peer", "au=AS1", "TABLE"], "there is no --view of 'au'"),
        (["--peer", "AS1", "--peer", "AS2", "TABLE"], "one neighbour is enough: 'AS2' is another"),
        (["--view", "nl=TABLE", "--view", "au=/nonexistent"], "/nonexistent: the file cannot"),
        ([], "there is nothing to read"),
    ],
)
def test_views_that_make_no_sense_are_refused(
    home: Home, tmp_path: Path, arguments: list[str], what: str
) -> None:
    path = str(home.path / "table.routes")
    code, lines, said = build(
        tmp_path, "-c", str(home.config), *(each.replace("TABLE", path) for each in arguments)
    )
    assert (2, []) == (code, lines)
    assert what in said


def test_a_site_without_an_as_number_cannot_be_named(home: Home, tmp_path: Path) -> None:
    home.configure(sites=home.sites.replace("nl: {asn: [64601], ", "nl: {"))
    view = f"us={home.path}/table.routes"
    code, _, said = build(tmp_path, "-c", str(home.config), "--view", view)
    assert (2, True) == (code, "site 'nl' has no asn" in said)


def test_a_plan_is_made_of_what_is_read(home: Home, tmp_path: Path, views: list[str]) -> None:
    folder = tmp_path / "plan"
    outcome = run("routes", "build", "--output", "plan", "-o", str(folder), *views)
    assert (0, "") == (outcome.code, outcome.out)
    steering = build_authority(open_plan(folder)).steering
    assert steering is not None
    clients = {"20.0.0.1": "nl", "21.0.0.1": "au", "21.1.0.1": "nl", "99.0.0.1": "nl"}
    names = steering.plan.answers.meta.sites
    for text, site in clients.items():
        found = steering.choose("default", 4, Client(parse_address(text))).site
        assert found is not None
        assert (text, site) == (text, names[found])
    outcome = run("routes", "build", "--output", "plan", "-o", str(folder), "-c", str(home.config))
    assert (2, True) == (outcome.code, "there is nothing to read" in outcome.err)
