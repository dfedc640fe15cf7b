"""A folder with a configuration, and the daemon on it, for tests of sites' own views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Home]:
    """A good configuration in a folder of its own; what it starts is stopped at the end."""
    home = Home(tmp_path, free_port())
    yield home
    home.end()
