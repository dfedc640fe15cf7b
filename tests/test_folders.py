"""The run directory and the cookie secret, without a daemon."""

from __future__ import annotations

import os
import resource
import stat
from typing import TYPE_CHECKING

import pytest

from sparrow.errors import FatalError, InputError
from sparrow.folders import (
    claim_run_dir,
    is_run_dir_taken,
    load_cookie_secrets,
    make_state_dir,
    parse_cookie_secrets,
    read_cookie_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = bytes(range(16))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_run_directory_is_made_with_its_parents_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    run_dir = claim_run_dir(str(path), None)
    assert (path, 0o750) == (run_dir.path, mode(path))


def test_an_empty_folder_is_taken_and_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    claim_run_dir(str(tmp_path), None)
    assert 0o750 == mode(tmp_path)


def test_a_folder_that_others_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(FatalError, match="holds 'letters', not sparrow's"):
        claim_run_dir(str(tmp_path), None)
    assert 0o755 == mode(tmp_path)


def test_a_folder_of_others_that_has_a_folder_for_locks_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()  # as /run has one
    (tmp_path / "dbus").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(FatalError, match="holds 'dbus', not sparrow's"):
        claim_run_dir(str(tmp_path), (os.getuid(), os.getgid()))
    assert 0o755 == mode(tmp_path)


def test_a_run_directory_whose_lock_was_cleared_away_is_claimed_again(tmp_path: Path) -> None:
    os.close(claim_run_dir(str(tmp_path), None).lock_fd)
    (tmp_path / "lock").unlink()
    for name in ("plan", "publisher", "keeper.json", ".layout.json.4711", ".keeper.sock.4711"):
        (tmp_path / name).touch()
    assert tmp_path == claim_run_dir(str(tmp_path), None).path


def test_a_locked_run_directory_may_hold_what_others_put_there(tmp_path: Path) -> None:
    os.close(claim_run_dir(str(tmp_path), None).lock_fd)
    (tmp_path / "notes").touch()
    assert tmp_path == claim_run_dir(str(tmp_path), None).path


def test_a_claimed_run_directory_cannot_be_claimed_again(tmp_path: Path) -> None:
    claim_run_dir(str(tmp_path), None)
    with pytest.raises(FatalError, match=r"runs already, pid \d+: stop that one"):
        claim_run_dir(str(tmp_path), None)


def test_a_run_directory_is_taken_while_a_server_has_it(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert not is_run_dir_taken(str(path))
    run_dir = claim_run_dir(str(path), None)
    assert is_run_dir_taken(str(path))
    os.close(run_dir.lock_fd)
    assert not is_run_dir_taken(str(path))


def test_a_run_directory_that_may_not_be_looked_into_is_said(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FatalError, match="whether a server runs cannot be told"):
        is_run_dir_taken(str(tmp_path))


def test_a_missing_secret_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "cookie.secret"
    secrets = load_cookie_secrets(str(path), None)
    assert (1, 16, 0o600, 0o750) == (
        len(secrets),
        len(secrets[0]),
        mode(path),
        mode(path.parent),
    )
    assert secrets == load_cookie_secrets(str(path), None) == read_cookie_secrets(str(path))
    assert ["cookie.secret"] == [entry.name for entry in path.parent.iterdir()]


def test_to_read_a_missing_secret_makes_none(tmp_path: Path) -> None:
    assert () == read_cookie_secrets(str(tmp_path / "none" / "cookie.secret"))
    assert [] == list(tmp_path.iterdir())


def test_secrets_are_read_newest_first_without_comments_and_blank_lines() -> None:
    text = f"# ours\n\n{SECRET.hex()}  # new\n  {SECRET[::-1].hex().upper()}\n"
    assert (SECRET, SECRET[::-1]) == parse_cookie_secrets(text, "f")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["f: holds no cookie secret: write 32 hexadecimal digits"]),
        ("# none\n", ["f: holds no cookie secret: write 32 hexadecimal digits"]),
        (
            f"{SECRET.hex()}\nzz\n{SECRET.hex()}0\n",
            [f"f:{line}: a cookie secret is 32 hexadecimal digits" for line in (2, 3)],
        ),
    ],
)
def test_a_file_that_holds_no_secrets_is_refused(text: str, problems: list[str]) -> None:
    with pytest.raises(InputError) as refusal:
        parse_cookie_secrets(text, "f")
    assert problems == [str(problem) for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("octets", "what"),
    [(b"\xff\n", "this is not a text file"), (None, "cannot be read: Is a directory")],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, octets: bytes | None, what: str) -> None:
    path = tmp_path / "cookie.secret"
    if octets is None:
        path.mkdir()
    else:
        path.write_bytes(octets)
    with pytest.raises(InputError, match=what):
        load_cookie_secrets(str(path), None)


def test_a_pipe_in_place_of_the_secrets_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cookie.secret")
    with pytest.raises(InputError, match="cannot be read: it is a named pipe, not a regular file"):
        load_cookie_secrets(str(tmp_path / "cookie.secret"), None)


def test_a_secret_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(InputError, match=r"cannot be made: .*; see server\.cookie_secret"):
        load_cookie_secrets(str(tmp_path / "state" / "cookie.secret"), None)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let no file grow, which to who writes is what a full disk is."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
def test_on_a_full_disk_a_run_directory_can_be_claimed(tmp_path: Path) -> None:
    claim_run_dir(str(tmp_path), None)
    with pytest.raises(FatalError, match="pid unknown"):
        claim_run_dir(str(tmp_path), None)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_said_and_nothing_half_written_stays(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the cookie secret cannot be made"):
        load_cookie_secrets(str(tmp_path / "cookie.secret"), None)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("stranger", [None, "mail.db"])
def test_what_a_server_of_root_left_is_given_away_but_no_folder_that_others_use(
    tmp_path: Path, stranger: str | None
) -> None:
    folder = tmp_path / "state"
    (folder / "tables").mkdir(parents=True)
    ours = ["cookie.secret", "orders.json", "journal.jsonl.1", "tables/accepted.json"]
    for name in [*ours, *filter(None, [stranger])]:
        (folder / name).touch()
    make_state_dir(str(folder), (65534, 65534))
    assert {65534} == {(folder / name).stat().st_uid for name in ("tables", *ours)}
    assert (0 if stranger else 65534) == folder.stat().st_uid
    assert stranger is None or 0 == (folder / stranger).stat().st_uid
