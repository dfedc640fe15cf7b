"""What every test may ask for: real tables, free ports, programs to talk to.

With SPARROW_NO_SKIPS set in the environment a skipped test is a failure.
"""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

CHECKOUT = Path(__file__).resolve().parent.parent

# Where daemons and routing suites are, which an ordinary user's PATH leaves out.
DAEMON_FOLDERS = ("/usr/sbin", "/sbin", "/usr/lib/frr")

# Below the ports that the kernel gives to clients (32768 and up on Linux), so
# that no outgoing connection takes one between its choice and its use.
FIRST_PORT, PORTS_PER_WORKER = 12_000, 1_000

# How long one example takes says more about the machine than about the code.
settings.register_profile("sparrow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sparrow")


def _refuse_skip(report: Any) -> Any:
    """Turn the report of a skip into one of a failure, if skips are not allowed."""
    is_expected_failure = hasattr(report, "wasxfail")
    if os.environ.get("SPARROW_NO_SKIPS") and report.skipped and not is_expected_failure:
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        report.outcome = "failed"
        report.longrepr = f"{reason} (SPARROW_NO_SKIPS is set)"
    return report


# Reports are changed where they are made, which under xdist is in the worker: a
# skip of a whole module never reaches the process that gathers the results.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _refuse_skip((yield))


@pytest.fixture(scope="session")
def tables() -> Path:
    """Folder of the real route tables, which are not part of the project."""
    folder = Path(os.environ.get("SPARROW_TABLES") or CHECKOUT.parent / "shared" / "data")
    if not any(folder.glob("internet-*.pfx2as.gz")):
        pytest.skip(f"no real route tables in {folder}; SPARROW_TABLES names their folder")
    return folder


@pytest.fixture(scope="session")
def needs() -> Callable[[str], str]:
    """Give the path of a program by its name, or skip the test that needs it."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *DAEMON_FOLDERS))

    def find(program: str) -> str:
        path = shutil.which(program, path=folders)
        if path is None:
            pytest.skip(f"{program} is not installed")
        return path

    return find


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Give a port that nobody has, UDP or TCP, on 127.0.0.1 or ::1; each call another."""
    ports = _ports_of_worker()

    def take() -> int:
        return next(port for port in ports if _is_free(port))

    return take


def _ports_of_worker() -> Iterator[int]:
    """Go round the ports of this xdist worker, from a start that differs by process."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    first = FIRST_PORT + int(number) % 20 * PORTS_PER_WORKER
    start = os.getpid()
    while True:
        yield first + start % PORTS_PER_WORKER
        start += 1


def _is_free(port: int) -> bool:
    families = [(socket.AF_INET, "127.0.0.1")]
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        families.append((socket.AF_INET6, "::1"))
    with ExitStack() as sockets:
        try:
            for family, address in families:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    probe = sockets.enter_context(socket.socket(family, kind))
                    probe.bind((address, port))
        except OSError:
            return False
    return True
