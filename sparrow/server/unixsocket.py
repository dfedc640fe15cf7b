"""A Unix socket that listens at a configured path.

Law: a socket that somebody listens at is not taken away from him; one that nobody
listens at any more is replaced in one step. Start from `open_unix`.
"""

from __future__ import annotations

import grp
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from sparrow.server.sockets import ListenError

UNIX_CONNECTIONS = 256
"""Most at once; PowerDNS opens some four for each of its threads, and keeps them."""
_MODE = 0o660
_BACKLOG = 1024
"""Clients that may wait to be accepted; beyond it Linux turns them away at once."""
_PATIENCE_S = 1.0


def open_unix(path: str, group: str | None) -> socket.socket:
    """Listen at a path, mode 0660; `group` is who may connect, None for our own group.

    Raises `ListenError`.
    """
    place = Path(path)
    aside = place.with_name(f".{os.getpid()}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _check_free(place)
        aside.unlink(missing_ok=True)
        sock.bind(os.fspath(aside))
        _give(aside, group)
        aside.chmod(_MODE)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
        aside.rename(place)
    except (OSError, KeyError) as error:
        sock.close()
        with suppress(OSError):
            aside.unlink()
        raise _refuse(path, group, error) from None
    return sock


def give_unix(path: str, group: str | None) -> None:
    """Let another group connect at a path; None changes nothing. Raises `ListenError`."""
    try:
        _give(Path(path), group)
    except (OSError, KeyError) as error:
        raise _refuse(path, group, error) from None


def _give(place: Path, group: str | None) -> None:
    """Give a socket to a group. Raises `OSError`, or `KeyError` where there is none."""
    if group is not None:
        os.chown(place, -1, grp.getgrnam(group).gr_gid)


def _refuse(path: str, group: str | None, error: OSError | KeyError) -> ListenError:
    reason = f"this system has no group {group!r}"
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
    return ListenError(f"cannot listen on {path}: {reason}; see 'pdns'")


def _check_free(place: Path) -> None:
    """Check that nobody listens at a path, and that nothing but a socket is there.

    Raises `OSError`.
    """
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError("there is a file of this name, and it is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(_PATIENCE_S)
        try:
            peer.connect(os.fspath(place))
        except ConnectionRefusedError:
            return
    raise OSError("another server listens there")


def remove_unix(path: str, inode: int) -> None:
    """Remove a socket that is at a path, if it is still the one with this number."""
    with suppress(OSError):
        if os.lstat(path).st_ino == inode:
            os.unlink(path)  # noqa: PTH108  (beside lstat)
