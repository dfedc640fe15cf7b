"""The configurations of the README, as they are printed there, but for where they listen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import LOOPBACK, addresses_of, make_query, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Home

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
VIPS = {"210.18.215.100": "127.0.0.11", "193.173.27.8": "127.0.0.12", "198.51.100.1": "127.0.0.13"}
"""Nothing but loopback is checked: nobody answers there, so by the last resort all sites serve."""
ROUTES = "212.124.87.0/24 64601\n203.0.113.0/24 64600\n"


def adapt(home: Home, text: str, free_port: Callable[[], int]) -> str:
    """Have a configuration listen, read and tell in the folder of a test."""
    home.write("ssrs.routes", ROUTES)
    text = text.replace("/etc/ssrs.routes", "ssrs.routes")
    text = text.replace("/usr/local/bin/tell-the-team", "/bin/true")
    text = text.replace("192.0.2.53:53", f"{LOOPBACK}:{home.port}")
    text = text.replace("ssrs: {}", 'ssrs: {listen: "127.0.0.1:7777"}')
    text = re.sub(r"127\.0\.0\.1:(7777|9153)", lambda _: f"{LOOPBACK}:{free_port()}", text)
    for vip, loopback in VIPS.items():
        text = text.replace(vip, loopback)
    folders = "run_dir: run, state_dir: state"
    if "server: {" in text:
        return text.replace("server: {", f"server: {{{folders}, ")
    return f"server: {{{folders}}}\n{text}"


def test_the_readme_has_configurations() -> None:
    assert 2 == len(BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=["minimal", "failover"])
def test_a_configuration_of_the_readme_serves(
    home: Home, free_port: Callable[[], int], block: str
) -> None:
    home.write("sparrow.yaml", adapt(home, block, free_port))
    daemon = home.serve()

    def is_nearest() -> bool:
        row = daemon.command("lookup", addresses=["212.124.87.1"])["result"]["rows"][0]
        found = row["prefix"], row["site"], row["vips"]
        return found == ("212.124.87.0/24", "nl", [VIPS["193.173.27.8"]])

    wait_until(is_nearest)


def test_the_minimal_one_answers_each_user_with_the_nearest_site(
    home: Home, free_port: Callable[[], int]
) -> None:
    home.write("sparrow.yaml", adapt(home, BLOCKS[0], free_port))
    daemon = home.serve()
    for subnet, vip in (("212.124.87.0/24", "193.173.27.8"), ("203.0.113.0/24", "210.18.215.100")):
        answer = daemon.query(make_query("www.example.org", "A", subnet))
        assert [VIPS[vip]] == addresses_of(answer)
