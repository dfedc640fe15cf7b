"""Plans written into a directory with nothing but the specification, and opened."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from sparrow.plan.fallback import PlanAuthority, build_authority
from sparrow.plan.reader import open_plan

if TYPE_CHECKING:
    from pathlib import Path

    from planreading import Compiled

    from sparrow.dns.respond import Authority
    from sparrow.plan.compile import PlanFiles
    from sparrow.plan.plan import Plan


def write_plan(directory: Path, files: PlanFiles, generation: int = 1) -> dict[str, Any]:
    """Write a generation, files first, and give what `current` says."""
    serial = files.serial
    current = {
        "format": 1,
        "generation": generation,
        "answers": write_file(directory, f"answers-{serial}", files.answers),
        "maps": [
            write_file(directory, f"map-{serial}-{number}", content)
            for number, content in enumerate(files.maps)
        ],
        "outcomes": write_file(directory, f"outcomes-{serial}", files.outcomes),
    }
    del current["outcomes"]["sha256"]
    write_current(directory, current)
    write_generation(directory, generation)
    return current


def write_file(directory: Path, name: str, content: bytes) -> dict[str, Any]:
    """Write a file and give what `current` says of it."""
    # A file of this name may be mapped, and is never written again.
    (directory / name).unlink(missing_ok=True)
    (directory / name).write_bytes(content)
    return {"file": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write_current(directory: Path, current: Any) -> None:
    (directory / "current").write_text(json.dumps(current) + "\n")


def write_generation(directory: Path, generation: int) -> None:
    """Store the number where it is, so that who has the file mapped sees it."""
    path = directory / "generation"
    path.touch()
    with path.open("r+b") as file:
        file.write(struct.pack("<8sQ", b"SPRWGEN1", generation))


class Opened(NamedTuple):
    """An authority, its plan, and what answers from the plan alone."""

    authority: Authority
    plan: Plan
    ground: PlanAuthority


def open_compiled(compiled: Compiled, directory: Path) -> Opened:
    """Write the plan of an authority into a new directory and open it."""
    directory.mkdir()
    write_plan(directory, compiled.files)
    plan = open_plan(directory)
    return Opened(compiled.authority, plan, build_authority(plan))
