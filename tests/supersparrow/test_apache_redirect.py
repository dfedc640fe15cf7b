"""A real Apache that redirects by the program, with the configuration of the manual."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes, read_routes
from served_routes import serving
from sparrowprogram import PATIENCE_S, SCRIPT, wait_until

from sparrow.server.ssrs import RoutePortSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from served_routes import Running

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MANUAL = (CHECKOUT / "docs" / "supersparrow.md").read_text(encoding="utf-8")

ROUTES = """
127.0.0.2/32 64600
127.0.0.3/32 7 64601
127.0.0.64/26 64601 64600
"""
HOST = "www.example.org"
AU, NL = "www.au.example.org", "www.nl.example.org"

# What stands around the manual's part on a machine that has Apache installed.
MODULES = ("mpm_event", "authz_core", "dir", "rewrite")
SURROUNDINGS = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/log
Mutex sem
User nobody
Group nogroup
StartServers 1
Listen 127.0.0.1:{port}
"""


def block(kind: str) -> str:
    """Give the one block of this kind that the manual prints."""
    [found] = re.findall(rf"```{kind}\n(.*?)```", MANUAL, flags=re.DOTALL)
    return str(found)


@dataclass(frozen=True)
class Apache:
    """An Apache that runs."""

    curl: str
    port: int
    folder: Path

    def fetch(self, source: str, *words: str) -> str:
        """Ask for a page of `HOST` from a loopback address; give what curl prints."""
        command = [self.curl, "--silent", "--show-error", "--interface", source]
        command += ["--max-time", str(PATIENCE_S), "--connect-to", f"::127.0.0.1:{self.port}"]
        command += ["--noproxy", "*", *words]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert 0 == ended.returncode, ended.stderr + self.log()
        return ended.stdout

    def target(self, source: str, path: str = "a/b.html?c=d") -> str:
        """Tell where a client is sent to, with the status code."""
        written = ["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"]
        return self.fetch(source, *written, f"http://{HOST}/{path}")

    def log(self) -> str:
        return (self.folder / "log").read_text() + (self.folder / "stderr").read_text()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Apache's own user may read, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def write_all(folder: Path, modules: Path, port: int, route_port: int) -> None:
    """Write the configurations of the manual; path, port and patience of the program differ."""
    script = folder / "supersparrow"
    words = [f"--config_file={folder}/supersparrow.conf", f"--port={route_port}"]
    words.append(f"--timeout={PATIENCE_S}")
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\nfrom pathlib import Path\n"
        f"Path({str(folder / 'program.pid')!r}).write_text(str(os.getpid()))\n"
        f"sys.argv += {words!r}\n{SCRIPT}\n"
    )
    script.chmod(0o755)
    (folder / "supersparrow.conf").write_text(block("conf"))
    for name in ("au", "nl"):
        (folder / name).mkdir()
        (folder / name / "index.html").write_text(f"this is {name}\n")
    here = (
        block("apache")
        .replace("*:80", f"127.0.0.1:{port}")
        .replace("/usr/bin/supersparrow", str(script))
        .replace("/var/www/html", f"{folder}/au")
    )
    there = (
        f"<VirtualHost 127.0.0.1:{port}>\nServerName {NL}\nDocumentRoot {folder}/nl\n</VirtualHost>"
    )
    loads = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in MODULES)
    surroundings = SURROUNDINGS.format(folder=folder, port=port)
    (folder / "httpd.conf").write_text(f"{loads}{surroundings}{here}\n{there}\n")


@contextmanager
def running(program: str, apache: Apache) -> Iterator[None]:
    """Run Apache with the configuration in its folder; its program ends with it."""
    command = [program, "-d", str(apache.folder), "-f", "httpd.conf", "-DFOREGROUND"]
    with (apache.folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stderr, stderr=stderr)
    try:
        wait_until(lambda: "resuming normal operations" in apache.log() or has_ended(process))
        assert not has_ended(process), apache.log()
        yield
        process.terminate()
        assert 0 == process.wait(PATIENCE_S), apache.log()
        pid = (apache.folder / "program.pid").read_text()
        wait_until(lambda: not Path(f"/proc/{pid}").exists())
    finally:
        process.kill()
        process.wait()


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


@pytest.fixture
def routes() -> Iterator[Running]:
    """A route port with the password of the manual."""
    settings = RoutePortSettings("router", password="frub")  # noqa: S106  (no secret)
    with serving(ListedRoutes(read_routes(ROUTES)), settings) as port:
        yield port


@pytest.fixture
def apache(
    needs: Callable[[str], str], free_port: Callable[[], int], folder: Path, routes: Running
) -> Iterator[Apache]:
    """Apache with the configurations of the manual."""
    program, curl = needs("apache2"), needs("curl")
    modules = Path("/usr/lib/apache2/modules")
    found = Apache(curl, free_port(), folder)
    (folder / "log").touch()
    write_all(folder, modules, found.port, routes.address[1])
    with running(program, found):
        yield found


def test_each_client_is_sent_to_the_site_that_is_nearest(apache: Apache) -> None:
    assert f"302 http://{AU}/a/b.html?c=d" == apache.target("127.0.0.2")
    assert f"302 http://{NL}/a/b.html?c=d" == apache.target("127.0.0.3")
    assert f"302 http://{AU}/a/b.html?c=d" == apache.target("127.0.0.4")
    assert "supersparrow:" not in apache.log()


def test_a_client_that_follows_gets_the_page_of_its_site(apache: Apache) -> None:
    assert "this is au\n" == apache.fetch("127.0.0.2", "--location", f"http://{HOST}/")
    assert "this is nl\n" == apache.fetch("127.0.0.3", "--location", f"http://{HOST}/")


def test_many_clients_at_once_each_get_their_own_site(apache: Apache, routes: Running) -> None:
    urls = [f"http://{HOST}/{number}" for number in range(100)]
    words = ["--parallel", "--parallel-max", "20", "--write-out", "%{redirect_url}\n"]
    expected = {"127.0.0.2": AU, "127.0.0.3": NL, "127.0.0.5": AU, "127.0.0.70": NL}
    for source, site in expected.items():
        found = apache.fetch(source, *words, *urls)
        pages = [line for line in found.split("\n") if line.startswith("http://")]
        assert sorted(f"http://{site}/{number}" for number in range(100)) == sorted(pages)
    assert 1 == routes.port.counters.accepted
    assert routes.port.counters.commands < 400
