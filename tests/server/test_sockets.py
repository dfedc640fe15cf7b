from __future__ import annotations

import errno
import resource
import socket
from typing import TYPE_CHECKING

import pytest
from dnspeer import endpoint

from sparrow.server.sockets import (
    ListenError,
    allow_files,
    explain_refusal,
    open_tcp,
    open_udp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_both_wildcards_share_a_port(free_port: Callable[[], int]) -> None:
    port = free_port()
    for opener in (open_udp, open_tcp):
        with opener(endpoint("0.0.0.0", port)) as four, opener(endpoint("::", port)) as six:
            assert [port, port] == [sock.getsockname()[1] for sock in (four, six)]
            assert [False, False] == [sock.getblocking() for sock in (four, six)]


def test_the_receive_buffer_is_as_large_as_the_system_gives(free_port: Callable[[], int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        usual = plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    with open_udp(endpoint("127.0.0.1", free_port())) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= usual


def test_forged_path_mtus_are_not_believed(free_port: Callable[[], int]) -> None:
    omit = 5  # IP_PMTUDISC_OMIT, IPV6_PMTUDISC_OMIT
    with open_udp(endpoint("127.0.0.1", free_port())) as sock:
        assert omit == sock.getsockopt(socket.IPPROTO_IP, 10)  # IP_MTU_DISCOVER
    with open_udp(endpoint("::1", free_port())) as sock:
        assert omit == sock.getsockopt(socket.IPPROTO_IPV6, 23)  # IPV6_MTU_DISCOVER


@pytest.mark.parametrize(("opener", "transport"), [(open_udp, "UDP"), (open_tcp, "TCP")])
def test_an_address_in_use_is_named_with_a_command_that_shows_its_user(
    free_port: Callable[[], int],
    opener: Callable[..., socket.socket],
    transport: str,
) -> None:
    one = endpoint("127.0.0.1", free_port())
    with opener(one), pytest.raises(ListenError) as refusal:
        opener(one)
    flag = transport[0].lower()
    expected = (
        f"cannot listen on 127.0.0.1:{one.port} ({transport}): the address is already in use: "
        f"another name server runs there; `ss -l{flag}np 'sport = :{one.port}'` shows it"
    )
    assert expected == str(refusal.value)


def test_a_link_local_address_is_refused_with_the_way_out(free_port: Callable[[], int]) -> None:
    with pytest.raises(ListenError, match=r"\[::\] listens on link-local addresses too"):
        open_udp(endpoint("fe80::53", free_port()))


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (errno.EACCES, "ports below 1024 need root or CAP_NET_BIND_SERVICE"),
        (errno.EADDRNOTAVAIL, "the address is not on this machine"),
        (errno.EAFNOSUPPORT, "IPv6 is switched off"),
        (errno.ENOBUFS, "No buffer space available"),
    ],
)
def test_a_refusal_names_the_address_and_says_what_to_do(number: int, part: str) -> None:
    text = explain_refusal(endpoint("::1", 53), "UDP", OSError(number, "as the system has it"))
    assert text.startswith("cannot listen on [::1]:53 (UDP): ")
    assert part in text


@pytest.fixture
def hard_limit() -> Iterator[int]:
    """The hard limit of open files, with a soft one of 256 while the test runs."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("hard_limit")
def test_as_many_files_as_needed_are_allowed_and_never_fewer_than_before() -> None:
    assert [256, 300, 300] == [allow_files(count) for count in (10, 300, 200)]
    assert 300 == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_the_hard_limit_of_open_files_stands(hard_limit: int) -> None:
    if hard_limit == resource.RLIM_INFINITY:
        assert 10**6 == allow_files(10**6)
    else:
        assert hard_limit == allow_files(hard_limit + 1)
