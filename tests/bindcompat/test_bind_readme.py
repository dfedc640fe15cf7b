"""Every configuration in bind-compat/README.md is started, and answers as the page says."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import dns.message
import dns.query
import pytest
from bindground import CHECKOUT, HALVES, LOWER, UPPER, Bind, serving_bind
from running import LOOPBACK, PATIENCE_S, Home, addresses_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

README = (CHECKOUT / "bind-compat" / "README.md").read_text()
AU, NL = ["210.18.215.100"], ["193.173.27.8"]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, flags=re.DOTALL)


class Ground(NamedTuple):
    """What the page needs of a machine, made small."""

    home: Home
    program: str
    driver: Path
    port: int
    route_port: int

    def configure(self) -> None:
        """Write sparrow's part, with this machine's places in it."""
        (config,) = blocks("yaml")
        changes = {
            "192.0.2.53:53": f"{LOOPBACK}:{self.home.port}",
            "/run/sparrow": str(self.home.run_dir),
            "  user: sparrow\n": f"  state_dir: {self.home.path / 'state'}\n",
            "/etc/ssrs.routes": str(self.home.path / "table.routes"),
            "/etc/sparrow/": f"{self.home.path}/",
            "7777": str(self.route_port),
        }
        self.home.write("sparrow.yaml", replaced(config, changes))
        self.home.write("www.example.org.zone", blocks("zone")[0])
        self.home.write("table.routes", HALVES[0])

    @contextmanager
    def bind(self, conf: str) -> Iterator[Bind]:
        """Start `named` with a configuration of the page."""
        folder = self.home.path / "bind"
        folder.mkdir()
        (folder / "example.org.zone").write_text(blocks("zone")[1])
        changes = {
            "/var/cache/bind": str(folder),
            "/etc/bind/": f"{folder}/",
            "/usr/lib/bind/dlz_sparrow.so": str(self.driver),
            "/run/sparrow": str(self.home.run_dir),
            "--port 7777": f"--port {self.route_port}",
            "127.0.0.1 port 5300": f"{LOOPBACK} port {self.home.port}",
        }
        # No other server is to be asked, no port of the machine's taken.
        lines = f"listen-on port {self.port} {{ {LOOPBACK}; }}; pid-file none; lock-file none;"
        text = re.sub(r"listen-on \{.*", "", replaced(conf, changes))
        text = text.replace("dnssec-validation auto", "dnssec-validation no")
        text = text.replace("options {", f"controls {{ }};\noptions {{\n    {lines}", 1)
        with serving_bind(self.program, folder, self.port, text) as bind:
            yield bind


def replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


@pytest.fixture
def ground(
    tmp_path: Path, needs: Callable[[str], str], free_port: Callable[[], int], driver: Path
) -> Iterator[Ground]:
    home = Home(tmp_path, free_port())
    ground = Ground(home, needs("named"), driver, free_port(), free_port())
    ground.configure()
    yield ground
    home.end()


def test_the_page_has_the_configurations_that_are_started_here() -> None:
    assert (1, 2, 4) == (len(blocks("yaml")), len(blocks("zone")), len(blocks("named")))


def test_delegated_the_name_leads_to_sparrow(ground: Ground) -> None:
    ground.home.serve()
    with ground.bind(blocks("named")[0]) as bind:
        referral = bind.ask()
        (ns,) = referral.authority
        ours = ground.home.daemons[0].ask("www.example.org", "NS")
        assert [] == referral.answer
        assert [rdata.to_text() for rdata in ns] == addresses_of(ours)
        glue = [rrset for rrset in referral.additional if rrset.name == ns[0].target]
        server = ground.home.daemons[0].ask(ns[0].target.to_text())
        assert addresses_of(server) == [rdata.to_text() for rrset in glue for rdata in rrset]
    query = dns.message.make_query("www.example.org", "A")
    answers = [
        addresses_of(dns.query.udp(query, LOOPBACK, PATIENCE_S, ground.home.port, source=client))
        for client in (LOWER, UPPER)
    ]
    assert [AU, NL] == answers


def test_forwarded_all_users_of_bind_get_the_site_nearest_to_bind(ground: Ground) -> None:
    ground.home.serve()
    with ground.bind(blocks("named")[1]) as bind:
        assert [AU, AU] == [bind.addresses(LOWER), bind.addresses(UPPER)]


@pytest.mark.parametrize("number", [2, 3], ids=["plan", "route port"])
def test_with_the_driver_bind_answers_each_resolver_itself(ground: Ground, number: int) -> None:
    ground.home.serve()
    with ground.bind(blocks("named")[number]) as bind:
        assert [AU, NL] == [bind.addresses(LOWER), bind.addresses(UPPER)]
        for rtype in ("A", "SOA", "NS"):
            ours = ground.home.daemons[0].ask("www.example.org", rtype)
            assert ours.answer == bind.ask(rtype=rtype).answer


def test_every_option_of_the_driver_is_on_the_page() -> None:
    source = (CHECKOUT / "bind-compat" / "driver" / "options.c").read_text()
    known = set(re.findall(r'^    \{"(\w+)", take_', source, flags=re.MULTILINE))
    table = README[README.index("### Options") : README.index("### How it chooses")]
    rows = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert known == set(re.findall(r"--(\w+)", rows))
