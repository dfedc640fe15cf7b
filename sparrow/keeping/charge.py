"""What a child is told by its keeper. Start from `Charge`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sparrow.keeping.estate import Estate, decode_estate, encode_estate
from sparrow.keeping.layout import Layout, decode_layout, encode_layout

PLAN = "plan"
"""Folder of the plan in the run directory."""
COUNTERS = "counters"
"""Folder of the counters in the run directory."""


@dataclass(frozen=True, slots=True)
class Charge:
    """The one argument of a child's program."""

    name: str
    """The post that it fills, as `udp-0`."""
    number: int
    """Place among the posts of its kind."""
    layout: Layout
    """The server."""
    estate: Estate
    """The open files that it inherits."""
    tether_fd: int
    """Its end of the socket between keeper and child."""
    keeper_pid: int
    """The keeper."""
    is_successor: bool
    """Whether another server is served from the same run directory until we are ready."""
    was_ready: bool
    """Whether the keeper has been ready once: then a child does its best and does not give up."""

    @property
    def run_dir(self) -> Path:
        """The run directory."""
        return Path(self.layout.run_dir)


def encode_charge(charge: Charge) -> str:
    """Give the JSON of a charge."""
    return json.dumps(
        {
            "name": charge.name,
            "number": charge.number,
            "layout": encode_layout(charge.layout),
            "estate": encode_estate(charge.estate),
            "tether": charge.tether_fd,
            "keeper": charge.keeper_pid,
            "is_successor": charge.is_successor,
            "was_ready": charge.was_ready,
        }
    )


def decode_charge(text: str) -> Charge:
    """Read the JSON of a charge that a keeper wrote."""
    row = json.loads(text)
    return Charge(
        name=row["name"],
        number=row["number"],
        layout=decode_layout(row["layout"]),
        estate=decode_estate(row["estate"]),
        tether_fd=row["tether"],
        keeper_pid=row["keeper"],
        is_successor=row["is_successor"],
        was_ready=row["was_ready"],
    )
