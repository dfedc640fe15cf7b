"""The route port beside a real bgpd with the same routes (Debian: frr).

Octets of the login and of line editing are compared as they are; answers line
by line, after what FRR adds to Zebra's lines was taken away.
"""

from __future__ import annotations

import random
import re
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes, converse, drain, read_routes
from served_routes import PROMPT, WAIT_S, read_all, read_until, say

from sparrow.ssrs.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Address = tuple[str, int]

ROUTES = """
10.0.0.0/8 7
10.1.0.0/16 64600 64601
10.1.2.0/24 7
192.168.100.128/25 131072
203.0.113.0/24 64601
2001:db8::/32 7
2001:db8:1::/48 64600 64601
"""

NOT_ECHOED = (b"\x00", b"\x80", b"\xff\xff", b"\xff\xfb\x1f")
EDITING = (b"\x01", b"\x02", b"\x05", b"\x06", b"\x08", b"\x7f", b"\x0b", b"\x14", b"\x15", b"\x17")
BEHIND_ESCAPE = (b"\x1bb", b"\x1bf", b"\x1bd", b"\x1b\x7f", b"\x1b[C", b"\x1b[D")
LETTERS = (b"a", b"b", b"c", b" ")


def write_config(path: Path) -> None:
    """Write FRR's configuration with the same routes, and paths prepended to empty ones."""
    maps, networks = [], {4: [], 6: []}
    for number, (prefix, route) in enumerate(read_routes(ROUTES).items()):
        maps += [f"route-map R{number} permit 10", f" set as-path prepend {route}", "!"]
        networks[prefix.family].append(f"  network {prefix} route-map R{number}")
    lines = ["hostname sparrow", "password secret", *maps, "router bgp 65000"]
    lines += [" bgp router-id 192.0.2.1", " no bgp network import-check"]
    for family, rows in networks.items():
        lines += [f" address-family ipv{family} unicast", *rows, " exit-address-family"]
    path.write_text("\n".join([*lines, "line vty", ""]))
    path.chmod(0o644)


@pytest.fixture(scope="module")
def bgpd(
    needs: Callable[[str], str],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Address]:
    """Where a bgpd listens that has the routes of `ROUTES`."""
    program = needs("bgpd")
    folder = tmp_path_factory.mktemp("bgpd")
    write_config(folder / "bgpd.conf")
    address = ("127.0.0.1", free_port())
    command = [program, "-n", "-Z", "-S", "-p", "0", "-N", f"sparrow{address[1]}"]
    command += ["-f", str(folder / "bgpd.conf"), "-i", str(folder / "pid")]
    command += ["--vty_socket", str(folder), "-A", address[0], "-P", str(address[1])]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until_loaded(address, process)
        yield address
    finally:
        process.kill()
        process.wait()


def wait_until_loaded(address: Address, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + WAIT_S
    while not is_loaded(address):
        assert process.poll() is None, "bgpd ended"
        assert time.monotonic() < end, "bgpd has no routes yet"
        time.sleep(0.1)


def is_loaded(address: Address) -> bool:
    try:
        with log_in(address) as peer:
            entries = [say(peer, f"show bgp {name}\n".encode()) for name in named_prefixes()]
            return all(b"best #1" in entry for entry in entries)
    except OSError:
        return False


def named_prefixes() -> list[str]:
    return [f"ipv{prefix.family} {prefix}" for prefix in read_routes(ROUTES)]


def connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=WAIT_S)


def log_in(address: Address) -> socket.socket:
    peer = connect(address)
    read_until(peer, b"Password: ")
    say(peer, b"secret\n")
    return peer


def new_session() -> Session:
    return Session(ListedRoutes(read_routes(ROUTES)), "sparrow", "secret")


def without_additions(output: bytes) -> list[str]:
    """Give FRR's lines as Zebra wrote them, with no more than Zebra wrote."""
    text = output.decode().replace("\r", "")
    for addition, zebra in (
        (r"(entry for .*), version \d+", r"\1"),
        (r"table default\)", "table Default-IP-Routing-Table)"),
        (r"sourced, local, best \(First path received\)", "sourced, best"),
        (r", metric 0, weight 32768", ", localpref 100"),
        (r"Origin IGP", "Origin incomplete"),
        (r"% \[BGP\] Unknown command: .*", "% Unknown command."),
        (r"Last update: .*", "Last update:"),
    ):
        text = re.sub(addition, zebra, text)
    return text.split("\n")


def our_lines(output: bytes) -> list[str]:
    """Give our lines without the time and the empty line that ctime's line feed makes."""
    text = output.decode().replace("\r", "")
    return re.sub(r"Last update: .*\n\n", "Last update:\n", text).split("\n")


def test_the_greeting_has_the_octets_of_a_bgpd(bgpd: Address) -> None:
    with connect(bgpd) as peer:
        theirs = read_until(peer, b"Password: ")
    start = b"\r\nUser Access Verification"
    ours = drain(new_session())
    assert theirs[theirs.index(start) :] == ours[ours.index(start) :]
    assert re.match(rb"\r\nHello, this is \w+ \(version [\d.]+\)\.\r\n", theirs)
    assert re.match(rb"\r\nHello, this is \w+ \(version [\d.]+\)\.\r\n\r\n", ours)


@pytest.mark.parametrize(
    "typed", [b"bad\nsecret\nexit\n", b"a\nb\nc\n", b"se\x7fecret\x03secret\nquit\n", b"\n\n\n"]
)
def test_the_login_has_the_octets_of_a_bgpd(bgpd: Address, typed: bytes) -> None:
    with connect(bgpd) as peer:
        read_until(peer, b"Password: ")
        peer.sendall(typed)
        theirs = read_all(peer)
    session = new_session()
    assert theirs == converse(session, typed)
    assert session.is_closed


@pytest.mark.parametrize(
    "line",
    [
        "show ip bgp 10.1.2.3",
        "show ip bgp 10.1.9.9",
        "sh ip bgp 10.2.0.1",
        "sho ip bgp 192.168.100.129",
        "show ip bgp 10.1.0.0/16",
        "show ip bgp 10.1.99.99/16",
        "show bgp ipv4 unicast 203.0.113.5",
        "show bgp ipv6 2001:db8::1",
        "show bgp ipv6 unicast 2001:db8:1::1",
        "show bgp ipv6 2001:db8::/32",
        "show ip bgp 99.1.1.1",
        "show ip bgp 10.1.0.0/17",
        "show ip bgp 192.168.100.1",
        "show bgp ipv6 2002::1",
        "show bgp ipv6 2001:db8::/33",
        "blah",
        "show blah",
        "show ip bgp x",
        "show ip bgp 1.2.3.4.5",
        "show ip bgp 1.2.3.400",
        "show ip bgp 10.1.2.3/44",
        "show ip bgp 10.1.2.3 blah",
        "show bgp ipv6 2001::zz",
        "terminal length 600",
        "terminal length 0",
        "terminal no length",
        "show",
        "s",
        "sh ip",
        "terminal",
        "e",
        "",
        "   ",
        "!remark",
        "#remark",
    ],
)
def test_an_answer_has_the_lines_of_a_bgpd(bgpd: Address, line: str) -> None:
    typed = line.encode() + b"\n"
    with log_in(bgpd) as peer:
        theirs = say(peer, typed)
    session = new_session()
    converse(session, b"secret\n")
    assert without_additions(theirs) == our_lines(converse(session, typed))


def rows(output: bytes) -> list[list[str]]:
    """Give the words of the rows of a table: network, next hop, and the path behind the weight."""
    text = output.decode().split("Path\r\n")[1].replace("\r\n    ", " ")
    words = [line.split() for line in text.split("\r\n") if line.startswith("*>")]
    return [[*row[1:3], *row[3:][row[3:].index("0") + 1 :]] for row in words]


def with_full_masks(output: bytes) -> bytes:
    """Put back the classful masks that Zebra leaves out, and FRR does not."""
    output = re.sub(rb"(\*> 10\.0\.0\.0)  ", rb"\1/8", output)
    output = re.sub(rb"(\*> 203\.0\.113\.0)   ", rb"\1/24", output)
    return output.replace(b" ?\r\n", b" i\r\n")


@pytest.mark.parametrize("line", [b"show ip bgp\n", b"show bgp ipv6\n"])
def test_a_table_has_the_rows_of_a_bgpd(bgpd: Address, line: bytes) -> None:
    with log_in(bgpd) as peer:
        theirs = say(peer, line).replace(b" 32768 ", b"   ")
    session = new_session()
    converse(session, b"secret\n")
    assert rows(theirs) == rows(with_full_masks(converse(session, line)))


@pytest.mark.parametrize("seed", range(10))
def test_editing_a_line_has_the_octets_of_a_bgpd(bgpd: Address, seed: int) -> None:
    choice = random.Random(seed)
    keys = LETTERS * 5 + NOT_ECHOED + EDITING + BEHIND_ESCAPE
    typed = b"abc " + b"".join(choice.choice(keys) for _ in range(200)) + b"\x03"
    session = new_session()
    converse(session, b"secret\n")
    with log_in(bgpd) as peer:
        assert say(peer, typed) == converse(session, typed)
    assert not session.is_closed


def test_completing_and_describing_have_the_octets_of_a_bgpd(bgpd: Address) -> None:
    typed = b"sh\t\x15zz\t\x15zz?\x15term\t\x15show x\t\x15!\x03"
    session = new_session()
    converse(session, b"secret\n")
    with log_in(bgpd) as peer:
        peer.sendall(typed)
        theirs = read_until(peer, b"!\r\n" + PROMPT)
    assert theirs == converse(session, typed)


@pytest.mark.parametrize("key", [b"q", b"Q", b"\x03"])
def test_a_page_ends_with_the_octets_of_a_bgpd(bgpd: Address, key: bytes) -> None:
    typed = b"\xff\xfa\x1f\x00\x50\x00\x06\xff\xf0show ip bgp\n"
    session = new_session()
    converse(session, b"secret\n")
    ours = converse(session, typed)
    with log_in(bgpd) as peer:
        peer.sendall(typed)
        theirs = read_until(peer, b" --More-- \0")
        assert say(peer, key) == converse(session, key)
    assert theirs.count(b"\n") == ours.count(b"\n")
    assert ours.endswith(b"\r\n --More-- ")
