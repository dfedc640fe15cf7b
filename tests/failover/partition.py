"""Two network namespaces with a link between them that can be cut.

Start from `joined`. Nothing of it has a name that could stay behind: the namespaces end
with the processes that hold them.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from running import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNET = 0x40000000
LONGEST_S = "600"
"""Seconds after which a namespace ends by itself, should its test be killed."""


@dataclass(frozen=True)
class Namespace:
    """A network of its own: its loopback, and one end of the link."""

    pid: int
    """The process that holds it."""
    address: str
    """Its address on the link."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words before a command that is to run in it."""
        return ("nsenter", "-n", "-t", str(self.pid), "--")

    def run(self, *command: str) -> None:
        done = subprocess.run((*self.prefix, *command), capture_output=True, text=True, check=False)
        assert 0 == done.returncode, (command, done.stderr)

    def open_udp(self) -> socket.socket:
        """Move the calling thread into it, for good, and open a socket there."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/proc/{self.pid}/ns/net").open("rb") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@dataclass(frozen=True)
class Link:
    """The link between two namespaces, of which each has an end by the name of `wire`."""

    here: Namespace
    there: Namespace

    def cut(self, how: str) -> None:
        """Let nothing pass: `down` is noticed by the kernels, `lost` by nobody."""
        if how == "down":
            self.here.run("ip", "link", "set", "wire", "down")
            return
        for side, other in ((self.here, self.there), (self.there, self.here)):
            nobody = ("lladdr", "02:00:00:00:00:99", "nud", "permanent")
            side.run("ip", "neigh", "replace", other.address, *nobody, "dev", "wire")

    def heal(self, how: str) -> None:
        if how == "down":
            self.here.run("ip", "link", "set", "wire", "up")
            return
        for side, other in ((self.here, self.there), (self.there, self.here)):
            side.run("ip", "neigh", "del", other.address, "dev", "wire")


@contextmanager
def joined(here: str, there: str) -> Iterator[Link]:
    """Give two namespaces, joined, with these addresses on the link."""
    with ExitStack() as stack:
        link = Link(*(Namespace(stack.enter_context(_hold()), each) for each in (here, there)))
        peer = ("type", "veth", "peer", "name", "wire", "netns", str(link.there.pid))
        link.here.run("ip", "link", "add", "wire", *peer)
        for side in (link.here, link.there):
            side.run("ip", "link", "set", "lo", "up")
            side.run("ip", "address", "add", f"{side.address}/24", "dev", "wire")
            side.run("ip", "link", "set", "wire", "up")
        yield link


@contextmanager
def _hold() -> Iterator[int]:
    """Give a process that has a network namespace of its own."""
    ours = Path("/proc/self/ns/net").readlink()
    with subprocess.Popen(("unshare", "-n", "sleep", LONGEST_S)) as holder:
        try:
            theirs = Path(f"/proc/{holder.pid}/ns/net")
            wait_until(lambda: theirs.readlink() != ours)
            yield holder.pid
        finally:
            holder.kill()
