"""The control socket's messages, as `docs/control.md` specifies them.

Law: one line of JSON each way; a request that is not one is answered with a
problem, never with silence. Start from `decode_request`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION = 1
MAX_LINE = 2**20
"""Octets of a line, newline included."""
MAX_ADDRESSES = 1000
"""Addresses in one `lookup`."""
_SHOWN = 80
"""Characters of what a client sent that are sent back to it."""

_ARGUMENTS: dict[str, frozenset[str]] = {
    "status": frozenset(),
    "reload": frozenset(),
    "lookup": frozenset({"addresses"}),
    "explain": frozenset({"name", "type", "from", "subnet"}),
    "site": frozenset({"action", "site", "reason", "by", "for_s", "at_s", "dry_run"}),
    "sites": frozenset(),
    "routes_approve": frozenset({"reason", "by", "table"}),
    "routes_diff": frozenset(),
    "routes_rollback": frozenset({"reason", "by"}),
    "simulate": frozenset({"down", "drain", "up"}),
}
"""The arguments of each command."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    command: str
    """One of the commands."""
    arguments: Mapping[str, Any]
    """Its arguments, names checked, values as they came."""
    uid: int | None = None
    """User that the kernel says the client is; None where it was not asked."""


def encode_request(command: str, arguments: Mapping[str, Any]) -> bytes:
    """Give the line of a request."""
    return _encode({"version": VERSION, "command": command, **arguments})


def decode_request(line: bytes) -> Request:
    """Read a request. Raises `InputError` where the line is none."""
    message = _decode(line)
    if message.get("version") != VERSION:
        raise InputError([Problem(f'this server speaks version {VERSION}: send "version": 1')])
    command = message.get("command")
    allowed = _ARGUMENTS.get(command) if isinstance(command, str) else None
    if not isinstance(command, str) or allowed is None:
        known = ", ".join(sorted(_ARGUMENTS))
        raise InputError([Problem(f"unknown command {repr(command)[:_SHOWN]}: use one of {known}")])
    arguments = {key: message[key] for key in message.keys() - {"version", "command"}}
    unknown = sorted(arguments.keys() - allowed)
    if unknown:
        names = ", ".join(sorted(allowed)) or "none"
        shown = ", ".join(unknown)[:_SHOWN]
        raise InputError([Problem(f"{command} takes no argument {shown}; it takes {names}")])
    return Request(command, arguments)


def encode_result(result: Mapping[str, Any]) -> bytes:
    """Give the line of a command that was done."""
    return _encode({"version": VERSION, "ok": True, "result": result})


def encode_problems(problems: Iterable[Problem]) -> bytes:
    """Give the line of a command that was refused."""
    rows = [problem_to_json(problem) for problem in problems]
    return _encode({"version": VERSION, "ok": False, "problems": rows})


def decode_response(line: bytes) -> Mapping[str, Any]:
    """Read the result of a response. Raises `InputError` with what the server found wrong."""
    message = _decode(line)
    if message.get("ok") is True and isinstance(message.get("result"), dict):
        result: Mapping[str, Any] = message["result"]
        return result
    raise InputError(map(problem_from_json, message.get("problems", [])))


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """Give a problem as an object."""
    return {"what": problem.what, "file": problem.file, "line": problem.line}


def problem_from_json(row: Mapping[str, Any]) -> Problem:
    """Read a problem back."""
    return Problem(row["what"], row["file"], row["line"])


def _encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _decode(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InputError([Problem("a message is one JSON object on one line")])
    return message
