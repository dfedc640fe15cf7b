"""What a keeper holds, how it is passed on, and what systemd is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from keptserver import PATIENCE_S, layout

from sparrow.config.fields import Endpoint
from sparrow.errors import FatalError, UnavailableError
from sparrow.keeping.activation import take_activated
from sparrow.keeping.charge import Charge, decode_charge, encode_charge
from sparrow.keeping.descriptors import receive_message, send_message
from sparrow.keeping.estate import Estate, Holding, decode_estate, encode_estate
from sparrow.keeping.handover import answer_successor, open_handover, show_handover, take_over
from sparrow.keeping.layout import decode_layout, encode_layout
from sparrow.keeping.listening import furnish, leave_out_absent
from sparrow.keeping.notify import notify
from sparrow.server.sockets import ListenError, open_tcp, open_udp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pair() -> tuple[socket.socket, socket.socket]:
    one, other = socket.socketpair()
    for sock in (one, other):
        sock.settimeout(PATIENCE_S)
    return one, other


@pytest.fixture
def endpoints(free_port: Callable[[], int], tmp_path: Path) -> Callable[[], object]:
    return lambda: layout(tmp_path, free_port()).dns[0]


def estate_of(endpoint: object, *fds: int) -> Estate:
    udp = tuple(Holding(endpoint, fd) for fd in fds)  # type: ignore[arg-type]
    return Estate(udp, (), None, 20, 21, 22, 23)


# --- descriptors ---


@pytest.mark.parametrize("count", [0, 1, 200, 201, 450])
def test_any_number_of_open_files_arrives_in_order(count: int, tmp_path: Path) -> None:
    files = [(tmp_path / str(number)).open("w") for number in range(min(count, 7))]
    sent = [files[number % 7].fileno() for number in range(count)]
    one, other = pair()
    with one, other:
        sender = threading.Thread(target=send_message, args=(one, {"a": [1]}, sent))
        sender.start()
        message, received = receive_message(other)
        sender.join()
    assert {"a": [1]} == message
    assert [os.fstat(fd).st_ino for fd in sent] == [os.fstat(fd).st_ino for fd in received]
    assert not any(map(os.get_inheritable, received))
    for fd in received:
        os.close(fd)
    for file in files:
        file.close()


@pytest.mark.parametrize(
    "octets",
    [b"", b"{", b"[]\n", b'{"message": {}}\n', b'{"descriptors": 2, "message": {}}\n', b"x\n"],
)
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    one, other = pair()
    with other:
        one.sendall(octets)
        one.close()
        with pytest.raises(UnavailableError, match="nothing was handed over"):
            receive_message(other)


# --- layout, estate, charge ---


def test_layout_and_charge_come_out_of_their_text_as_they_went_in(
    endpoints: Callable[[], object], tmp_path: Path
) -> None:
    given = layout(tmp_path, 5300, route_port=endpoints(), user="nobody")
    assert given == decode_layout(encode_layout(given))
    charge = Charge("udp-1", 1, given, estate_of(endpoints(), 5, 6), 9, 77, True, False)
    assert charge == decode_charge(encode_charge(charge))
    assert charge.estate == decode_estate(encode_estate(charge.estate))


def test_every_socket_has_one_worker_or_every_worker_a_socket(
    endpoints: Callable[[], object],
) -> None:
    one, other = endpoints(), endpoints()
    estate = Estate(
        tuple(Holding(each, fd) for fd, each in enumerate([one, one, other, one, other])),  # type: ignore[arg-type]
        (),
        None,
        *range(20, 24),
    )
    assert [[0, 1, 3, 2, 4]] == [[each.fd for each in estate.udp_of(0, 1)]]
    assert [[0, 3, 2], [1, 4]] == [[h.fd for h in estate.udp_of(n, 2)] for n in range(2)]
    assert [[0, 2], [1, 4], [3, 2]] == [[h.fd for h in estate.udp_of(n, 3)] for n in range(3)]


def test_renumbering_keeps_the_order_of_the_descriptors(endpoints: Callable[[], object]) -> None:
    estate = estate_of(endpoints(), 5, 6)
    assert (5, 6, 20, 21, 22, 23) == estate.descriptors
    assert tuple(range(30, 36)) == estate.renumber(range(30, 36)).descriptors


# --- handing over ---


def test_nobody_to_take_over_from(tmp_path: Path) -> None:
    assert take_over(tmp_path) is None
    with open_handover(tmp_path):
        show_handover(tmp_path)
    assert take_over(tmp_path) is None  # it is there, and nobody listens


def test_a_successor_gets_every_file_and_the_predecessor_keeps_its_own(
    home: Path, endpoints: Callable[[], object]
) -> None:
    read_fd, write_fd = os.pipe()
    with open_handover(home) as listener, open_udp(endpoints(), is_shared=True) as udp:  # type: ignore[arg-type]
        show_handover(home)
        estate = Estate(
            (Holding(endpoints(), udp.fileno()),),  # type: ignore[arg-type]
            (),
            None,
            *(udp.fileno(), listener.fileno(), read_fd, write_fd),
        )
        listener.setblocking(True)
        giver = threading.Thread(target=answer_successor, args=(listener, estate))
        giver.start()
        predecessor = take_over(home)
        giver.join()
        assert predecessor is not None
        assert os.getpid() == predecessor.pid
        taken = socket.socket(fileno=predecessor.estate.udp[0].fd)
        assert udp.getsockname() == taken.getsockname()
        predecessor.estate.announce_end()
        assert b"." == os.read(read_fd, 8)
        taken.close()
        for fd in predecessor.estate.descriptors[1:]:
            os.close(fd)
    os.close(read_fd)
    os.close(write_fd)


def test_a_predecessor_that_says_something_else_is_fatal(home: Path) -> None:
    with open_handover(home) as listener:
        show_handover(home)
        listener.setblocking(True)

        def speak() -> None:
            with listener.accept()[0] as sock:
                send_message(sock, {"version": 99}, [])

        giver = threading.Thread(target=speak)
        giver.start()
        with pytest.raises(FatalError, match="hands over in version 99"):
            take_over(home)
        giver.join()


# --- sockets ---


def test_each_worker_gets_a_udp_socket_of_its_own(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    given = layout(tmp_path, free_port(), workers=3)
    furniture = furnish(given, [])
    names = [sock.getsockname() for sock in (*furniture.udp, *furniture.tcp)]
    assert [("127.0.0.1", given.dns[0].port)] * 4 == names
    for sock in furniture.opened:
        sock.close()


def test_what_was_passed_is_taken_and_not_opened_again(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    given = layout(tmp_path, free_port())
    other = layout(tmp_path, free_port()).dns[0]
    pool = [open_udp(given.dns[0], is_shared=True), open_tcp(given.dns[0]), open_tcp(other)]
    passed = list(pool)
    furniture = furnish(given, pool)
    assert [passed[2]] == pool
    assert passed[0] is furniture.udp[0]
    assert [passed[1]] == furniture.tcp
    assert 1 == len(furniture.opened)
    for sock in (*passed, *furniture.opened):
        sock.close()


def test_workers_share_a_socket_that_nobody_may_stand_beside(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    given = layout(tmp_path, free_port())
    with open_udp(given.dns[0]) as alone:
        furniture = furnish(given, [alone])
        assert [alone] == furniture.udp
        furniture.tcp[0].close()


def test_all_endpoints_open_or_none_and_every_refusal_is_told(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    taken, free = free_port(), free_port()
    absent = replace(layout(tmp_path, free_port()).dns[0], host=bytes((192, 0, 2, 77)))
    endpoints = (*layout(tmp_path, free).dns, *layout(tmp_path, taken).dns, absent)
    with socket.create_server(("127.0.0.1", taken)), pytest.raises(ListenError) as refusal:
        furnish(layout(tmp_path, free, dns=endpoints), [])
    first, second = str(refusal.value).splitlines()
    assert first.startswith(f"cannot listen on 127.0.0.1:{taken} (TCP): the address is already")
    assert second.startswith(f"cannot listen on 192.0.2.77:{absent.port} (TCP): the address is not")
    for kind in (open_tcp, open_udp):
        kind(endpoints[0]).close()


LACKED = Endpoint(bytes((192, 0, 2, 77)), 5300)


def test_by_default_an_address_that_the_machine_lacks_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = layout(tmp_path, 5300, is_default_listen=True)
    given = replace(given, dns=(LACKED, *given.dns))
    caplog.set_level("INFO")
    assert replace(given, dns=given.dns[1:]) == leave_out_absent(given)
    expected = (
        "not listening on 192.0.2.77:5300, a default of server.listen: "
        "this machine has no such address"
    )
    assert [expected] == caplog.messages


@pytest.mark.parametrize(
    ("is_default", "others"), [(False, True), (True, False)], ids=["configured", "it has none"]
)
def test_what_was_asked_for_stays_and_so_does_the_last(
    tmp_path: Path, *, is_default: bool, others: bool
) -> None:
    given = layout(tmp_path, 5300, is_default_listen=is_default)
    given = replace(given, dns=(LACKED, *given.dns) if others else (LACKED,))
    assert given == leave_out_absent(given)


# --- systemd ---


def test_notifications_go_where_the_environment_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(home / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(home / "notify"))
        assert notify("READY=1", "MAINPID=7")
        assert b"READY=1\nMAINPID=7" == sock.recv(100)
    assert not notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not notify("READY=1")


def test_sockets_passed_to_somebody_else_are_not_taken() -> None:
    environ = {"LISTEN_FDS": "2", "LISTEN_PID": "1", "LISTEN_FDNAMES": "a:b", "HOME": "/"}
    assert [] == take_activated(environ, 77)
    assert {"HOME": "/"} == environ
    assert [] == take_activated({"LISTEN_FDS": "x", "LISTEN_PID": "77"}, 77)
    assert [] == take_activated({}, 77)


# --- what is imported ---

KNOWLEDGE = {"yaml", "pydantic", "pytricia", "dns", "click", "rich"}
"""Top-level packages of those who read configurations, tables and zones, or talk to people."""


@pytest.mark.parametrize("program", ["keeper", "worker", "tcpworker"])
def test_who_serves_reads_no_configuration_no_table_and_no_zone(program: str) -> None:
    code = f"import sys, sparrow.{program}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    loaded = set(done.stdout.split())
    assert {"sparrow"} <= loaded
    assert set() == KNOWLEDGE & loaded
    # A worker imports what answers misses when it serves already.
    assert program == "tcpworker" or "dnslib" not in loaded
