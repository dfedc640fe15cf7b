"""The recipe of Super Sparrow's users runs as it stands, by the shell it was written for or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recipe import PLUGINS, Machine, Site, choose_addresses
from running import is_root, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

IN_AUSTRALIA = "130.56.0.0/24"
IN_EUROPE = "212.124.87.0/24"


@pytest.fixture
def machine(
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    needs: Callable[[str], str],
) -> Iterator[Machine]:
    """Give a machine on which nothing runs yet."""
    for program in ("unshare", "nsenter", "bash", "dash", "md5sum"):
        needs(program)
    if not is_root():
        pytest.skip("mounting needs root")
    if not (PLUGINS / "check_http").exists():
        pytest.skip("monitoring-plugins-basic is not installed")
    port = free_port()
    au, nl = map(Site, choose_addresses(port))
    machine = Machine(tmp_path_factory.mktemp("m"), port, au, nl)
    yield machine
    machine.end()


def ask(daemon: Daemon, machine: Machine) -> tuple[str, str]:
    """Give the sites of a user in Australia and of one in Europe."""
    names = {machine.au.address: "au", machine.nl.address: "nl"}
    first, second = (
        names[daemon.addresses(subnet=subnet)[0]] for subnet in (IN_AUSTRALIA, IN_EUROPE)
    )
    return first, second


def test_under_bash_the_script_swaps_and_reloads(machine: Machine) -> None:
    daemon = machine.start()
    summary = machine.root / "etc" / "ssrs.routes.md5sum"
    machine.run_script("bash")
    assert ("au", "nl") == ask(daemon, machine)
    machine.nl.stop()
    assert "reloaded, serial" in machine.run_script("bash")
    assert ("au", "au") == ask(daemon, machine)
    written = summary.stat().st_mtime_ns
    assert "reloaded" not in machine.run_script("bash")
    assert written == summary.stat().st_mtime_ns  # it ended before the reload
    machine.au.stop()
    machine.run_script("bash")
    assert ("au", "nl") == ask(daemon, machine)
    machine.nl.start()
    machine.run_script("bash")
    assert ("nl", "nl") == ask(daemon, machine)
    machine.au.start()
    machine.run_script("bash")
    assert ("au", "nl") == ask(daemon, machine)


def test_under_dash_the_script_never_reloads_and_the_daemon_sees_for_itself(
    machine: Machine,
) -> None:
    # To dash `command &>/dev/null && exit` is `command &`, and then `>/dev/null && exit`.
    daemon = machine.start()
    machine.nl.stop()
    assert "reloaded" not in machine.run_script("dash")
    wait_until(lambda: ask(daemon, machine) == ("au", "au"), daemon.log)
    machine.nl.start()
    machine.au.stop()
    machine.run_script("dash")
    wait_until(lambda: ask(daemon, machine) == ("nl", "nl"), daemon.log)
    machine.au.start()
    machine.run_script("dash")
    wait_until(lambda: ask(daemon, machine) == ("au", "nl"), daemon.log)
    assert not (machine.root / "etc" / "ssrs.routes.md5sum").exists()
