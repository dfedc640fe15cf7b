from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from keptserver import Run, layout, standin_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short path, as sockets' paths are bounded."""
    with tempfile.TemporaryDirectory(prefix="kept-") as folder:
        yield Path(folder)


@pytest.fixture
def start(home: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., Run]]:
    """Start a keeper of stand-ins; all of one test share the run directory and the port."""
    port = free_port()
    (home / "orders").mkdir()
    with ExitStack() as runs:

        def run(*options: str, **changes: Any) -> Run:
            given = layout(home / "run", changes.pop("port", port), **changes)
            number = len(list(home.glob("log-*")))
            environ = {"STANDIN_ORDERS": str(home / "orders"), "STANDIN_PORT": str(port)}
            command = standin_command(given, *options)
            return runs.enter_context(Run(command, home / "run", home / f"log-{number}", environ))

        run.port = port  # type: ignore[attr-defined]
        yield run
