from __future__ import annotations

import gzip
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sparrow.errors import InputError
from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY
from sparrow.sources.files import Loaded, LoadedFile, RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGE = b"".join(b"10.%d.%d.0/24 %d\n" % (n >> 8, n & 255, n) for n in range(20_000))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], str]:
    """Write a file into the test's folder, and give its path."""

    def put(name: str, octets: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(octets)
        return str(path)

    return put


def load(*paths: str) -> Loaded:
    return load_snapshot([RouteFile(path) for path in paths])


def table(loaded: Loaded) -> list[str]:
    return [f"{prefix} {route}" for prefix, route in loaded.snapshot.entries()]


def problems_of(*paths: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(*paths)
    return list(map(str, caught.value.problems))


def test_no_file_gives_the_empty_table() -> None:
    assert Loaded(EMPTY, (), ()) == load()


def test_files_of_both_formats_plain_and_packed_become_one_table(
    write: Callable[[str, bytes], str],
) -> None:
    plain = write("a", b"10.0.0.0/8 1\n2001:db8::/32 2\n")
    packed = write("b.gz", gzip.compress(b"11.0.0.0\t8\t3_4\n::\t0\t5\n::1\t128\t5\n"))
    loaded = load_snapshot([RouteFile(plain), RouteFile(packed, RouteFormat.PFX2AS)])
    expected = ["10.0.0.0/8 1", "11.0.0.0/8 3_4", "::/0 5", "::1/128 5", "2001:db8::/32 2"]
    assert (expected, ()) == (table(loaded), loaded.warnings)
    status = [Path(path).stat() for path in (plain, packed)]
    assert loaded.files == (
        LoadedFile(plain, status[0].st_size, status[0].st_mtime, 1, 1, RouteFormat.SSRS),
        LoadedFile(packed, status[1].st_size, status[1].st_mtime, 1, 2, RouteFormat.PFX2AS),
    )


def test_gzip_is_known_by_its_first_octets_and_may_have_several_members(
    write: Callable[[str, bytes], str],
) -> None:
    members = gzip.compress(b"10.0.0.0/8 1\n11.0") + gzip.compress(b".0.0/8 2\n")
    assert ["10.0.0.0/8 1", "11.0.0.0/8 2"] == table(load(write("plain.name", members)))


def test_later_file_wins_and_says_so(write: Callable[[str, bytes], str]) -> None:
    first = write("first", b"10.0.0.0/8 1\n11.0.0.0/8 1\n::/0 1\n")
    second = write("second", b"#\n11.0.0.0/8 2\n::/0 2\n12.0.0.0/8 2\n12.0.0.0/8 3\n")
    loaded = load(first, second)
    assert ["10.0.0.0/8 1", "11.0.0.0/8 2", "12.0.0.0/8 3", "::/0 2"] == table(loaded)
    doubled = "the prefix stands in this file before; the last line counts"
    replaced = "the prefix stands in an earlier file too; this file's route counts"
    assert [
        f"{second}:5: {doubled}",
        f"{second}:2: 2 lines, this one first: {replaced}",
    ] == list(map(str, loaded.warnings))
    counts = [(file.prefixes_v4, file.prefixes_v6) for file in loaded.files]
    assert [(2, 1), (2, 1)] == counts


def test_problems_of_all_files_come_at_once(write: Callable[[str, bytes], str]) -> None:
    good = write("good", b"10.0.0.0/8 1\n")
    bad = [write(f"bad{n}", b"10.0.0.0/8 1\nx 1\ny 1\n") for n in range(2)]
    found = problems_of(bad[0], good, "/nonexistent/routes", bad[1])
    assert [f"{bad[0]}:2", f"{bad[0]}:3", "/nonexistent/routes", f"{bad[1]}:2", f"{bad[1]}:3"] == [
        problem.partition(": ")[0] for problem in found
    ]
    assert "the file cannot be read: No such file or directory" in found[2]


@pytest.mark.parametrize("lost", [1, 8, 9, 1000])
def test_cut_gzip_file_is_refused(write: Callable[[str, bytes], str], lost: int) -> None:
    path = write("t.gz", gzip.compress(LARGE)[:-lost])
    assert [f"{path}: the gzip file is cut off before its end: fetch it anew"] == problems_of(path)


@pytest.mark.parametrize("place", [-8, -1, 5000])
def test_damaged_gzip_file_is_refused(write: Callable[[str, bytes], str], place: int) -> None:
    octets = bytearray(gzip.compress(LARGE))
    octets[place] ^= 0xFF
    path = write("t.gz", bytes(octets))
    assert any("the gzip file is damaged" in problem for problem in problems_of(path))


def test_rubbish_behind_gzip_is_refused(write: Callable[[str, bytes], str]) -> None:
    path = write("t.gz", gzip.compress(LARGE) + b"rubbish")
    assert 1 == len(problems_of(path))
    assert "the gzip file is damaged" in problems_of(path)[0]


@pytest.mark.parametrize("octets", [b"", b"\x1f", b"10.0.0.0/8 1\n"])
def test_file_named_gz_that_is_not_gzip_is_refused(
    write: Callable[[str, bytes], str], octets: bytes
) -> None:
    path = write("t.gz", octets)
    assert [f"{path}: the file is named .gz, but is not gzip"] == problems_of(path)


def test_gzip_that_unpacks_without_end_is_refused_with_what_else_is_wrong(
    write: Callable[[str, bytes], str],
) -> None:
    member = gzip.compress((b"#".ljust(8000, b"x") + b"\n") * 8192)
    path = write("t.gz", gzip.compress(b"what\n") + member * 17)
    first, second = problems_of(path)
    assert first.startswith(f"{path}:1: ")
    assert f"{path}: the file is over {2**30} octets of text: no route table is" == second


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_is_passed_over(
    write: Callable[[str, bytes], str], pack: Callable[[bytes], bytes]
) -> None:
    path = write("t", pack("\ufeff10.0.0.0/8 1\n".encode()))
    assert ["10.0.0.0/8 1"] == table(load(path))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_large_file_cut_within_its_last_line_is_refused(
    write: Callable[[str, bytes], str], pack: Callable[[bytes], bytes]
) -> None:
    path = write("t", pack(LARGE[:-1]))
    expected = f"{path}:20000: the file ends in the middle of this line, so it was cut off"
    assert [expected] == [problem.partition(": write")[0] for problem in problems_of(path)]


def test_empty_file_is_refused(write: Callable[[str, bytes], str]) -> None:
    path = write("t", b"")
    assert problems_of(path)[0].startswith(f"{path}: the file holds no route")
    packed = write("t.gz", gzip.compress(b"# none today\n"))
    assert problems_of(packed)[0].startswith(f"{packed}: the file holds no route")


def test_what_is_not_a_regular_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    pipe, link, door = (str(tmp_path / name) for name in ("pipe", "link", "socket"))
    os.mkfifo(pipe)
    Path(link).symlink_to(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(door)
        found = problems_of(str(tmp_path), pipe, link, door, "/dev/zero", "a\0b")
    kinds = ("a directory", "a named pipe", "a named pipe", "a socket", "a device")
    assert [f"this is {kind}; a route file is a regular file" for kind in kinds] == [
        problem.partition(": ")[2] for problem in found[:5]
    ]
    assert found[5].endswith("this is not the name of a file")


def test_symlink_to_a_file_is_followed(write: Callable[[str, bytes], str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(write("t", b"10.0.0.0/8 1\n"))
    assert ["10.0.0.0/8 1"] == table(load(str(tmp_path / "link")))


@pytest.fixture
def stranger() -> Iterator[None]:
    """Be nobody for the test where it runs as root, who may read every file."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_file_that_may_not_be_read_is_refused(
    write: Callable[[str, bytes], str], request: pytest.FixtureRequest
) -> None:
    path = write("t", b"10.0.0.0/8 1\n")
    Path(path).chmod(0)
    request.getfixturevalue("stranger")
    assert [f"{path}: the file cannot be read: Permission denied"] == problems_of(path)


def test_file_that_changes_while_it_is_read_is_refused(
    write: Callable[[str, bytes], str],
) -> None:
    path = write("t", LARGE)

    def append(_read: int, _total: int) -> None:
        with Path(path).open("ab") as file:
            file.write(b"192.0.2.0/24 1\n")

    for _ in range(2):
        with pytest.raises(InputError) as caught:
            load_snapshot([RouteFile(path)], append)
        assert "the file changed while it was read" in str(caught.value)
    assert 20_001 <= len(load(path).snapshot)


def test_progress_ends_at_the_total_of_all_files(write: Callable[[str, bytes], str]) -> None:
    paths = [write("a", LARGE), write("b.gz", gzip.compress(LARGE)), write("c", b"::/0 1\n")]
    seen: list[tuple[int, int]] = []
    load_snapshot([RouteFile(path) for path in paths], lambda *at: seen.append(at))
    total = sum(Path(path).stat().st_size for path in paths)
    assert {total} == {of for _, of in seen}
    assert sorted(seen) == seen
    assert (total, total) == seen[-1]
    assert len(seen) > 8


def test_reload_shares_routes_with_the_table_before(write: Callable[[str, bytes], str]) -> None:
    path = write("t", b"10.0.0.0/8 1 2\n11.0.0.0/8 3\n")
    old = load(path).snapshot
    write("t", b"9.0.0.0/8 AS3\n10.0.0.0/8 AS1 2\n")
    new = load_snapshot([RouteFile(path)], previous=old).snapshot
    assert {id(route) for route in old.routes} == {id(route) for route in new.routes}
    delta = diff(old, new)
    assert ["11.0.0.0/8"] == [str(prefix) for prefix, _ in delta.withdrawn.entries()]
    assert ["9.0.0.0/8"] == [str(prefix) for prefix, _ in delta.announced.entries()]
