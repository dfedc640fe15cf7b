"""What processes cost: CPU time, memory. Start from `owners_of` and `cpu_ns`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servers import Server

_PROC = Path("/proc")


def owners_of(port: int) -> list[int]:
    """Give the processes that have the UDP socket on a port of 127.0.0.1 open."""
    inodes = set()
    for line in (_PROC / "net" / "udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == f"0100007F:{port:04X}":
            inodes.add(f"socket:[{fields[9]}]")
    return [pid for pid in _processes() if inodes & _links_of(pid)]


def _processes() -> list[int]:
    return [int(path.name) for path in _PROC.iterdir() if path.name.isdecimal()]


def _links_of(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):  # it has ended, or is somebody else's
        for path in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                found.add(str(path.readlink()))
    return found


def cpu_ns(pids: Iterable[int]) -> dict[Path, int]:
    """Give the nanoseconds on a CPU of every thread of some processes."""
    found = {}
    for pid in pids:
        for path in (_PROC / str(pid) / "task").glob("*/schedstat"):
            with suppress(OSError):
                found[path] = int(path.read_text().split()[0])
    return found


def spent_ns(before: Mapping[Path, int], after: Mapping[Path, int]) -> int:
    """Give the CPU time between two readings; a thread that began in between counts whole."""
    return sum(spent - before.get(path, 0) for path, spent in after.items())


def family_of(pid: int) -> list[int]:
    """Give a process and all that descend from it."""
    parents = {}
    for each in _processes():
        with suppress(OSError):
            # The name in parentheses may have spaces; the parent is the second field behind it.
            text = (_PROC / str(each) / "stat").read_text()
            parents[each] = int(text.rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += (child for child, parent in parents.items() if parent == each)
    return found


def pss_mib(pids: Iterable[int]) -> float:
    """Give the memory of some processes, what they share counted once (PSS)."""
    return sum(map(_pss_kib, pids)) / 1024


def _pss_kib(pid: int) -> int:
    text = (_PROC / str(pid) / "smaps_rollup").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1])


def disk_mib(server: Server, names: Iterable[str] = ("run", "plan")) -> float:
    """Give the space that the run directory of a server takes, which is memory on a tmpfs."""
    files = (file for name in names for file in (server.folder / name).rglob("*"))
    return sum(file.stat().st_blocks * 512 for file in files if file.is_file()) / 2**20
