"""The real server over sites that a test makes fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from failsites import Ground
from running import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def ground(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Ground]:
    """Sites without checks; what is started is stopped at the end."""
    ground = Ground(Home(tmp_path, free_port()), free_port())
    yield ground
    try:
        ground.home.end()
    finally:
        ground.end()
