"""The driver and its harness, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bindground import CONF, HALVES, build_driver, build_home, compile_plan, serving_bind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bindground import Bind
    from running import Home


@pytest.fixture(scope="session")
def built(
    needs: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    needs("make")
    return build_driver(tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="session")
def driver(built: tuple[Path, Path]) -> Path:
    """The shared object that BIND loads."""
    return built[0]


@pytest.fixture(scope="session")
def harness(built: tuple[Path, Path]) -> tuple[Path, Path]:
    """The command that loads the driver in BIND's place."""
    return built[1], built[0]


@pytest.fixture
def home(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Home]:
    """A configuration over the first of the two tables; what it starts is stopped at the end."""
    home = build_home(tmp_path / "home", free_port(), HALVES[0])
    yield home
    home.end()


@pytest.fixture
def plan(home: Home) -> Path:
    """The plan of the home."""
    return compile_plan(home)


@pytest.fixture
def serving(
    driver: Path, needs: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path
) -> Callable[[str], AbstractContextManager[Bind]]:
    """Start BIND with the words that stand behind the driver's path."""
    program, port, folder = needs("named"), free_port(), tmp_path / "bind"

    def serve(words: str) -> AbstractContextManager[Bind]:
        conf = CONF.format(folder=folder, port=port, driver=driver, words=words)
        return serving_bind(program, folder, port, conf)

    return serve
