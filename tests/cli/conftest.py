"""A folder with a configuration without a daemon, and one with a daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Daemon


@pytest.fixture
def home(tmp_path: Path, free_port: Callable[[], int]) -> Home:
    """Nothing runs here: commands read the files."""
    return Home(tmp_path, free_port())


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Daemon]:
    """One daemon for all tests of a module: they leave it as it is."""
    home = Home(tmp_path_factory.mktemp("d"), free_port())
    yield home.serve()
    home.end()


@pytest.fixture(params=["daemon", "files"])
def asked(request: pytest.FixtureRequest) -> Home:
    """Who answers a look-up or an explanation: a running daemon, or the files."""
    if request.param == "daemon":
        daemon: Daemon = request.getfixturevalue("daemon")
        return daemon.home
    home: Home = request.getfixturevalue("home")
    return home
