"""Where the configuration is, and where its process keeps its files.

Law: nothing here touches a disk or reads the environment by itself; both are
arguments, so that the same question always has the same answer. Making and
locking the folders is for who uses them. Start from `find_config`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.config.model import Config, ServerConfig

PLACES = ("./sparrow.yaml", "/etc/sparrow/sparrow.yaml")
"""Where a configuration is looked for when nothing names it, first come first."""

MAX_OCTETS = 64 * 2**20
"""Largest configuration; one of a hundred thousand zones is a quarter of it."""

VARIABLE = "SPARROW_CONFIG"

VARIABLES = ("RUNTIME_DIRECTORY", "STATE_DIRECTORY", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "HOME")
"""What of the environment `find_folders` looks at."""

LAYOUT = "layout.json"
"""File of the run directory that the last start has left; see `sparrow.keeping.remembered`."""

UNIT_RUN_DIR = "/run/sparrow"
"""`RuntimeDirectory=` of contrib/systemd/sparrow.service."""

_RUN_DIR = re.compile(rb"""(?m)^[^#\n]*?\brun_dir["']?[ \t]*:[ \t]*["']?([^"'\n#,}]*)""")
"""How `server.run_dir` looks in most configurations, in YAML and in JSON."""

_MAX_STEM = 24
"""Characters of a file's name in its folder's; a socket's path must stay below 108 octets."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where one configuration's processes keep their files; all paths absolute."""

    run_dir: str
    """Sockets and locks; gone after a restart of the machine."""
    state_dir: str
    """What outlives a restart of the machine."""
    cookie_secret: str
    """File with the secret of DNS cookies."""


def find_config(
    option: str | None, environ: Mapping[str, str], exists: Callable[[str], bool]
) -> str:
    """Give the path of the configuration: `option`, `$SPARROW_CONFIG`, or the first of `PLACES`.

    Raises `InputError` where the variable names a file that is not there, or
    where none of the places has one. That the option's file is there is left to
    who reads it.
    """
    if option is not None:
        return option
    named = environ.get(VARIABLE)
    if named:
        if exists(named):
            return named
        raise InputError([Problem(f"${VARIABLE} names this file, but it does not exist", named)])
    for place in PLACES:
        if exists(place):
            return place
    what = (
        f"no configuration found: there is neither {' nor '.join(PLACES)}, "
        f"and neither -c/--config nor ${VARIABLE} names one"
    )
    raise InputError([Problem(what)])


def find_folders(
    server: ServerConfig, config_path: str, environ: Mapping[str, str], uid: int
) -> Folders:
    """Give the folders of the configuration at `config_path`, which is absolute.

    What is configured comes first, then what systemd gives; the rest has a name
    made of the path, so that two configurations never share a folder.
    """
    run_dir = server.run_dir or _default_run_dir(config_path, environ, uid)
    state_dir = server.state_dir or _from_systemd(environ, "STATE_DIRECTORY")
    state_dir = state_dir or _state_lead(environ, uid) + _folder_name(config_path)
    secret = server.cookie_secret or str(PurePosixPath(state_dir, "cookie.secret"))
    return Folders(run_dir, state_dir, secret)


def find_run_dirs(
    server: ServerConfig, config_path: str, environ: Mapping[str, str], uid: int
) -> tuple[str, ...]:
    """Give the folders where a daemon of a configuration may be found, the likeliest first.

    The first is that of `find_folders`. Where it is only a default, a daemon that systemd
    started has another, of which nothing but its unit tells; there may be a daemon of
    another configuration.
    """
    run_dir = find_folders(server, config_path, environ, uid).run_dir
    is_said = server.run_dir or _from_systemd(environ, "RUNTIME_DIRECTORY")
    return (run_dir,) if is_said else (run_dir, UNIT_RUN_DIR)


def guess_run_dir(octets: bytes, config_path: str, environ: Mapping[str, str], uid: int) -> str:
    """Give the folder that is likely to be the run directory of a configuration nobody has read.

    For who finds something there by which a wrong guess shows.
    """
    match = _RUN_DIR.search(octets)
    text = os.fsdecode(match[1].strip()) if match else ""
    if text in {"", "null", "~"}:
        return _default_run_dir(config_path, environ, uid)
    return os.path.normpath(PurePosixPath(config_path).parent / text)


def _default_run_dir(config_path: str, environ: Mapping[str, str], uid: int) -> str:
    given = _from_systemd(environ, "RUNTIME_DIRECTORY")
    return given or _run_lead(environ, uid) + _folder_name(config_path)


def settle(config: Config, folders: Folders) -> Config:
    """Give `config` with its folders filled in, as `config print` shows it."""
    server = config.server.model_copy(
        update={
            "run_dir": folders.run_dir,
            "state_dir": folders.state_dir,
            "cookie_secret": folders.cookie_secret,
        }
    )
    return config.model_copy(update={"server": server})


def _folder_name(config_path: str) -> str:
    """Make a name that a person recognizes and that no other path has."""
    stem = PurePosixPath(config_path).stem
    readable = "".join(c if c.isascii() and c.isalnum() else "-" for c in stem)[:_MAX_STEM]
    digest = sha256(config_path.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{readable}-{digest}"


def _from_systemd(environ: Mapping[str, str], variable: str) -> str | None:
    """Give the first folder of the unit's list (systemd.exec(5), `RuntimeDirectory=`)."""
    return environ.get(variable, "").partition(":")[0] or None


def _run_lead(environ: Mapping[str, str], uid: int) -> str:
    if uid == 0:
        return "/run/sparrow/"
    user_dir = _absolute(environ, "XDG_RUNTIME_DIR")
    # One level in a folder that is everybody's: nobody else can own what lies between.
    return f"{user_dir}/sparrow/" if user_dir else f"/tmp/sparrow-{uid}-"  # noqa: S108  (0750)


def _state_lead(environ: Mapping[str, str], uid: int) -> str:
    if uid == 0:
        return "/var/lib/sparrow/"
    state_home = _absolute(environ, "XDG_STATE_HOME")
    home = _absolute(environ, "HOME")
    if state_home or home:
        return f"{state_home or f'{home}/.local/state'}/sparrow/"
    return f"/var/tmp/sparrow-{uid}-"  # noqa: S108  (a user without a home has nothing better)


def _absolute(environ: Mapping[str, str], variable: str) -> str | None:
    """Give a folder of the environment; XDG says to ignore one that is not absolute."""
    folder = environ.get(variable, "")
    return folder.rstrip("/") if folder.startswith("/") else None
