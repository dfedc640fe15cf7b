"""One daemon for all tests of what is said over its control socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Daemon]:
    home = Home(tmp_path_factory.mktemp("c"), free_port())
    yield home.serve()
    home.end()
