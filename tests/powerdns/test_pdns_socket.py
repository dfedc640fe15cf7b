"""The socket for PowerDNS as a process serves it, asked by a client of our own."""

from __future__ import annotations

import grp
import json
import os
import random
import signal
import socket
import stat
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

import pytest
from asking import Asker, contents, encode, look_up
from running import NAME, NEAREST, TABLE, Home, is_root, run, scope_of, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from running import Daemon

OTHER_TABLE = TABLE.replace("20.0.0.0/8 64600", "20.0.0.0/8 64602")


def path_of(home: Home) -> Path:
    return home.path / "pdns.sock"


def nearest(home: Home) -> dict[str, list[str]]:
    with Asker(path_of(home)) as asker:
        return {net: contents(asker.rows(f"{NAME}.", real=net), "A") for net in NEAREST}


def addresses(count: int) -> list[str]:
    """Give client addresses, most of them in a route of the table."""
    chance = random.Random(count)
    found: list[str] = []
    while len(found) < count:
        low = chance.getrandbits(24)
        first = chance.choice([10, 20, 20, 20, 30, 40, 50, 127, chance.randrange(256)])
        found.append(str(IPv4Address(first << 24 | low & chance.choice([0xFFFFFF, 0x103FF]))))
        lead = chance.choice([0x2600, 0x2A00, 0x2001, 0x2002, chance.getrandbits(16)])
        found.append(str(IPv6Address(lead << 112 | chance.getrandbits(112))))
    return found


def test_for_a_thousand_addresses_dns_powerdns_and_the_look_up_agree(shared: Home) -> None:
    daemon = shared.daemons[0]
    asked = addresses(1000)
    stdin = "".join(f"{each}\n" for each in asked).encode()
    looked_up = run("lookup", "--json", "-c", shared.config, "-", stdin=stdin).out.splitlines()
    assert len(asked) == len(looked_up)
    with Asker(path_of(shared)) as asker:
        for address, line in zip(asked, looked_up, strict=True):
            subnet = f"{address}/{128 if ':' in address else 32}"
            rows = asker.rows(f"{NAME}.", remote=address, real=subnet)
            assert json.loads(line)["vips"] == [
                *contents(rows, "A"),
                *contents(rows, "AAAA"),
            ], address
            # DNS answers come from the source 127.0.0.1, which decides in special-purpose space.
            rows = asker.rows(f"{NAME}.", remote="127.0.0.1", real=subnet)
            response = daemon.ask(NAME, "A", subnet)
            assert [each.to_text() for each in response.answer[0]] == contents(rows, "A"), address
            assert {response.answer[0].ttl} == {r["ttl"] for r in rows if r["qtype"] == "A"}
            assert {scope_of(response)} == {r["scopeMask"] for r in rows if r["qtype"] == "A"}


def test_requests_are_counted_and_nothing_else_is(shared: Home) -> None:
    daemon = shared.daemons[0]
    with daemon.counting() as moved:
        for _ in range(7):
            nearest(shared)
    assert {"pdns_requests": 7 * len(NEAREST)} == moved


def test_requests_in_a_row_are_answered_in_order(shared: Home) -> None:
    with Asker(path_of(shared)) as asker:
        lines = [encode(look_up(f"{NAME}.", "A", real=net)) for net in NEAREST]
        asker.sock.sendall(b"".join(lines))
        found = [json.loads(asker.stream.readline())["result"] for _ in lines]
    assert [*NEAREST.values()] == [contents(rows, "A") for rows in found]


@pytest.mark.parametrize("octets", [b"x" * 70000, b"half a line"])
def test_a_line_without_an_end_ends_its_own_connection(shared: Home, octets: bytes) -> None:
    with Asker(path_of(shared)) as asker, Asker(path_of(shared)) as other:
        asker.sock.sendall(octets)
        asker.sock.shutdown(socket.SHUT_WR)
        assert asker.is_closed()
        assert {"result": True} == other.ask({"method": "initialize", "parameters": {}})


def test_there_are_so_many_connections_and_no_more(shared: Home) -> None:
    with ExitStack() as stack:
        askers = [stack.enter_context(Asker(path_of(shared))) for _ in range(256)]
        for asker in askers:
            assert {"result": True} == asker.ask({"method": "initialize"})
        with Asker(path_of(shared)) as one_more:
            assert one_more.is_closed()
    wait_until(lambda: can_ask(shared))


def can_ask(home: Home) -> bool:
    with Asker(path_of(home)) as asker:
        try:
            return asker.ask({"method": "initialize"}) == {"result": True}
        except (OSError, AssertionError):
            return False


def test_the_socket_is_for_owner_and_group_and_goes_with_the_server(home: Home) -> None:
    daemon = home.serve()
    found = path_of(home).stat()
    assert 0o660 == stat.S_IMODE(found.st_mode)
    assert stat.S_ISSOCK(found.st_mode)
    assert 0 == daemon.stop()
    assert not path_of(home).exists()


@pytest.mark.skipif(not is_root(), reason="only root gives files away")
def test_a_group_may_be_let_in(home: Home) -> None:
    group = grp.getgrall()[-1]
    home.configure(ssrs=f"pdns: {{socket: pdns.sock, group: {group.gr_name}}}\n")
    home.serve()
    assert group.gr_gid == path_of(home).stat().st_gid
    assert NEAREST == nearest(home)


@pytest.mark.skipif(not is_root(), reason="only root gives folders away")
def test_a_folder_may_give_the_socket_its_group(home: Home) -> None:
    group = grp.getgrall()[-1].gr_gid
    folder = home.path / "sockets"
    folder.mkdir()
    os.chown(folder, -1, group)
    folder.chmod(0o2750)
    home.configure(ssrs="pdns: {socket: sockets/pdns}\n")
    home.serve()
    found = (folder / "pdns").stat()
    assert (group, 0o660) == (found.st_gid, stat.S_IMODE(found.st_mode))


def test_what_stands_in_the_way_is_said_and_left_alone(home: Home) -> None:
    path_of(home).write_text("mine")
    ended = home.begin().process.wait(60)
    assert (2, "mine") == (ended, path_of(home).read_text())
    assert f"cannot listen on {path_of(home)}: there is a file of" in home.daemons[-1].log()
    path_of(home).unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path_of(home)))
        other.listen()
        assert 2 == home.begin().process.wait(60)
        assert "another server listens there; see 'pdns'" in home.daemons[-1].log()
        assert path_of(home).exists()
    home.serve()  # nobody listens there any more
    assert NEAREST == nearest(home)


@pytest.mark.parametrize(
    ("pdns", "what"),
    [
        ("{socket: none/pdns.sock}", "none/pdns.sock: No such file or directory; see 'pdns'"),
        ("{socket: s, group: no-such-group}", "this system has no group 'no-such-group'; see"),
    ],
)
def test_a_socket_that_cannot_be_made_is_said(home: Home, pdns: str, what: str) -> None:
    home.configure(ssrs=f"pdns: {pdns}\n")
    daemon = home.begin()
    assert 2 == daemon.process.wait(60)
    assert what in daemon.log()
    assert [] == list(home.path.glob(".[0-9]*"))


def test_a_reload_is_followed_on_the_same_connection(home: Home) -> None:
    daemon = home.serve()
    with Asker(path_of(home)) as asker:
        before = contents(asker.rows(f"{NAME}.", real="20.5.0.0/24"), "A")
        home.write("table.routes", OTHER_TABLE)
        assert daemon.command("reload")["ok"]
        after = contents(asker.rows(f"{NAME}.", real="20.5.0.0/24"), "A")
    assert (["210.18.215.100"], ["198.51.100.1", "198.51.100.2"]) == (before, after)


def test_another_socket_needs_a_restart_and_a_reload_says_so(home: Home) -> None:
    daemon = home.serve()
    home.configure(ssrs="pdns: {socket: other.sock}\n")
    response = daemon.command("reload")
    assert ["pdns"] == response["result"]["needs_restart"]
    assert NEAREST == nearest(home)


def test_an_order_is_followed_at_once(home: Home) -> None:
    home.serve()
    ordered = home.sparrow("site", "down", "au", "--reason", "test", "--yes")
    assert 0 == ordered.returncode, ordered.stderr
    wait_until(lambda: nearest(home)["20.5.0.0/24"] == ["193.173.27.8"])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def worker_pid(daemon: Daemon) -> int:
    return int(next(row for row in daemon.status()["workers"] if row["name"] == "tcp")["pid"])


def test_answers_go_on_while_the_daemon_is_dead(home: Home) -> None:
    daemon = home.serve()
    os.kill(daemon.pid, signal.SIGSTOP)  # the keeper, so that there is no other daemon
    try:
        pid = daemon.status()["daemon_pid"]
        with Asker(path_of(home)) as asker:
            kill(pid)
            rows = asker.rows(f"{NAME}.", real="20.5.0.0/24")
        assert ["210.18.215.100"] == contents(rows, "A")
        assert NEAREST == nearest(home)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def test_a_dead_worker_is_replaced_and_who_connects_meanwhile_waits(home: Home) -> None:
    daemon = home.serve()
    with Asker(path_of(home)) as asker:
        assert {"result": True} == asker.ask({"method": "initialize"})  # so it is accepted
        before = worker_pid(daemon)
        kill(before)
        assert asker.is_closed()
        assert NEAREST == nearest(home)
        wait_until(lambda: worker_pid(daemon) != before)


def test_a_successor_takes_the_socket_over(home: Home) -> None:
    first = home.serve()
    inode = path_of(home).stat().st_ino
    second = home.begin("--replace").wait_for("ready, serial")
    assert 0 == first.process.wait(60)
    assert inode == path_of(home).stat().st_ino
    assert NEAREST == nearest(home)
    assert 0 == second.stop()
    assert not path_of(home).exists()


def test_a_successor_without_the_key_has_no_socket(home: Home) -> None:
    first = home.serve()
    home.configure(ssrs="")
    home.begin("--replace").wait_for("ready, serial")
    assert 0 == first.process.wait(60)
    with pytest.raises(ConnectionRefusedError):
        Asker(path_of(home))


def test_answers_go_on_when_keeper_configuration_and_tables_are_gone(home: Home) -> None:
    daemon = home.serve()
    daemon.kill()
    for name in ("table.routes", "www.zone", "sparrow.yaml"):
        (home.path / name).unlink()
    assert NEAREST == nearest(home)
