"""From a configuration to its server: layout, sockets, keeper. Start from `open_server`."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from sparrow.account import find_account
from sparrow.config.locate import MAX_OCTETS, guess_run_dir
from sparrow.folders import load_cookie_secrets, make_state_dir
from sparrow.keeper import keep
from sparrow.keeping.apart import run_apart
from sparrow.keeping.layout import decode_layout
from sparrow.keeping.listening import leave_out_absent
from sparrow.keeping.premises import enter
from sparrow.keeping.remembered import Origin, load_layout, store_layout
from sparrow.keeping.supervision import Kind
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.keeping.layout import Layout
    from sparrow.keeping.reserve import Reserve


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the command line wants the log."""

    format: str
    """`text` or `json`."""
    level: str
    """The least that is logged, in lower case."""


def open_server(
    path: str, log: LogSettings, reserves: Mapping[Kind, Reserve], *, is_replacing: bool
) -> int:
    """Serve the configuration at an absolute path; give the exit code.

    What is in reserve is made use of, or let go. Raises `FatalError`.
    """
    origin = _look_at(path)
    known = _recall(origin) or _learn_layout(path, origin, reserves[Kind.DAEMON])
    layout = replace(leave_out_absent(known), log_format=log.format, log_level=log.level)
    if not layout.dns:
        reserves[Kind.UDP].dismiss()
    account = find_account(layout.user)
    premises = enter(layout, account, is_replacing=is_replacing)
    owner = (account.pw_uid, account.pw_gid) if account else None
    _make_state_dir(layout.state_dir, owner)
    load_cookie_secrets(layout.secret_path, owner)  # made now, while it can be
    if origin and origin == _look_at(path):
        store_layout(known, origin)
    return keep(layout, premises, reserves)


def _make_state_dir(path: str, owner: tuple[int, int] | None) -> None:
    try:
        make_state_dir(path, owner)
    except OSError as error:
        # To answer matters more than to remember.
        words = "%s cannot be made, no order will outlive a restart: %s; see server.state_dir"
        logging.getLogger(__name__).warning(words, path, error.strerror)


def _look_at(path: str) -> Origin | None:
    """Give what a layout is made of; None where the configuration cannot be read."""
    try:
        octets = load_octets(path, MAX_OCTETS)
    except (OSError, ValueError):
        return None
    processors = len(os.sched_getaffinity(0))
    return Origin(octets, path, os.environ, os.getuid(), processors)


def _recall(origin: Origin | None) -> Layout | None:
    """Give the layout of the last start, if nothing has changed that it was made of."""
    if origin is None:
        return None
    place = (origin.octets, origin.config_path, origin.environ, origin.uid)
    return load_layout(guess_run_dir(*place), origin)


def _learn_layout(path: str, origin: Origin | None, daemon: Reserve) -> Layout:
    """Have the daemon read the configuration; where there is none that, do so apart from us."""
    if origin:  # otherwise nobody will want a daemon
        daemon.start(path)
    return decode_layout(daemon.receive_layout() or _read_layout(path))


def _read_layout(path: str) -> str:
    """Read the configuration, apart from us: the libraries for it are larger than a keeper."""

    def read() -> str:
        # Not imported before, nor by us.
        return str(import_module("sparrow.keeping.configured").read_layout(path))

    return run_apart(read)
