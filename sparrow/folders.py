"""The folders of a daemon: the run directory with its lock, and the cookie secret.

Law: one daemon at a time owns a run directory, by a lock that the kernel drops
with the process. Start from `claim_run_dir`.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.dns.cookie import SECRET_SIZE
from sparrow.errors import FatalError, InputError, Problem
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUN_DIR_MODE = 0o750
_STATE_DIR_MODE = 0o750
CONTROL_SOCKET = "control.sock"
_STATE_FILES = ("*.json", ".*.aside", "cookie.secret", "journal.jsonl*", "tables", "tables/*")
"""What is kept in a state directory, as patterns."""
_LOCK = "lock"
_RUN_FILES = re.compile(
    r"\.?(?:lock|(?:control|keeper|asked)\.sock|(?:keeper|layout|limits)\.json"
    r"|publisher|plan|counters)(?:\.\w+)?"
)
"""What is kept in a run directory, and what a process that was killed left aside there."""
_MAX_SECRETS = 65536
"""Octets of a file of cookie secrets; two lines are usual."""
_MAX_SOCKET_PATH = 107
"""Octets of `sun_path` before its final NUL (unix(7))."""


@dataclass(frozen=True, slots=True)
class RunDir:
    """A run directory that is ours until the process ends."""

    path: Path
    """The folder, mode 0750."""
    lock_fd: int
    """Open file whose lock makes it ours; held, never read."""


def claim_run_dir(path: str, owner: tuple[int, int] | None) -> RunDir:
    """Make and lock the run directory.

    `owner` is the (uid, gid) that the daemon will run as, None to leave it.
    Raises `FatalError` where the folder cannot be made, belongs to somebody
    else, holds what is not ours, or another daemon has it.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_run_dir(folder, owner)
        folder.chmod(_RUN_DIR_MODE)
        if owner:
            give_run_dir(folder, owner)
        lock_fd = _open_lock(folder, owner)
    except OSError as error:
        raise FatalError(f"run directory {path}: {error.strerror}; see server.run_dir") from None
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(lock_fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock_fd)
        raise FatalError(
            f"run directory {path} belongs to a sparrow that runs already, pid {pid}: "
            "stop that one, take its place with `sparrow serve --replace`, "
            "or give this one a server.run_dir of its own"
        ) from None
    found = RunDir(folder, lock_fd)
    sign_run_dir(found)
    return found


def is_run_dir_taken(path: str) -> bool:
    """Tell whether a server has a run directory now.

    Raises `FatalError` where this user may not know.
    """
    try:
        lock_fd = os.open(Path(path, _LOCK), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        what = f"whether a server runs cannot be told: {path}/{_LOCK}: {error.strerror}"
        raise FatalError(what) from None
    try:
        # Shared, and for a moment: two who look at once are not in each other's way.
        fcntl.flock(lock_fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(lock_fd)


def sign_run_dir(run_dir: RunDir) -> None:
    """Write down which process has a run directory, for who finds it taken."""
    with suppress(OSError):  # the number is for people; a full disk takes nothing from the lock
        os.ftruncate(run_dir.lock_fd, 0)
        os.pwrite(run_dir.lock_fd, f"{os.getpid()}\n".encode(), 0)


def give_run_dir(folder: Path, owner: tuple[int, int]) -> None:
    """Give a run directory to (uid, gid), with what a server of root has left in it.

    Raises `OSError`. Neither links nor files with a second name are given away: who
    could write here may have laid them.
    """
    os.chown(folder, *owner)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _give(Path(place, name), owner)


def _give(path: Path, owner: tuple[int, int]) -> None:
    found = path.lstat()
    is_single = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    if found.st_uid == 0 and (is_single or stat.S_ISDIR(found.st_mode)):
        os.chown(path, *owner, follow_symlinks=False)


def _check_run_dir(folder: Path, owner: tuple[int, int] | None) -> None:
    """Refuse a folder that somebody else could have laid for us, in /tmp for one.

    Also one that others use: its mode and its owner are about to become ours,
    which for /run or /tmp would be the end of every other program.
    """
    found = folder.lstat()
    names = [path.name for path in folder.iterdir()]
    strange = [name for name in names if not _RUN_FILES.fullmatch(name)]
    if not stat.S_ISDIR(found.st_mode):
        why = "is a symbolic link: name the folder itself in server.run_dir"
    elif found.st_uid not in {0, os.getuid(), *(owner or ())[:1]}:
        why = f"belongs to uid {found.st_uid}: remove it, or set server.run_dir"
    elif strange and not _is_lock(folder / _LOCK):
        why = f"holds {min(strange)!r}, not sparrow's: give it a server.run_dir of its own"
    elif len(os.fsencode(folder / CONTROL_SOCKET)) > _MAX_SOCKET_PATH:
        why = f"has too long a path for the control socket in it: {_MAX_SOCKET_PATH} octets at most"
    else:
        return
    raise FatalError(f"run directory {folder} {why}")


def _is_lock(path: Path) -> bool:
    """Tell whether a server has locked this file before; /run of many systems has such a folder."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _open_lock(folder: Path, owner: tuple[int, int] | None) -> int:
    """Open the lock file.

    The folder belongs to the account that the daemon runs as, so what stands there
    is not to be trusted by root: a link would have us overwrite any file.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    lock_fd = os.open(folder / _LOCK, flags, 0o640)
    if owner:
        os.fchown(lock_fd, *owner)
    return lock_fd


def make_state_dir(path: str, owner: tuple[int, int] | None) -> None:
    """Make the state directory where it is missing, for (uid, gid) `owner`; None to leave it.

    What a server of root has left in it is given to them, and so is the folder, where
    nothing else lies in it. Raises `OSError`: then nothing that an operator orders would
    outlive a restart.
    """
    folder = Path(path)
    _make_folder(folder, owner)
    if owner:
        ours = set(_list_state(folder))
        for path_of_ours in ours:
            _give(path_of_ours, owner)
        if ours.issuperset(folder.iterdir()):  # nobody else keeps anything there
            _give(folder, owner)


def _make_folder(folder: Path, owner: tuple[int, int] | None) -> None:
    """Make a folder of ours; one that is there stays whose it is."""
    if not folder.is_dir():
        folder.mkdir(mode=_STATE_DIR_MODE, parents=True)
        if owner:
            os.chown(folder, *owner)


def _list_state(folder: Path) -> Iterator[Path]:
    """Give what we keep in a state directory, and nothing else that may lie there."""
    for pattern in _STATE_FILES:
        yield from folder.glob(pattern)


def load_cookie_secrets(path: str, owner: tuple[int, int] | None) -> tuple[bytes, ...]:
    """Read the secrets of DNS cookies, and make the file with a fresh one where it is missing.

    A file that is made has mode 0600 and belongs to `owner`, (uid, gid), None to
    leave it. Raises `InputError`.
    """
    file = Path(path)
    try:
        if not file.exists():
            _create_secret(file, owner)
    except OSError as error:
        what = f"the cookie secret cannot be made: {error.strerror}; see server.cookie_secret"
        raise InputError([Problem(what, path)]) from None
    return read_cookie_secrets(path)


def read_cookie_secrets(path: str) -> tuple[bytes, ...]:
    """Read the secrets: 32 hexadecimal digits a line, the newest first; none without a file.

    Raises `InputError`.
    """
    try:
        if not Path(path).exists():
            return ()
        return parse_cookie_secrets(load_octets(path, _MAX_SECRETS).decode("ascii"), path)
    except UnicodeDecodeError:
        what = "this is not a text file: a cookie secret is 32 hexadecimal digits"
        raise InputError([Problem(what, path)]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        what = f"the cookie secret cannot be read: {reason}; see server.cookie_secret"
        raise InputError([Problem(what, path)]) from None


def parse_cookie_secrets(text: str, path: str) -> tuple[bytes, ...]:
    """Read the lines of a secret file; blank lines and `#` comments do not count."""
    found: list[bytes] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        try:
            secret = bytes.fromhex(word)
        except ValueError:
            secret = b""
        if len(secret) == SECRET_SIZE:
            found.append(secret)
        else:
            problems.append(Problem("a cookie secret is 32 hexadecimal digits", path, number))
    if not found and not problems:
        problems.append(Problem("holds no cookie secret: write 32 hexadecimal digits", path))
    if problems:
        raise InputError(problems)
    return tuple(found)


def _create_secret(file: Path, owner: tuple[int, int] | None) -> None:
    """Write a secret aside and rename it; a folder made for it belongs to `owner` too."""
    _make_folder(file.parent, owner)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)  # of a process of our number that was killed just here
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_hex(SECRET_SIZE).encode() + b"\n")
            stream.flush()
            os.fsync(descriptor)
            if owner:
                os.fchown(descriptor, *owner)
        aside.rename(file)
    except OSError:
        aside.unlink(missing_ok=True)  # each start on a full disk would leave one more
        raise
