"""What the benches of live routes share: real routes to give, and the daemon that follows.

Start from `load_wanted_routes` and `Daemon`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confs import SPARROW
from ground import TABLES, ZONE

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "feeds"))

from speakers import Announcer, Speaker, announcer, load_real_routes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "PATIENCE_S",
    "Announcer",
    "Daemon",
    "Speaker",
    "announcer",
    "free_port",
    "load_wanted_routes",
]

PATIENCE_S = 600.0
"""Seconds after which a bench gives up; a full table on a busy machine takes minutes."""
_ROUTES = "100000"


def load_wanted_routes() -> dict[str, tuple[int, ...]]:
    """Give as many real routes as the first argument, or SPARROW_BENCH_ROUTES, says.

    The bench ends where there are none, or no gobgpd.
    """
    if shutil.which("gobgpd") is None:
        print("skipped: gobgpd is not installed (Debian: apt install gobgpd)")
        sys.exit(0)
    if not any(TABLES.glob("internet-*.pfx2as.gz")):
        print(f"skipped: no real route tables in {TABLES}; SPARROW_TABLES names their folder")
        sys.exit(0)
    wanted = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SPARROW_BENCH_ROUTES", _ROUTES)
    return load_real_routes(TABLES, None if wanted == "full" else int(wanted))


def free_port() -> int:
    """Give a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """`sparrow serve` in a folder of its own, with `ZONE` steered."""

    def __init__(self, folder: Path, keys: Mapping[str, Any]) -> None:
        """Write the configuration: the zone and the server, and what `keys` have beside them."""
        self.port = free_port()
        self._config = folder / "sparrow.yaml"
        self._log = folder / "log"
        soa = {"mname": f"ns.{ZONE}.", "rname": f"hostmaster.{ZONE}."}
        server = {
            "listen": [f"127.0.0.1:{self.port}"],
            "workers": 1,
            "run_dir": f"{folder}/run",
            "state_dir": f"{folder}/state",
        }
        zones = {ZONE: {"soa": soa, "ns": [f"ns.{ZONE}."], "ttl": 30}}
        self._config.write_text(json.dumps({"server": server, "zones": zones, **keys}))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve, and follow every live source, until the block ends."""
        command = [*SPARROW, "serve", "--config", str(self._config)]
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._log.parent
            )
        try:
            self._await(process)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                status = self.status()
                if {feed["phase"] for feed in status["feeds"]} == {"live"} and not status["stale"]:
                    return
            if process.poll() is not None or time.monotonic() > end_s:
                sys.exit(f"the daemon does not serve:\n{self.read_log()}")
            time.sleep(0.5)

    def status(self) -> dict[str, Any]:
        """Ask the daemon how it stands. Raises `CalledProcessError`."""
        command = [*SPARROW, "status", "--json", "--config", str(self._config)]
        output = subprocess.run(command, check=True, capture_output=True).stdout
        found: dict[str, Any] = json.loads(output)
        return found

    def read_log(self) -> str:
        """Give the end of what it has said."""
        return self._log.read_text(errors="replace")[-4000:]
