"""A daemon in reserve: it tells the layout, and has a charge with all its files, or is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from keptserver import is_alive, layout, wait_for

from sparrow.config.fields import Endpoint
from sparrow.errors import FatalError
from sparrow.keeping.call import take_charge
from sparrow.keeping.charge import Charge, decode_charge, encode_charge
from sparrow.keeping.estate import Estate, Holding
from sparrow.keeping.reserve import Reserve
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator

DAEMON = """
import os, socket, sys
from sparrow.keeping.call import Call
print(os.getpid(), file=open(sys.argv[1] + "/pid", "w"), flush=True)
call = Call(int(sys.argv[-2]))
if sys.argv[-1] == "/etc/odd.yaml":
    call.refuse("/etc/odd.yaml:3: that is odd")
else:
    call.tell_layout("the layout of " + sys.argv[-1])
charge = call.take_charge()
if charge is None:
    sys.exit(9)
os.write(charge.estate.finish_write_fd, b"pipe")
with socket.socket(fileno=charge.tether_fd) as tether:
    tether.send(f"{charge.name} {os.get_inheritable(charge.estate.lock_fd)}".encode())
"""
HOLDER = """
import signal, sys
from sparrow.keeping.reserve import Reserve
with Reserve([*sys.argv[1:]]) as reserve:
    reserve.start("/etc/sparrow.yaml")
    signal.pause()
"""


@pytest.fixture
def charge(tmp_path: Path) -> Iterator[Charge]:
    """A charge whose estate is pipes; what is written comes out at the end that is read."""
    read_fd, write_fd = os.pipe()
    spare = [os.dup(read_fd) for _ in range(3)]
    held = Holding(Endpoint(parse_address("127.0.0.1"), 53), spare[0])
    estate = Estate((held,), (), None, spare[1], spare[2], read_fd, write_fd)
    yield Charge("daemon", 0, layout(tmp_path, 53), estate, -1, 7, False, False)
    for fileno in (*spare, read_fd, write_fd):
        os.close(fileno)


def program(folder: Path) -> list[str]:
    return [sys.executable, "-c", DAEMON, str(folder)]


def pid_in(folder: Path) -> int:
    """Give the process of a reserve that runs."""
    path = folder / "pid"
    return int(wait_for(lambda: path.exists() and path.read_text().strip(), "the reserve"))


def test_the_daemon_tells_the_layout_and_gets_its_charge_with_open_files_of_its_own(
    charge: Charge, tmp_path: Path
) -> None:
    with Reserve(program(tmp_path)) as reserve:
        reserve.start("/etc/sparrow.yaml")
        assert "the layout of /etc/sparrow.yaml" == reserve.receive_layout()
        found = reserve.send(encode_charge(charge), charge.estate.descriptors)
        assert found is not None
    process, tether = found
    with tether:
        assert b"daemon False" == tether.recv(64)
    assert b"pipe" == os.read(charge.estate.finish_read_fd, 64)
    assert (0, process.pid) == (process.wait(), pid_in(tmp_path))


def test_a_daemon_that_refuses_the_configuration_is_gone_and_its_words_are_told(
    charge: Charge, tmp_path: Path
) -> None:
    with Reserve(program(tmp_path)) as reserve:
        reserve.start("/etc/odd.yaml")
        with pytest.raises(FatalError, match=r"^/etc/odd\.yaml:3: that is odd$"):
            reserve.receive_layout()
        assert not is_alive(pid_in(tmp_path))
        assert reserve.send(encode_charge(charge), charge.estate.descriptors) is None


def test_what_is_started_twice_is_started_once(tmp_path: Path) -> None:
    with Reserve(program(tmp_path)) as reserve:
        reserve.start("/etc/sparrow.yaml")
        pid = pid_in(tmp_path)
        (tmp_path / "pid").unlink()
        reserve.start("/etc/odd.yaml")
        assert "the layout of /etc/sparrow.yaml" == reserve.receive_layout()
        assert is_alive(pid)
        assert not (tmp_path / "pid").exists()


def test_who_gets_no_charge_is_gone_on_leaving(tmp_path: Path) -> None:
    with Reserve(program(tmp_path)) as reserve:
        reserve.start("/etc/sparrow.yaml")
        pid = pid_in(tmp_path)
        assert is_alive(pid)
        assert Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"\0/etc/sparrow.yaml\0")
    assert not is_alive(pid)


def test_who_waits_for_a_charge_ends_with_the_one_that_would_send_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, *program(tmp_path)]) as holder:
        pid = pid_in(tmp_path)
        holder.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_alive(pid), "the end of the reserve")


def test_a_daemon_that_died_gets_no_charge(charge: Charge, tmp_path: Path) -> None:
    with Reserve(program(tmp_path)) as reserve:
        reserve.start("/etc/sparrow.yaml")
        pid = pid_in(tmp_path)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), "the end of the reserve")
        assert reserve.send(encode_charge(charge), charge.estate.descriptors) is None


def test_a_daemon_that_died_tells_no_layout() -> None:
    with Reserve([sys.executable, "-c", "raise SystemExit(3)"]) as reserve:
        reserve.start("/etc/sparrow.yaml")
        assert reserve.receive_layout() is None


def test_without_a_daemon_there_is_none_to_ask_or_to_charge(charge: Charge, tmp_path: Path) -> None:
    with Reserve(program(tmp_path)) as reserve:
        assert reserve.receive_layout() is None
        assert reserve.send(encode_charge(charge), charge.estate.descriptors) is None
    with Reserve(["/nonexistent/program"]) as reserve:
        reserve.start("/etc/sparrow.yaml")
        assert reserve.send(encode_charge(charge), charge.estate.descriptors) is None


def test_a_charge_may_be_the_argument_itself(charge: Charge) -> None:
    text = encode_charge(charge)
    assert decode_charge(text) == take_charge(text)
