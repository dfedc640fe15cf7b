"""`sparrow status` and `reload`: the running daemon, asked and told."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import (
    config_option,
    connect_daemon,
    find_refusal,
    json_option,
    locate_config,
)
from sparrow.cli.showing import open_console, render_age, show_rows, show_sites
from sparrow.cli.terminal import ending, say, say_problems
from sparrow.control.lore import describe_lore
from sparrow.control.protocol import problem_from_json
from sparrow.control.status import Verdict, judge_status
from sparrow.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

_RELOAD_S = 600.0
"""Seconds for a reload: full tables on a busy machine take some."""
_WORKER_COLUMNS = (
    *("name", "pid", "restarts", "twin", "generation", "queries", "misses", "ring_drops"),
    *("drops", "buffer"),
)
"""What is shown of a worker; the first eight are keys of its row in the status."""
_SITE_COLUMNS = ("name", "answers", "v4", "v6", "order")
"""What is shown of a site."""
_CHECK_S = 10.0
"""Seconds that a monitoring system likes to wait."""


@click.command()
@config_option
def reload(config_path: str | None) -> None:
    """Make the daemon read everything again; exit 0 when it serves the new state.

    Where anything is wrong the old state goes on being served, all that is wrong
    is listed, and the exit code is 2.
    """
    with ending():
        with connect_daemon(locate_config(config_path), _RELOAD_S) as connection:
            result = connection.ask("reload")
        say_problems("warning", map(problem_from_json, result["warnings"]))
        for setting in result["needs_restart"]:
            say(f"warning: {setting} differs from what is in force: it needs a restart")
        changed = result["changed"]
        say(
            f"reloaded, serial {result['serial']}: {changed['announced']} prefixes announced, "
            f"{changed['withdrawn']} withdrawn, {changed['rerouted']} rerouted; "
            f"zones changed: {', '.join(changed['zones']) or 'none'}"
        )


@click.command()
@config_option
@json_option
@click.option("--check", "is_check", is_flag=True, help="Be a monitoring plugin: one line, 0 to 3.")
def status(config_path: str | None, *, is_json: bool, is_check: bool) -> None:
    """Show what the daemon serves: tables, zones, sites, counters."""
    if is_check:
        verdict, text = _check(config_path)
        print(f"SPARROW {verdict.name} - {text}")
        sys.exit(verdict)
    with ending():
        path = locate_config(config_path)
        with connect_daemon(path) as connection:
            found = connection.ask("status")
        if refusal := find_refusal(path):
            say(f"warning: {refusal}: `sparrow check` says why")
    if is_json:
        print(json.dumps(found))
    else:
        _show(found)


def _check(config_path: str | None) -> tuple[Verdict, str]:
    """Judge the daemon; whatever keeps it from being judged is UNKNOWN, its absence CRITICAL."""
    try:
        path = locate_config(config_path)
        with connect_daemon(path, _CHECK_S) as connection:
            verdict, text = judge_status(connection.ask("status"), time.time())
        if verdict is Verdict.OK and (refusal := find_refusal(path)):
            return Verdict.WARNING, f"{refusal}; {text}"
        return verdict, text  # noqa: TRY300 (both outcomes side by side)
    except UnavailableError as error:
        return Verdict.CRITICAL, str(error)
    except InputError as error:
        return Verdict.UNKNOWN, str(error.problems[0]) if error.problems else "no answer"


def _show(found: Mapping[str, Any]) -> None:
    console = open_console()
    now_s = time.time()
    console.print(
        f"sparrow {found['version']}, pid {found['pid']}, "
        f"up {render_age(now_s - found['started_at'])}, config {found['config']}"
    )
    if found["keeper_pid"] is None:
        console.print("the keeper is dead: `sparrow serve --replace` takes its place")
    console.print(f"serving serial {found['serial']} on {', '.join(found['listen']) or 'nothing'}")
    console.print(_describe_plan(found, now_s))
    console.print(f"route port {found['route_port'] or 'none'}")
    console.print(_describe_reload(found["reload"], now_s))
    _show_tables(console, found, now_s)
    show_rows(console, found["zones"], ("name", "serial", "names", "steered"))
    show_sites(console, found["sites"], _SITE_COLUMNS)
    for line in _describe_failover(found):
        console.print(line)
    show_rows(console, map(_worker_row, found["workers"]), _WORKER_COLUMNS)
    for name, value in found["counters"].items():
        if name != "sites":
            console.print(f"{name}: {_render_counter(value)}")


def _describe_plan(found: Mapping[str, Any], now_s: float) -> str:
    plan = found["plan"]
    if plan is None:
        return "no plan yet"
    age = render_age(now_s - plan["made_at"])
    stale = ", STALE: nothing newer was read yet" if found["stale"] else ""
    return f"plan generation {plan['generation']}, made {age} ago{stale}"


def _show_tables(console: Console, found: Mapping[str, Any], now_s: float) -> None:
    tables = found["tables"]
    if tables is None:
        return
    console.print(
        f"tables: {tables['v4']} IPv4 and {tables['v6']} IPv6 prefixes, "
        f"{tables['routes']} distinct routes, "
        f"read {render_age(now_s - tables['loaded_at'])} ago"
    )
    if found["map"]:
        console.print(f"map: {found['map']['v4']} IPv4 and {found['map']['v6']} IPv6 intervals")
    show_rows(console, tables["files"], ("path", "format", "v4", "v6", "bytes"))
    for row in found["feeds"]:
        console.print(_describe_feed(row, now_s))
    for line in describe_lore(found["lore"]):
        console.print(line)


def _describe_feed(row: Mapping[str, Any], now_s: float) -> str:
    parts = [f"{row['name']}: {row['phase']}", f"{row['v4']} IPv4 and {row['v6']} IPv6 prefixes"]
    if row["stale_since"] is not None:
        parts.append(f"old since {render_age(now_s - row['stale_since'])}")
    if row["withheld"]:
        frozen = "FROZEN, " if row["frozen"] else ""
        way_out = f" (`sparrow routes approve '{row['name']}'` lets them go)" if frozen else ""
        parts.append(f"{frozen}{row['withheld']} withdrawals withheld{way_out}")
    parts.append(f"{row['updates']} updates, {row['repaired']} repaired")
    return ", ".join(parts) + (f"; {row['problem']}" if row["problem"] else "")


def _worker_row(worker: Mapping[str, Any]) -> dict[str, Any]:
    """Give a line of the table of workers; sockets are added up."""
    sockets = worker["sockets"]
    buffers = [each["receive_buffer"] for each in sockets]
    return {
        **{name: "-" if worker.get(name) is None else worker[name] for name in _WORKER_COLUMNS[:8]},
        "drops": sum(each["drops"] for each in sockets),
        "buffer": min(buffers, default="-"),
    }


def _describe_reload(reload_row: Mapping[str, Any] | None, now_s: float) -> str:
    if reload_row is None:
        return "no reload since the start"
    age = render_age(now_s - reload_row["at"])
    if reload_row["ok"]:
        return f"last reload {age} ago: taken"
    problems = "\n".join(f"  {problem_from_json(row)}" for row in reload_row["problems"])
    return f"last reload {age} ago: REFUSED, the state before it is served\n{problems}"


def _describe_failover(found: Mapping[str, Any]) -> Iterator[str]:
    """Say what is in force beside the sites themselves, and what is wrong with it."""
    failover, notify = found["failover"], found["notify"]
    if failover["mode"]:
        yield f"failover mode: {failover['mode']}"
    if failover["held"]:
        yield f"A TABLE IS HELD BACK: {'; '.join(failover['held']['reasons'])}"
        yield "  `sparrow routes diff` shows what it would move, `sparrow routes approve` takes it"
    if failover["orders_problem"]:
        yield f"ORDERS CANNOT BE READ: {failover['orders_problem']}"
    if found["journal"]["failures"]:
        now = found["journal"]["problem"] or "it is written again"
        yield f"journal: {found['journal']['failures']} entries lost; {now}"
    if failover["health_problem"]:
        yield f"WHAT CHECKS FOUND CANNOT BE STORED: {failover['health_problem']}"
    if notify:
        counts = ", ".join(f"{key} {notify[key]}" for key in notify if key != "problem")
        failure = f"; {notify['problem']}" if notify["problem"] else ""
        yield f"notify: {counts}{failure}"


def _render_counter(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
    return str(value)
