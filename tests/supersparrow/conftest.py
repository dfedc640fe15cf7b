"""The program `supersparrow` in a process of its own, and routes written down for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sparrowprogram import Program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """What starts the program; its file of options is in the test's own folder."""
    return Program(tmp_path)
