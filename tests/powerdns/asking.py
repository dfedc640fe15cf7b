"""Requests as PowerDNS writes them."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any, Self

from running import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


def look_up(name: str, qtype: str = "ANY", **more: Any) -> dict[str, Any]:
    """Give a look-up; `real` and `zone` are PowerDNS's `real-remote` and `zone-id`."""
    remote = more.pop("remote", "127.0.0.1")
    parameters = {
        "qtype": qtype,
        "qname": name,
        "remote": remote,
        "local": "127.0.0.1",
        "real-remote": more.pop("real", f"{remote}/{128 if ':' in remote else 32}"),
        "zone-id": more.pop("zone", -1),
        **more,
    }
    return {"method": "lookup", "parameters": parameters}


def encode(request: object) -> bytes:
    return json.dumps(request).encode() + b"\n"


def contents(rows: list[dict[str, Any]], qtype: str) -> list[str]:
    return [row["content"] for row in rows if row["qtype"] == qtype]


class Asker:
    """A connection to the socket, as PowerDNS has one for each of its threads."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        try:
            self.sock.connect(str(path))
        except OSError:
            self.sock.close()
            raise
        self.stream = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.sock.close()

    def ask(self, request: object) -> dict[str, Any]:
        self.sock.sendall(request if isinstance(request, bytes) else encode(request))
        line = self.stream.readline()
        assert line.endswith(b"\n"), f"closed after {line!r}"
        return dict(json.loads(line))

    def rows(self, name: str, qtype: str = "ANY", **more: Any) -> list[dict[str, Any]]:
        answer = self.ask(look_up(name, qtype, **more))
        return list(answer["result"])

    def is_closed(self) -> bool:
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True
