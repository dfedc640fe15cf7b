"""`sparrow serve`: from a configuration to a server.

What this imports is waited for at every start.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from sparrow.account import find_account
from sparrow.cli.place import config_option, locate_config
from sparrow.cli.terminal import ending
from sparrow.config.locate import MAX_OCTETS, guess_run_dir
from sparrow.folders import load_cookie_secrets, make_state_dir
from sparrow.keeper import keep
from sparrow.keeping.apart import run_apart
from sparrow.keeping.layout import decode_layout
from sparrow.keeping.listening import leave_out_absent
from sparrow.keeping.premises import enter
from sparrow.keeping.remembered import Origin, load_layout, store_layout
from sparrow.keeping.reserve import Reserve
from sparrow.logs import start_log
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from sparrow.keeping.layout import Layout


@click.command()
@config_option
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the log on stderr is written.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least that is logged.",
)
@click.option(
    "--replace",
    "is_replacing",
    is_flag=True,
    help="Take the place of the server that runs, if one does, without losing a query.",
)
def serve(config_path: str | None, log_format: str, log_level: str, *, is_replacing: bool) -> None:
    """Answer DNS, and the route port, in the foreground until SIGTERM.

    SIGHUP reloads everything, as `sparrow reload` does. SIGUSR2 starts a successor,
    as `sparrow serve --replace` does: the way to upgrade.
    """
    start_log(log_format, log_level)
    _hold_signals()
    with ending(logging.getLogger(__name__).error), Reserve() as reserve:
        path = locate_config(config_path)
        origin = _look_at(path)
        known = _recall(origin)
        if known is None:
            if origin:  # otherwise nobody will want a daemon
                reserve.start(path)
            known = decode_layout(reserve.receive_layout() or _read_layout(path))
        layout = replace(leave_out_absent(known), log_format=log_format, log_level=log_level)
        account = find_account(layout.user)
        premises = enter(layout, account, is_replacing=is_replacing)
        owner = (account.pw_uid, account.pw_gid) if account else None
        _make_state_dir(layout.state_dir, owner)
        load_cookie_secrets(layout.secret_path, owner)  # made now, while it can be
        if origin and origin == _look_at(path):
            store_layout(known, origin)
        sys.exit(keep(layout, premises, reserve))


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


def _read_layout(path: str) -> str:
    """Read the configuration, apart from us: the libraries for it are larger than a keeper."""

    def read() -> str:
        # Not imported before, nor by us.
        return str(import_module("sparrow.keeping.configured").read_layout(path))

    return run_apart(read)


def _hold_signals() -> None:
    """Choose what signals do before the keeper is there to hear them.

    SIGHUP waits until a reload is possible (the kernel keeps a blocked signal);
    SIGTERM and SIGINT end the process, in order and with exit code 0.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGUSR2})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(*_: object) -> NoReturn:
    logging.getLogger(__name__).info("stopped before anything was served")
    raise SystemExit(0)
