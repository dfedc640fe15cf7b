"""The client's end of the control socket, where the other end is not as it should be."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sparrow.client import Connection, connect
from sparrow.control.protocol import encode_problems, encode_result
from sparrow.errors import Problem, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


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


# Folders in which a daemon may be.


@contextmanager
def telling(run_dir: Path, response: bytes) -> Iterator[None]:
    """Give one response to the first request at the control socket of a folder."""
    run_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(run_dir / "control.sock"))
        sock.listen(8)

        def tell() -> None:
            client, _ = sock.accept()
            with client, client.makefile("rb") as requests:
                if requests.readline() and response:
                    client.sendall(response)
                    requests.readline()

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        yield
        thread.join(10)
        assert not thread.is_alive()


def status_of(config: Path) -> bytes:
    return encode_result({"config": str(config)})


def test_a_daemon_in_the_first_folder_is_not_asked_who_it_is(tmp_path: Path) -> None:
    with telling(tmp_path / "a", b""), connect([str(tmp_path / "a")], "/c") as connection:
        assert isinstance(connection, Connection)


def test_a_daemon_elsewhere_is_taken_where_it_has_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "sparrow.yaml"
    config.touch()
    (tmp_path / "link.yaml").symlink_to(config)
    run_dirs = [str(tmp_path / name) for name in ("none", "unit")]
    with (
        telling(tmp_path / "unit", status_of(config)),
        connect(run_dirs, str(tmp_path / "link.yaml")) as connection,
    ):
        assert isinstance(connection, Connection)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (status_of(Path("/etc/other.yaml")), "the one in {}/unit has another configuration"),
        (encode_problems([Problem("not now")]), "not now"),
        (b"", "the daemon closed the connection without an answer"),
    ],
    ids=["another", "refuses", "hangs up"],
)
def test_a_daemon_elsewhere_that_does_not_say_so_is_left_alone(
    tmp_path: Path, response: bytes, reason: str
) -> None:
    run_dirs = [str(tmp_path / name) for name in ("none", "unit")]
    with (
        telling(tmp_path / "unit", response),
        pytest.raises(UnavailableError) as refusal,
    ):
        connect(run_dirs, "/etc/sparrow.yaml")
    expected = f"no daemon listens at {tmp_path}/none/control.sock; {reason.format(tmp_path)}"
    assert expected == str(refusal.value)


def test_all_folders_without_a_daemon_are_named(tmp_path: Path) -> None:
    run_dirs = [str(tmp_path / name) for name in "ab"]
    with pytest.raises(UnavailableError) as refusal:
        connect(run_dirs, "/etc/sparrow.yaml")
    texts = [f"no daemon listens at {run_dir}/control.sock" for run_dir in run_dirs]
    assert "; ".join(texts) == str(refusal.value)
