"""From one keeper to the next: all its open files, over a socket in the run directory.

Law: to hand over gives copies and takes nothing away; the predecessor serves on
until the successor, serving as well, announces its end. Start from `take_over`.

    successor                             predecessor: its keeper, or if that is dead any worker
    locks RUN_DIR
    connects to RUN_DIR/keeper.sock
                                          sends version, pid, estate and descriptors
    starts its processes, all are ready
    writes to the pipe of the estate      every process finishes its batch and leaves
    unlocks RUN_DIR

The lock is for successors among each other: of two at once each would serve, and only
one would be known to whoever comes next.
"""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.errors import FatalError, UnavailableError
from sparrow.keeping.descriptors import receive_message, send_message
from sparrow.keeping.estate import Estate, decode_estate, encode_estate

if TYPE_CHECKING:
    from pathlib import Path

SOCKET = "keeper.sock"
"""Name of the socket in the run directory."""
VERSION = 1
_PATIENCE_S = 10.0
"""Seconds for the other end; it is on this machine and has nothing to compute."""
_SOCKET_MODE = 0o600
_BACKLOG = 8


@dataclass(frozen=True, slots=True)
class Predecessor:
    """Who serves until we do."""

    pid: int
    """The process that handed over."""
    estate: Estate
    """What it holds, under descriptors of ours."""
    turn_fd: int
    """The lock that keeps other successors out; it ends with us, or with `announce_end`."""

    def announce_end(self) -> None:
        """Tell every process of it that we serve; from now on we are who can be succeeded."""
        self.estate.announce_end()
        os.close(self.turn_fd)


def open_handover(run_dir: Path) -> socket.socket:
    """Listen for a successor, beside the socket that a predecessor may have; see `show_handover`.

    Raises `FatalError`.
    """
    aside = _aside(run_dir)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        aside.unlink(missing_ok=True)
        sock.bind(str(aside))
        aside.chmod(_SOCKET_MODE)
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise FatalError(f"{aside}: {error.strerror}; see server.run_dir") from None
    return sock


def show_handover(run_dir: Path) -> None:
    """Put the socket of `open_handover` in its place; from now on we are the one to succeed."""
    _aside(run_dir).rename(run_dir / SOCKET)


def _aside(run_dir: Path) -> Path:
    return run_dir / f".{SOCKET}.{os.getpid()}"


def remove_handover(run_dir: Path) -> None:
    """Remove a socket that was never shown."""
    _aside(run_dir).unlink(missing_ok=True)


def answer_successor(listener: socket.socket, estate: Estate) -> int | None:
    """Accept a connection and hand over; give the pid of the successor.

    None where it went away, or another process of ours was faster.
    """
    try:
        sock, _ = listener.accept()
    except OSError:
        return None
    with sock, suppress(OSError):
        sock.settimeout(_PATIENCE_S)
        pid = _pid_of_peer(sock)
        message = {"version": VERSION, "pid": os.getpid(), "estate": encode_estate(estate)}
        send_message(sock, message, estate.descriptors)
        return pid
    return None


def _pid_of_peer(sock: socket.socket) -> int:
    # struct ucred (unix(7)): pid, uid, gid.
    return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), "little")


def take_over(run_dir: Path) -> Predecessor | None:
    """Get what the server of a run directory holds; None where none is there.

    Raises `FatalError` where there is one that does not hand over, or somebody else is
    taking its place.
    """
    turn_fd = _take_turn(run_dir)
    if turn_fd is None:
        return None
    found = None
    try:
        found = _receive_estate(run_dir, turn_fd)
    finally:
        if found is None:
            os.close(turn_fd)
    return found


def _take_turn(run_dir: Path) -> int | None:
    """Lock a run directory; give what holds the lock, None where there is no such directory."""
    try:
        turn_fd = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FatalError(f"{run_dir}: {error.strerror}; see server.run_dir") from None
    try:
        fcntl.flock(turn_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(turn_fd)
        raise FatalError(
            f"another process is taking the place of the server of {run_dir} at this moment: "
            "wait until it is ready, or stop it"
        ) from None
    return turn_fd


def _receive_estate(run_dir: Path, turn_fd: int) -> Predecessor | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_PATIENCE_S)
        try:
            sock.connect(str(run_dir / SOCKET))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        except OSError as error:
            raise FatalError(f"{run_dir / SOCKET}: {error.strerror or error}") from None
        try:
            message, descriptors = receive_message(sock)
            if message["version"] != VERSION:
                raise FatalError(
                    f"the server of {run_dir} hands over in version {message['version']}, "
                    f"and this program takes {VERSION}: stop it first"
                )
            estate = decode_estate(message["estate"]).renumber(descriptors)
            return Predecessor(message["pid"], estate, turn_fd)
        except UnavailableError as error:
            raise FatalError(f"the server of {run_dir} does not hand over: {error}") from None
