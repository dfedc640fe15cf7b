"""The client's end of the control socket, where the other end is not as it should be."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from sparrow.client import Connection
from sparrow.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """A control socket that nobody serves."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "control.sock"))
        sock.listen(0)
        yield sock


def test_no_socket_is_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"no daemon listens at .*control\.sock"):
        Connection(str(tmp_path))


def test_a_socket_without_a_listener_is_no_daemon(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "control.sock"))
    with pytest.raises(UnavailableError, match="no daemon listens at"):
        Connection(str(tmp_path))


def test_a_folder_with_too_long_a_path_has_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no daemon listens at"):
        Connection(str(tmp_path / ("x" * 100)))


def test_a_full_queue_is_not_taken_for_no_daemon(tmp_path: Path, listener: socket.socket) -> None:
    assert listener.fileno() >= 0
    with (
        Connection(str(tmp_path), 0.1),
        pytest.raises(UnavailableError, match="is too busy to listen"),
    ):
        Connection(str(tmp_path), 0.1)


def test_a_daemon_that_does_not_answer_in_time_is_unavailable(
    tmp_path: Path, listener: socket.socket
) -> None:
    assert listener.fileno() >= 0
    with (
        Connection(str(tmp_path), 0.1) as connection,
        pytest.raises(UnavailableError, match="the daemon did not answer: timed out"),
    ):
        connection.ask("status")


def test_a_daemon_that_hangs_up_is_unavailable(tmp_path: Path, listener: socket.socket) -> None:
    def hang_up() -> None:
        peer, _ = listener.accept()
        peer.recv(1000)
        peer.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with (
        Connection(str(tmp_path)) as connection,
        pytest.raises(UnavailableError, match="closed the connection without an answer"),
    ):
        connection.ask("status")
    thread.join()
