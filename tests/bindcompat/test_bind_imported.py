"""What `import-bind` makes of named.conf answers as BIND does with the words in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bindground import CONF, random_clients, random_table, serving_bind
from running import LOOPBACK, addresses_of, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Home

WORDS = r"""ss --host 127.0.0.1 --route_server ssrs --password XXXX \
 --peer 64600=210.18.215.100,64601=193.173.27.8 \
 --self 193.173.27.8 --port {port} --result_count 1\
 --soa_host ns.worldhosting.org. --soa_email hostmaster.worldhosting.org.\
 --ns ns.worldhosting.org. --ns ns.au.worldhosting.org. --ttl 7 --ns_ttl 60"""
"""Those of the recipe, but for the port."""


def test_bind_and_sparrow_answer_alike_from_the_words_of_the_recipe(
    home: Home, driver: Path, needs: Callable[[str], str], free_port: Callable[[], int]
) -> None:
    program, port, folder = needs("named"), free_port(), home.path / "bind"
    words = WORDS.format(port=free_port())
    home.write("table.routes", random_table(seed=11))
    named = f'zone "www.example.org" {{ type master; database "{words}"; }};'
    old = home.write("named.conf.old", named)
    place = ("--listen", f"{LOOPBACK}:{home.port}", "--routes", str(home.path / "table.routes"))
    outcome = run("import-bind", old, "-o", home.config, *place)
    assert 0 == outcome.code, outcome.err
    text = home.config.read_text()
    home.write("sparrow.yaml", text.replace("]}", "], run_dir: run, state_dir: state}", 1))
    home.serve()
    conf = CONF.format(folder=folder, port=port, driver=driver, words=words)
    with serving_bind(program, folder, port, conf) as bind:
        clients = random_clients(seed=12, count=200)
        sparrow = replace(bind, port=home.port)
        expected = [sparrow.ask(client) for client in clients]
        assert 2 == len({tuple(addresses_of(each)) for each in expected})
        assert [each.answer for each in expected] == [bind.ask(each).answer for each in clients]
        for rtype in ("SOA", "NS"):
            assert sparrow.ask(rtype=rtype).answer == bind.ask(rtype=rtype).answer
