"""A configuration without a server, exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from atlas import make_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Home:
    """Nothing runs here: commands read the files."""
    return make_home(tmp_path_factory.mktemp("e"), free_port())
