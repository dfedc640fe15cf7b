"""The account that a daemon runs as. Start from `find_account`."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.errors import FatalError

if TYPE_CHECKING:
    from collections.abc import Callable


def find_account(user: str | None) -> pwd.struct_passwd | None:
    """Give the account to change to; None to stay who we are.

    Raises `FatalError` where there is no such user, or we are not root and so
    cannot become anybody else.
    """
    if user is None:
        return None
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise FatalError(
            f"server.user: there is no user {user!r} on this machine; "
            f"`useradd --system {user}` makes one"
        ) from None
    if account.pw_uid == os.getuid():
        return None
    if os.getuid() != 0:
        raise FatalError(f"server.user: only root can become {user!r}; start as root, or as {user}")
    return account


def become(user: str | None) -> None:
    """Become a configured user for good, if we are root and not that user already."""
    account = find_account(user)
    if account:
        change_account(account)


def step_down(account: pwd.struct_passwd) -> tuple[str, ...]:
    """Become the account for good, if it can start Python; otherwise act as it from now on.

    In the second case the folders that it cannot read are given: we stay root underneath,
    which processes that we start make use of, to read their programs before they
    become the account.
    """
    # Looked for before: what lies in a folder of root's alone is not there for the account.
    needed = [os.path.realpath(sys.executable), *filter(os.path.exists, sys.path)]
    os.initgroups(account.pw_name, account.pw_gid)
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    unreadable = tuple(path for path in needed if not _is_readable(path))
    if not unreadable:
        os.seteuid(0)
        change_account(account)
    return unreadable


def become_having(account: pwd.struct_passwd, load: Callable[[], object]) -> None:
    """Become the account for good; where it cannot read Python's files, `load` before that.

    What is loaded is what would be imported later.
    """
    if step_down(account):
        os.seteuid(0)
        load()
        change_account(account)


def _is_readable(path: str) -> bool:
    return os.access(path, os.R_OK | os.X_OK, effective_ids=True)


def change_account(account: pwd.struct_passwd) -> tuple[str, ...]:
    """Become the account for good, with its groups and none of ours.

    Gives the folders of Python code that the account cannot read although we
    could: what is imported late from there will be missing.
    """
    folders = [path for path in sys.path if Path(path).is_dir()]
    os.initgroups(account.pw_name, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    return tuple(path for path in folders if not os.access(path, os.R_OK | os.X_OK))
