"""How root becomes another account: by processes of root's that do, as there is no way back."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")

LEAD = """
import json, os, pwd, sys
from sparrow.account import become_having, step_down
account = pwd.getpwnam("nobody")
loads = []
"""
READABLE = """
sys.executable, sys.path[:] = "/bin/sh", ["/usr", "/nonexistent"]
"""


def found(code: str, *arguments: str) -> Any:
    """Give what the code prints as JSON."""
    command = [sys.executable, "-c", LEAD + code, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def nobody() -> list[int]:
    """Give the real, effective and saved user of a process that is nobody for good."""
    return [pwd.getpwnam("nobody").pw_uid] * 3


def test_a_folder_in_one_of_roots_alone_keeps_root_underneath(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "packages"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    code = """
sys.path[:] = ["/usr", sys.argv[1]]
sys.executable = "/bin/sh"
print(json.dumps([step_down(account), os.getresuid()[0], os.geteuid() == account.pw_uid]))
"""
    assert [[str(folder)], 0, True] == found(code, str(folder))


def test_where_all_of_python_can_be_read_nothing_is_left_of_root() -> None:
    code = READABLE + "print(json.dumps([step_down(account), os.getresuid()]))"
    assert [[], nobody()] == found(code)


def test_what_is_imported_later_is_loaded_before_where_it_could_not_be_read(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    code = """
sys.executable = "/bin/sh"
sys.path[:] = sys.argv[1:]
become_having(account, lambda: loads.append(os.getuid()))
print(json.dumps([loads, os.getresuid()]))
"""
    assert [[0], nobody()] == found(code, "/usr", str(tmp_path))
    assert [[], nobody()] == found(code, "/usr")
