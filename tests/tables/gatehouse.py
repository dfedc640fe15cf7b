"""A gate with route files before it and a record behind it. Start from `Gatehouse`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparrow.config.guarding import GuardsConfig
from sparrow.policy.modes import Mode
from sparrow.policy.site import Site, SiteSet
from sparrow.sources.files import RouteFile
from sparrow.tables.gate import Action, Admitted, Candidate, Decision, TableGate
from sparrow.values.address import parse_address
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sparrow.sources.files import Loaded

SITE_SET = SiteSet(
    tuple(
        Site(name, (AsnRange(asn, asn),), (parse_address(f"203.0.113.{asn}"),))
        for asn, name in enumerate(("au", "nl", "us"), 1)
    )
)
"""au, nl and us own AS 1, 2 and 3."""


def rows(count: int, asn: int = 2) -> str:
    """Write a table of that many blocks."""
    return "".join(f"20.{number}.0.0/16 {asn}\n" for number in range(count))


@dataclass
class Gatehouse:
    """Files, a gate, and what happened there."""

    folder: Path
    guards: dict[str, Any] = field(default_factory=dict)
    routes: tuple[str, ...] = ("routes",)
    modes: tuple[str, ...] = ()
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    now_s: float = 1000.0
    serving: Loaded | None = None

    def __post_init__(self) -> None:
        self.gate = self.start()

    def start(self) -> TableGate:
        """Begin anew, as a daemon that knows what is on disk alone."""
        self.serving = None
        journal = lambda event, fields: self.events.append((event, fields))  # noqa: E731
        self.gate = TableGate(self.folder / "state" / "tables", journal, lambda: self.now_s)
        return self.gate

    def write(self, name: str, text: str) -> None:
        """Put a file in place, as a writer should."""
        aside = self.folder / f"{name}.new"
        aside.write_text(text)
        aside.rename(self.folder / name)

    def point(self, name: str) -> None:
        """Let the link `routes` lead to a file."""
        aside = self.folder / "routes.new"
        aside.symlink_to(self.folder / name)
        aside.rename(self.folder / "routes")

    def candidate(self) -> Candidate:
        """Give what is configured."""
        return Candidate(
            routes=tuple(RouteFile(str(self.folder / name)) for name in self.routes),
            modes=tuple(
                Mode(key, frozenset(), str(self.folder / f"{key}.routes")) for key in self.modes
            ),
            guards=GuardsConfig.model_validate(self.guards),
            site_set=SITE_SET,
            serving=self.serving,
        )

    def admit(self, decision: Decision | None = None) -> Admitted:
        """Let what there is pass, or not, and remember it; a second later than the last time."""
        self.now_s += 1
        admitted = self.gate.admit(self.candidate(), decision)
        asyncio.run(self.gate.commit(admitted))
        self.serving = admitted.loaded
        return admitted

    def approve(self, name: str | None = None) -> Admitted:
        """Approve what is held."""
        return self.admit(Decision(Action.APPROVE, "ann", "it is meant so", name))

    def roll_back(self) -> Admitted:
        """Return to what served before."""
        return self.admit(Decision(Action.ROLL_BACK, "ann", "it was wrong"))

    @property
    def count(self) -> int:
        """Count the IPv4 prefixes that serve."""
        return len(self.serving.snapshot.v4) if self.serving else 0

    @property
    def told(self) -> list[str]:
        """Give what happened, and forget it."""
        found = [event for event, _ in self.events]
        self.events.clear()
        return found

    @property
    def copies(self) -> int:
        """Count the copies that are kept."""
        kept = self.folder / "state" / "tables"
        return sum(path.name != "accepted.json" for path in kept.iterdir())
