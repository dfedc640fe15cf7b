"""Origin validation, which is gobgpd's to do: what its policy of the documentation leaves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from speakers import PATIENCE_S, Speaker, announcer, need_gobgpd, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOC = Path(__file__).resolve().parents[2] / "docs" / "bgp.md"
SITES = {"20.1.0.0/16": (64510,), "20.2.0.0/16": (7,), "21.0.0.0/16": (9,)}
"""By the authorization below valid, invalid, and not found, as far's own AS goes before."""


@pytest.fixture
def start_cache(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Start a cache of validated authorizations that serves RTR on loopback."""
    if shutil.which("stayrtr") is None:
        pytest.skip("stayrtr is not installed")
    authorized = {"prefix": "20.0.0.0/8", "maxLength": 16, "asn": "AS64510", "ta": "test"}
    source = tmp_path / "vrps.json"
    source.write_text(json.dumps({"metadata": {}, "roas": [authorized]}))
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int) -> None:
        words = ("-bind", f"127.0.0.1:{port}", "-cache", str(source), "-metrics.addr", "")
        with (tmp_path / "stayrtr.log").open("wb") as log:
            command = ("stayrtr", *words, "-checktime=false", "-protocol", "1")
            started.append(subprocess.Popen(command, stdout=log, stderr=log))

    yield start
    for process in started:
        process.kill()
        process.wait(PATIENCE_S)


def read_policy(port: int) -> str:
    """Give what the documentation says, with the cache on loopback."""
    (block,) = re.findall(
        r"^    \[\[rpki-servers\]\]$.*?^(?!    |$)", DOC.read_text(), re.DOTALL | re.MULTILINE
    )
    text = "\n".join(line.removeprefix("    ") for line in block.splitlines()[:-1])
    return text.replace("192.0.2.7", "127.0.0.1").replace("port = 323", f"port = {port}") + "\n"


def test_invalid_routes_go_when_gobgpd_has_the_authorizations(
    tmp_path: Path,
    free_port: Callable[[], int],
    follow: Any,
    start_cache: Callable[[int], None],
) -> None:
    need_gobgpd()
    port = free_port()
    far = Speaker(tmp_path / "far", 64510, "127.0.0.2", free_port(), free_port())
    near = Speaker(
        *(tmp_path / "near", 64500, "127.0.0.3", free_port(), free_port()),
        peers=[far],
        is_passive=True,
        more=read_policy(port),
    )
    far.peers = [near]
    try:
        near.start()
        far.start()
        wait_until(near.is_up, "the speakers have no session")
        with announcer(far) as client:
            client.send(SITES)
        following = follow(near, freeze=None)
        expected = {prefix: " ".join(map(str, (64510, *path))) for prefix, path in SITES.items()}
        following.wait_for(expected)
        start_cache(port)
        wait_until(lambda: "20.0.0.0/8" in near.ask("rpki", "table"), "gobgpd has no authorization")
        near.ask("neighbor", far.address, "softresetin")
        del expected["20.2.0.0/16"]
        following.wait_for(expected)
    finally:
        far.kill()
        near.kill()
