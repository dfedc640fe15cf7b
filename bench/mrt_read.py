"""Routes a second from MRT files, beside `bgpdump` and mrtparse.

    python bench/mrt_read.py [FILE ...]

Without files it takes the dumps of the folder that SPARROW_TABLES names, and a table of one
neighbour with every IPv4 prefix of the Internet, which it makes. All are unpacked first.
Every reader is a process of its own, and its CPU time counts, output included; what an
interpreter takes to start, which a large file hides, is taken off for those in Python.
`pip install -r bench/requirements.txt` brings mrtparse; what is not there is said.
"""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tabular import print_table

from sparrow.policy.bestpath import PathChooser
from sparrow.policy.sanity import Sieve
from sparrow.rib.route import parse_route
from sparrow.sources.dumpfiles import DumpFile, load_dumps
from sparrow.sources.dumps import open_dump
from sparrow.sources.entry import Skipped
from sparrow.sources.packed import unpack
from sparrow.sources.rawfile import collector_at_rest
from sparrow.values.address import inet_pton

TABLES = Path(
    os.environ.get("SPARROW_TABLES", Path(__file__).resolve().parents[2] / "shared" / "data")
)
_PIECE = 2**18
_MADE = "every-prefix.one-peer.v4.mrt"
_MIDDLE = (3356, 1299, 174, 6939, 2914)


def read_pieces(path: Path) -> object:
    """Give the octets of a file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def count_paths(path: Path) -> int:
    """Read a dump with sparrow's reader, and count its paths."""
    with collector_at_rest():
        return sum(len(entry.paths) for entry in open_dump(str(path), read_pieces(path), Skipped()))


def choose_paths(path: Path) -> int:
    """Read a dump and choose a path for each prefix, as `sparrow routes build` does."""
    chooser = PathChooser(Sieve())
    load_dumps([DumpFile(str(path))], chooser)
    return sum(1 for _ in chooser.choices())


def parse_all(path: Path) -> int:
    """Read a dump with mrtparse."""
    import mrtparse  # noqa: PLC0415 - only here, where it is installed

    count = 0
    for entry in mrtparse.Reader(str(path)):
        count += len(entry.data.get("rib_entries", (None,)))
    return count


def start(_: Path) -> int:
    """Import what sparrow's steps need, and do nothing."""
    return 0


def start_mrtparse(_: Path) -> int:
    """Import mrtparse, and do nothing."""
    import mrtparse  # noqa: F401, PLC0415 - only here, where it is installed

    return 0


_STEPS = {
    "read": count_paths,
    "build": choose_paths,
    "mrtparse": parse_all,
    "start": start,
    "start_mrtparse": start_mrtparse,
}


def cpu_seconds(command: list[str]) -> float:
    """Give the CPU time of a command whose output goes nowhere."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def unpacked(source: Path, folder: Path) -> Path:
    """Unpack a dump as far as it goes, to its last whole record."""
    # bgpdump goes by the end of the name.
    target = folder / f"{source.name.partition('.mrt')[0]}.mrt"
    target.write_bytes(b"".join(unpack(read_pieces(source), skipped := Skipped())))
    for _ in open_dump(source.name, read_pieces(target), skipped):
        pass
    if skipped.cut_at is not None:
        os.truncate(target, skipped.cut_at)
    return target


def make_table(folder: Path) -> Path | None:
    """Make a table of one neighbour with the prefixes and origins of the real IPv4 table."""
    found = sorted(TABLES.glob("internet-*.v4.pfx2as.gz"))
    if not found:
        return None
    peers = struct.pack("!IHH", 1, 0, 1) + b"\x02" + bytes(8) + struct.pack("!I", 64512)
    target = folder / _MADE
    with gzip.open(found[0], "rt") as lines, target.open("wb") as out:
        out.write(struct.pack("!IHHI", 0, 13, 1, len(peers)) + peers)
        for number, line in enumerate(lines):
            address, length, origin = line.split()
            middle = _MIDDLE[: sum(origin.encode()) % 4]
            path = (64512, *middle, parse_route(origin).origins[0])
            octets = struct.pack(f"!BB{len(path)}I", 2, len(path), *path)
            attributes = b"\x40\x01\x01\0\x40\x02" + bytes([len(octets)]) + octets
            attributes += b"\x40\x03\x04\xc0\0\x02\x01"
            network = inet_pton(2, address)[: (int(length) + 7) // 8]
            body = struct.pack("!IB", number, int(length)) + network + b"\0\1"
            body += struct.pack("!HIH", 0, 0, len(attributes)) + attributes
            out.write(struct.pack("!IHHI", 0, 13, 2, len(body)) + body)
    return target


def step_seconds(step: str, path: Path, starting: str) -> float:
    """Give the CPU time of a step, less that of its start."""
    seconds = cpu_seconds([sys.executable, __file__, step, str(path)])
    return seconds - cpu_seconds([sys.executable, __file__, starting, str(path)])


def measure(path: Path) -> tuple[str, ...]:
    """Give a row: name, paths, and paths a CPU second of each reader."""
    paths = count_paths(path)
    seconds: list[float | None] = [step_seconds(step, path, "start") for step in ("read", "build")]
    program = shutil.which("bgpdump")
    seconds.append(cpu_seconds([program, "-m", str(path)]) if program else None)
    is_there = find_spec("mrtparse") is not None
    seconds.append(step_seconds("mrtparse", path, "start_mrtparse") if is_there else None)
    rates = ["-" if each is None else f"{paths / each:,.0f}" for each in seconds]
    return path.name, f"{paths:,}", *rates


def say_missing() -> None:
    """Name the readers that are not there."""
    if shutil.which("bgpdump") is None:
        print("bgpdump is not installed (Debian: apt install bgpdump)")
    if find_spec("mrtparse") is None:
        print("mrtparse is not installed (pip install -r bench/requirements.txt)")


def main() -> None:
    """Measure every file, or do one step of one file."""
    if len(sys.argv) == 3 and sys.argv[1] in _STEPS:
        print(_STEPS[sys.argv[1]](Path(sys.argv[2])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = [Path(file) for file in sys.argv[1:]] or sorted(TABLES.glob("rib.*"))
        files: list[Path | None] = [unpacked(source, folder) for source in sources]
        if not sys.argv[1:]:
            files.append(make_table(folder))
        rows = [measure(path) for path in files if path]
    say_missing()
    heads = ("dump", "paths", "sparrow reads", "and chooses", "bgpdump -m", "mrtparse")
    print_table("Paths a CPU second from MRT files", heads, rows)


if __name__ == "__main__":
    main()
