"""`sparrow serve`: from a configuration to a server.

What this imports is waited for at every start. Whatever more a keeper needs is imported
while that on which the first answer depends is starting.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from sparrow.cli.place import config_option, locate_config
from sparrow.cli.terminal import ending
from sparrow.config.locate import LAYOUT, MAX_OCTETS, guess_run_dir
from sparrow.keeping.programs import PROGRAMS_IN_RESERVE
from sparrow.keeping.reserve import Reserve
from sparrow.keeping.supervision import Kind
from sparrow.logs import start_log
from sparrow.sources.octets import load_octets


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
    reserves = {kind: Reserve(program) for kind, program in PROGRAMS_IN_RESERVE.items()}
    with (
        ending(logging.getLogger(__name__).error),
        reserves[Kind.UDP],
        reserves[Kind.DAEMON],
    ):
        path = locate_config(config_path)
        first = _choose_first(path)
        if first:
            reserves[first].start(path)
        from sparrow.cli.opening import LogSettings, open_server  # noqa: PLC0415  (meanwhile)

        log = LogSettings(log_format, log_level)
        sys.exit(open_server(path, log, reserves, is_replacing=is_replacing))


def _choose_first(path: str) -> Kind | None:
    """Tell on what the first answer depends; None where the configuration cannot be read.

    That is a worker where there has been a start before, as far as a short look tells: if
    it was another configuration's, the daemon starts a little later, and that is all.
    """
    try:
        octets = load_octets(path, MAX_OCTETS)
    except (OSError, ValueError):
        return None
    run_dir = guess_run_dir(octets, path, os.environ, os.getuid())
    return Kind.UDP if Path(run_dir, LAYOUT).exists() else Kind.DAEMON


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
