"""The failover recipe of Super Sparrow's users, in a file system of its own.

`SCRIPT` is theirs: cron runs it every five minutes. Its line breaks are restored, and so is
what the second check of the Netherlands had lost in print, `&& NLW=1`. Start from `Machine`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from running import LOOPBACK, PATIENCE_S, START, Home

if TYPE_CHECKING:
    from running import Daemon

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = Path("/usr/lib/nagios/plugins")

SCRIPT = """\
#!/bin/bash
AUW=0
NLW=0

# Is Australia there? Asked twice, in case there was a hiccup.
/sbin/check_http -H {au} -u /index.html -p 80 -t 20 && AUW=1
/sbin/check_http -H {au} -u /index.html -p 80 -t 20 && AUW=1

# Are the Netherlands?
/sbin/check_http -H {nl} -u /index.html -p 80 -t 20 && NLW=1
/sbin/check_http -H {nl} -u /index.html -p 80 -t 20 && NLW=1

# With both, or none, as always; else everybody goes to the one that is left.
if [ "$AUW" = "$NLW" ]; then
    ln -sf /var/named/supersparrow/ssrs.routes.normal /etc/ssrs.routes
elif [ "$AUW" = 1 ]; then
    ln -sf /var/named/supersparrow/ssrs.routes.AUonly /etc/ssrs.routes
else
    ln -sf /var/named/supersparrow/ssrs.routes.NLonly /etc/ssrs.routes
fi

# Nothing to do where the content is what it was.
md5sum -c /etc/ssrs.routes.md5sum &>/dev/null && exit

/etc/init.d/supersparrow reload
md5sum /etc/ssrs.routes >/etc/ssrs.routes.md5sum
"""

CONFIG = """\
server: {{listen: ["{listen}"], run_dir: run, state_dir: state}}
self: nl
sites:
  au: {{asn: [64600], vips: [{au}]}}
  nl: {{asn: [64601], vips: [{nl}]}}
routes: [{{file: /etc/ssrs.routes}}]
zones:
  www.example.org:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
FILES = ("ssrs.routes.normal", "ssrs.routes.AUonly", "ssrs.routes.NLonly")
MOUNT = """\
mount --bind {root}/etc /etc
mount --bind {root}/sbin {sbin}
mount --bind {root}/var /var
echo ready
exec sleep 600
"""


class Page(SimpleHTTPRequestHandler):
    """Gives one page, and says nothing of it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"up\n")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@dataclass
class Site:
    """A web server that can be taken away."""

    address: str
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Serve on port 80."""
        self.server = ThreadingHTTPServer((self.address, 80), Page)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None


@dataclass
class Machine:
    """A root file system with the recipe in it, two sites, and the server."""

    root: Path
    port: int
    au: Site
    nl: Site
    holder: subprocess.Popen[str] | None = None
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        etc, named = self.root / "etc", self.root / "var" / "named" / "supersparrow"
        for folder in (etc / "init.d", etc / "sparrow", named, self.root / "sbin"):
            folder.mkdir(parents=True)
        (self.root / "var" / "tmp").mkdir()
        for name in ("passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache"):
            if Path("/etc", name).exists():
                shutil.copy(f"/etc/{name}", etc)
        for name in FILES:
            shutil.copy(CHECKOUT / "routes" / name, named)
        (self.root / "sbin" / "check_http").symlink_to(PLUGINS / "check_http")
        shutil.copy(CHECKOUT / "contrib" / "supersparrow", etc / "init.d")
        (etc / "ssrs.routes").symlink_to("/var/named/supersparrow/ssrs.routes.normal")
        (etc / "check.sh").write_text(SCRIPT.format(au=self.au.address, nl=self.nl.address))
        self.home = Home(etc / "sparrow", self.port)
        self.home.write(
            "sparrow.yaml",
            CONFIG.format(listen=f"{LOOPBACK}:{self.port}", au=self.au.address, nl=self.nl.address),
        )

    def start(self) -> Daemon:
        """Make the namespace, and serve in it."""
        script = MOUNT.format(root=self.root, sbin=Path("/sbin").resolve())
        command = ("unshare", "--mount", "--propagation", "private", "sh", "-ec", script)
        self.holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout
        assert "ready\n" == self.holder.stdout.readline()
        self.au.start()
        self.nl.start()
        return self.home.begin(prefix=(*self.inside, *START)).wait_for("ready")

    @property
    def inside(self) -> tuple[str, ...]:
        """Give the words that run a command in the namespace."""
        assert self.holder
        return ("nsenter", "--mount", "--target", str(self.holder.pid))

    def run_script(self, shell: str) -> str:
        """Run the recipe once, as cron would; give what it wrote to stderr."""
        path = f"{Path(sys.executable).parent}:{os.defpath}"
        command = (*self.inside, shell, "/etc/check.sh")
        return subprocess.run(
            command,
            env={"PATH": path},
            check=False,
            timeout=PATIENCE_S,
            capture_output=True,
            text=True,
        ).stderr

    def end(self) -> None:
        """Leave nothing behind."""
        try:
            self.home.end()
        finally:
            self.au.stop()
            self.nl.stop()
            if self.holder and self.holder.stdout:
                self.holder.kill()
                self.holder.wait(PATIENCE_S)
                self.holder.stdout.close()


def choose_addresses(port: int) -> tuple[str, str]:
    """Give two addresses of the loopback that no test with another port chooses."""
    return f"127.{port >> 8}.{port & 255}.1", f"127.{port >> 8}.{port & 255}.2"
