"""Which probe does the work of which check.

Law: a kind of check is tied to its probe here and nowhere else; the rest knows checks
and probes only. Start from `find_probe`.

Probes are named by their modules and imported when a check of their kind exists: that
for HTTP brings a library that would make every daemon 14 MB larger.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from sparrow.config.health import (
    DnsCheck,
    ExternalCheck,
    FileCheck,
    HttpCheck,
    HttpsCheck,
    NegotiateCheck,
    OffCheck,
    TcpCheck,
)

if TYPE_CHECKING:
    from sparrow.config.health import Check
    from sparrow.health.probes.attempt import Attempt
    from sparrow.health.verdict import Finding


class Probe(Protocol):
    """Makes one try of a check of its kind; never raises for what a target does."""

    async def __call__(self, check: Check, attempt: Attempt, /) -> Finding:
        """Give what the try found, within its time."""


_MODULES: dict[type[Check], str] = {
    HttpCheck: "web",
    HttpsCheck: "web",
    TcpCheck: "tcp",
    NegotiateCheck: "negotiate",
    DnsCheck: "dns",
    ExternalCheck: "external",
    FileCheck: "file",
    OffCheck: "off",
}
"""The module of `sparrow.health.probes` whose function `probe` is the probe."""


def find_probe(check: Check) -> Probe:
    """Give the probe for a check. Raises `ImportError` where its library is not there."""
    probe: Probe = import_module(f"sparrow.health.probes.{_MODULES[type(check)]}").probe
    return probe
