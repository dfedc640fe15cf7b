"""`sparrow serve`: from a configuration to a server.

What this imports is waited for at every start.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from sparrow.account import find_account
from sparrow.cli.options import config_option, locate_config
from sparrow.cli.terminal import ending
from sparrow.config.load import load_config
from sparrow.errors import FatalError
from sparrow.folders import load_cookie_secrets, make_state_dir
from sparrow.keeping.children import SIGNALS
from sparrow.keeping.configured import build_layout
from sparrow.keeping.layout import encode_layout
from sparrow.keeping.premises import encode_premises, enter
from sparrow.logs import start_log

if TYPE_CHECKING:
    from sparrow.keeping.layout import Layout
    from sparrow.keeping.premises import Premises


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
    with ending(logging.getLogger(__name__).error):
        path = locate_config(config_path)
        layout = build_layout(load_config(path).config, path, log_format, log_level)
        account = find_account(layout.user)
        premises = enter(layout, account, is_replacing=is_replacing)
        owner = (account.pw_uid, account.pw_gid) if account else None
        _make_state_dir(layout.state_dir, owner)
        load_cookie_secrets(layout.secret_path, owner)  # made now, while it can be
        _become_keeper(layout, premises)


def _make_state_dir(path: str, owner: tuple[int, int] | None) -> None:
    try:
        make_state_dir(path, owner)
    except OSError as error:
        # To answer matters more than to remember.
        words = "%s cannot be made, no order will outlive a restart: %s; see server.state_dir"
        logging.getLogger(__name__).warning(words, path, error.strerror)


def _become_keeper(layout: Layout, premises: Premises) -> NoReturn:
    """Go on as a program that has nothing of this one in its memory. Raises `FatalError`."""
    for descriptor in premises.descriptors():
        os.set_inheritable(descriptor, True)
    # From here on signals wait for the keeper, which hears them once it is able to.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    command = (sys.executable, "-P", "-m", "sparrow.keeper")
    try:
        os.execv(  # noqa: S606  (our own program)
            sys.executable, (*command, encode_layout(layout), encode_premises(premises))
        )
    except OSError as error:
        raise FatalError(f"{sys.executable} cannot be started: {error.strerror}") from None


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
