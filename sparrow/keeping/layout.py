"""What a keeper is told: the few settings that are in force from its start to its end.

Law: a layout is a value that goes through JSON unchanged, as it is an argument
of programs. Start from `Layout`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sparrow.config.fields import Endpoint, parse_endpoint


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """What DNS clients over TCP may take up; see `sparrow.config.model.TcpConfig`."""

    connections: int
    """Most open connections in all."""
    per_address: int
    """Most open connections from one client address."""
    idle_s: int
    """Seconds without a query before a connection is closed."""


@dataclass(frozen=True, slots=True)
class PdnsPlace:
    """Where PowerDNS asks; see `sparrow.config.powerdns`."""

    path: str
    """Absolute path of the Unix socket."""
    group: str | None
    """Group that may connect; None for that of who opens it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A server as its keeper sees it."""

    config_path: str
    """The configuration, absolute; read by the daemon alone."""
    run_dir: str
    """Absolute folder of sockets, locks, plan and counters."""
    state_dir: str
    """Absolute folder of what outlives a restart of the machine."""
    secret_path: str
    """Absolute path of the cookie secrets."""
    user: str | None
    """Account to change to; None to stay."""
    dns: tuple[Endpoint, ...]
    """Where DNS is served; () without zones."""
    route_port: Endpoint | None
    """Where the route port is; None for none."""
    workers: int
    """UDP workers, at least 1."""
    tcp: TcpLimits
    """Limits of DNS over TCP until the daemon has said others."""
    is_default_listen: bool = False
    """Whether nobody has configured `dns`: then what the machine has no address for is left out."""
    pdns: PdnsPlace | None = None
    """Where PowerDNS asks; None for nowhere."""
    log_format: str = "text"
    """`text` or `json`."""
    log_level: str = "info"
    """The least that is logged, in lower case."""


def encode_layout(layout: Layout) -> str:
    """Give the JSON of a layout."""
    row = asdict(layout)
    row["dns"] = [str(endpoint) for endpoint in layout.dns]
    row["route_port"] = str(layout.route_port) if layout.route_port else None
    return json.dumps(row)


def decode_layout(text: str) -> Layout:
    """Read the JSON of a layout that one of our own processes wrote."""
    row = json.loads(text)
    route_port, pdns = row["route_port"], row.get("pdns")
    return Layout(
        **row
        | {
            "dns": tuple(map(parse_endpoint, row["dns"])),
            "route_port": parse_endpoint(route_port) if route_port else None,
            "tcp": TcpLimits(**row["tcp"]),
            "pdns": PdnsPlace(**pdns) if pdns else None,
        }
    )
