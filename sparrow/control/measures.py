"""What is measured: each metric in one place, and how it is read off the status.

Law: `docs/metrics.md` tells of each; labels are names out of the configuration, of response
codes and of our processes, never of clients or names asked, so that there are never many.
Start from `METRICS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sparrow.control.sites import FAMILY_KEYS
from sparrow.policy.outcome import Action, Standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Status: TypeAlias = "Mapping[str, Any]"
Samples: TypeAlias = "Iterable[tuple[tuple[str, ...], float | None]]"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    """Its name; a counter's ends in `_total`."""
    text: str
    """What it tells."""
    read: Callable[[Status], Samples]
    """Gives values by labels; None for a value that is not known now."""
    labels: tuple[str, ...] = ()
    """Names of its labels."""

    @property
    def is_counter(self) -> bool:
        """Whether it only grows."""
        return self.name.endswith("_total")


def _one(read: Callable[[Status], float | None]) -> Callable[[Status], Samples]:
    """Give a reader of one value without labels."""
    return lambda status: [((), read(status))]


def _within(part: str, key: str) -> Callable[[Status], Samples]:
    """Give a reader of a key in a part of the status that may be null."""
    return _one(lambda status: status[part] and status[part][key])


def _count(key: str) -> Callable[[Status], Samples]:
    """Give a reader of one counter."""
    return _one(lambda status: status["counters"].get(key))


def _counts(key: str, *leave_out: str) -> Callable[[Status], Samples]:
    """Give a reader of counters by name."""
    return lambda status: [
        ((name,), count)
        for name, count in status["counters"].get(key, {}).items()
        if name not in leave_out
    ]


def _workers(key: str) -> Callable[[Status], Samples]:
    """Give a reader of a value of each worker."""
    return lambda status: [((row["name"],), row[key]) for row in status["workers"]]


def _families(read: Callable[[Any], float]) -> Callable[[Status], Samples]:
    """Give a reader of a value of each site and family that it has addresses of."""
    return lambda status: [
        ((row["name"], family), read(row[family]))
        for row in status["sites"]
        for family in FAMILY_KEYS.values()
        if row[family]
    ]


def _checks(read: Callable[[Any], float | None]) -> Callable[[Status], Samples]:
    """Give a reader of a value of each check of each site."""
    return lambda status: [
        ((row["name"], check["label"]), read(check))
        for row in status["sites"]
        for check in row["checks"]
    ]


def _feeds(read: Callable[[Any], float | None]) -> Callable[[Status], Samples]:
    """Give a reader of a value of each live source of routes."""
    return lambda status: [((row["name"],), read(row)) for row in status["feeds"]]


def _feed_prefixes(status: Status) -> Samples:
    for row in status["feeds"]:
        for family in FAMILY_KEYS.values():
            yield (row["name"], family), row[family]


def _stale_views(status: Status) -> Samples:
    lore = status["lore"]
    return [] if lore is None else [((site,), 1) for site in lore["stale_views"]]


def _held(key: str) -> Callable[[Status], float | None]:
    """Give a reader of what hysteresis holds; there is nothing to read without it."""
    return lambda status: (
        status["lore"]["held"][key] if status["lore"] and status["lore"]["held"] else None
    )


def _held_addresses(status: Status) -> Samples:
    return [((family,), _held(family)(status)) for family in FAMILY_KEYS.values()]


def _standings(status: Status) -> Samples:
    for row in status["sites"]:
        for family in FAMILY_KEYS.values():
            if row[family]:
                for standing in Standing:
                    is_this = row[family]["standing"] == standing.value
                    yield (row["name"], family, standing.value), is_this


def _orders(status: Status) -> Samples:
    for row in status["sites"]:
        in_force = row["order"]["action"] if row["order"] else Action.AUTO.value
        for action in Action:
            yield (row["name"], action.value), in_force == action.value


def _planned(status: Status) -> Samples:
    return [
        ((row["name"],), row["planned"]["starts_at_s"] if row["planned"] else None)
        for row in status["sites"]
    ]


def _socket_drops(status: Status) -> Samples:
    return [
        ((row["name"],), sum(sock["drops"] for sock in row["sockets"])) for row in status["workers"]
    ]


def _table_files(key: str) -> Callable[[Status], Samples]:
    return lambda status: [
        ((file["path"],), file[key]) for file in (status["tables"] or {}).get("files", ())
    ]


def _refused_of_files(status: Status) -> Samples:
    for file in (status["tables"] or {}).get("files", ()):
        for reason, count in file["refused"].items():
            yield (file["path"], reason), count


def _refused_of_feeds(status: Status) -> Samples:
    for row in status["feeds"]:
        for reason, count in row["refused"].items():
            yield (row["name"], reason), count


def _by_family(part: str) -> Callable[[Status], Samples]:
    return lambda status: [
        ((family,), status[part][family]) for family in FAMILY_KEYS.values() if status[part]
    ]


def _notices(status: Status) -> Samples:
    counts = status["notify"].items()
    return [((key,), count) for key, count in counts if key not in {"waiting", "problem"}]


_SITE = ("site", "family")
_FEED = ("feed",)

METRICS: tuple[Metric, ...] = (
    Metric(
        "sparrow_info", "The version that runs.", lambda s: [((s["version"],), 1)], ("version",)
    ),
    Metric(
        "sparrow_start_time_seconds",
        "When the server started, in Unix time.",
        _one(lambda s: s["started_at"]),
    ),
    Metric(
        "sparrow_keeper_up",
        "Whether the keeper lives, which restarts what dies.",
        _one(lambda s: s["keeper_pid"] is not None),
    ),
    Metric(
        "sparrow_stale",
        "Whether the last plan is served, as nothing newer was read yet.",
        _one(lambda s: s["stale"]),
    ),
    Metric(
        "sparrow_serial",
        "Serial of what is served: one more for each change.",
        _one(lambda s: s["serial"]),
    ),
    Metric(
        "sparrow_plan_generation",
        "Generation of the plan that is published.",
        _within("plan", "generation"),
    ),
    Metric(
        "sparrow_plan_made_time_seconds",
        "When that plan was made, in Unix time.",
        _within("plan", "made_at"),
    ),
    Metric(
        "sparrow_reload_success",
        "Whether the last reload was taken; absent before the first.",
        _within("reload", "ok"),
    ),
    Metric("sparrow_reload_time_seconds", "When it was, in Unix time.", _within("reload", "at")),
    Metric(
        "sparrow_table_prefixes", "Prefixes of the route tables.", _by_family("tables"), ("family",)
    ),
    Metric(
        "sparrow_table_routes", "Distinct routes of the route tables.", _within("tables", "routes")
    ),
    Metric(
        "sparrow_table_loaded_time_seconds",
        "When they were read, in Unix time.",
        _within("tables", "loaded_at"),
    ),
    Metric(
        "sparrow_table_file_modified_time_seconds",
        "When a route file was written, in Unix time.",
        _table_files("modified_at"),
        ("path",),
    ),
    Metric(
        "sparrow_table_file_refused",
        "Paths of an MRT file that were left out, by reason.",
        _refused_of_files,
        ("path", "reason"),
    ),
    Metric(
        "sparrow_map_intervals",
        "Intervals of the address map of the service default.",
        _by_family("map"),
        ("family",),
    ),
    Metric("sparrow_zones", "Zones that are served.", _one(lambda s: len(s["zones"]))),
    Metric("sparrow_queries_total", "DNS messages received.", _counts("queries"), ("transport",)),
    Metric(
        "sparrow_responses_total", "Answers by response code.", _counts("responses"), ("rcode",)
    ),
    Metric("sparrow_silent_total", "Messages that got no answer.", _count("silent")),
    Metric("sparrow_truncated_total", "Answers with TC.", _count("truncated")),
    Metric("sparrow_ecs_queries_total", "Queries with a client subnet.", _count("ecs")),
    Metric(
        "sparrow_misses_total", "Queries that went through the full algorithm.", _count("misses")
    ),
    Metric(
        "sparrow_ring_drops_total",
        "Of these, what was dropped as too many waited.",
        _count("ring_drops"),
    ),
    Metric(
        "sparrow_socket_drops_total",
        "Packets that the system dropped as the buffer was full.",
        _count("socket_drops"),
    ),
    Metric("sparrow_exceptions_total", "Messages that sparrow failed at.", _count("exceptions")),
    Metric(
        "sparrow_receive_errors_total",
        "Failures of the system to receive.",
        _count("receive_errors"),
    ),
    Metric("sparrow_send_errors_total", "Failures of the system to send.", _count("send_errors")),
    Metric(
        "sparrow_pdns_requests_total", "Requests of PowerDNS received.", _count("pdns_requests")
    ),
    Metric(
        "sparrow_site_answers_total",
        "Steered answers by the site that was given.",
        _counts("sites"),
        ("site",),
    ),
    Metric(
        "sparrow_service_answers_total",
        "Steered answers by service.",
        _counts("services"),
        ("service",),
    ),
    Metric(
        "sparrow_tcp_connections",
        "Connections of DNS over TCP that are open.",
        _one(lambda s: s["counters"].get("connections", {}).get("open")),
    ),
    Metric(
        "sparrow_tcp_connections_total",
        "What became of connections of DNS over TCP.",
        _counts("connections", "open"),
        ("event",),
    ),
    Metric(
        "sparrow_route_port_sessions",
        "Sessions of the route port that are open.",
        _one(lambda s: s["counters"]["route_port"].get("open")),
    ),
    Metric(
        "sparrow_route_port_total",
        "What happened at the route port.",
        _counts("route_port", "open"),
        ("event",),
    ),
    Metric("sparrow_worker_ready", "Whether a worker answers.", _workers("ready"), ("worker",)),
    Metric(
        "sparrow_worker_generation",
        "Generation of the plan that a worker answers from.",
        _workers("generation"),
        ("worker",),
    ),
    Metric(
        "sparrow_worker_restarts_total",
        "Times that a worker was replaced after its death.",
        _workers("restarts"),
        ("worker",),
    ),
    Metric(
        "sparrow_worker_refused_plans_total",
        "Plans that a worker found damaged.",
        _workers("refused_plans"),
        ("worker",),
    ),
    Metric(
        "sparrow_worker_queries_total",
        "Messages that a worker received.",
        _workers("queries"),
        ("worker",),
    ),
    Metric(
        "sparrow_worker_socket_drops_total",
        "Packets dropped at a worker's sockets.",
        _socket_drops,
        ("worker",),
    ),
    Metric(
        "sparrow_site_up",
        "What the checks of a site say; 1 without checks.",
        _families(lambda row: row["health"] != "down"),
        _SITE,
    ),
    Metric(
        "sparrow_site_degraded",
        "Whether the checks of a site have a warning.",
        _families(lambda row: row["health"] == "degraded"),
        _SITE,
    ),
    Metric(
        "sparrow_site_standing",
        "How a site stands, by checks and orders together: 1 for one standing, 0 for the others.",
        _standings,
        (*_SITE, "standing"),
    ),
    Metric(
        "sparrow_site_transitions_total",
        "Changes of how a site stands.",
        _families(lambda row: row["transitions"]),
        _SITE,
    ),
    Metric(
        "sparrow_site_order",
        "What operators ordered for a site: 1 for what is in force.",
        _orders,
        ("site", "action"),
    ),
    Metric(
        "sparrow_site_planned_time_seconds",
        "When the next order of a site begins, in Unix time.",
        _planned,
        ("site",),
    ),
    Metric(
        "sparrow_check_up",
        "What a check of a site says of its target.",
        _checks(lambda row: row["verdict"] != "down"),
        ("site", "check"),
    ),
    Metric(
        "sparrow_check_degraded",
        "Whether a check has a warning.",
        _checks(lambda row: row["degraded"]),
        ("site", "check"),
    ),
    Metric(
        "sparrow_check_duration_seconds",
        "How long the last round of a check took.",
        _checks(lambda row: row["took_s"]),
        ("site", "check"),
    ),
    Metric(
        "sparrow_failover_mode",
        "The failover mode that is in force.",
        lambda s: [((s["failover"]["mode"],), 1)] if s["failover"]["mode"] else [],
        ("mode",),
    ),
    Metric(
        "sparrow_table_held",
        "Whether a guard holds a table back.",
        _one(lambda s: s["failover"]["held"] is not None),
    ),
    Metric(
        "sparrow_view_stale",
        "Sites whose views are too old to go by.",
        _stale_views,
        ("site",),
    ),
    Metric(
        "sparrow_overrides",
        "Overrides that are in force.",
        _one(lambda s: s["lore"] and len(s["lore"]["overrides"])),
    ),
    Metric(
        "sparrow_held_stretches",
        "Stretches of client addresses that hysteresis holds.",
        _one(_held("stretches")),
    ),
    Metric(
        "sparrow_held_addresses",
        "Client addresses that hysteresis holds.",
        _held_addresses,
        ("family",),
    ),
    Metric(
        "sparrow_feed_live",
        "Whether the table of a live source of routes is followed and fed.",
        _feeds(lambda row: row["phase"] == "live"),
        _FEED,
    ),
    Metric(
        "sparrow_feed_stale_time_seconds",
        "Since when the table of a live source may be old, in Unix time.",
        _feeds(lambda row: row["stale_since"]),
        _FEED,
    ),
    Metric(
        "sparrow_feed_prefixes",
        "Prefixes of a live source that count.",
        _feed_prefixes,
        (*_FEED, "family"),
    ),
    Metric(
        "sparrow_feed_withheld",
        "Prefixes that a live source withdrew and that count all the same.",
        _feeds(lambda row: row["withheld"]),
        _FEED,
    ),
    Metric(
        "sparrow_feed_refused",
        "Routes of a live source that are left out, by reason.",
        _refused_of_feeds,
        (*_FEED, "reason"),
    ),
    Metric(
        "sparrow_feed_frozen",
        "Whether a live source withdrew more than is allowed.",
        _feeds(lambda row: row["frozen"]),
        _FEED,
    ),
    Metric(
        "sparrow_feed_updates_total",
        "Prefixes announced and withdrawn by a live source since the daemon's start.",
        _feeds(lambda row: row["updates"]),
        _FEED,
    ),
    Metric(
        "sparrow_feed_repaired_total",
        "Prefixes that differed when the table of a live source was listed again.",
        _feeds(lambda row: row["repaired"]),
        _FEED,
    ),
    Metric(
        "sparrow_feed_skipped_total",
        "Paths of a live source that could not be read, or have no AS number.",
        _feeds(lambda row: row["skipped"]),
        _FEED,
    ),
    Metric(
        "sparrow_feed_losses_total",
        "How often a live source was lost.",
        _feeds(lambda row: row["losses"]),
        _FEED,
    ),
    Metric(
        "sparrow_orders_readable",
        "Whether the orders on disk can be read.",
        _one(lambda s: s["failover"]["orders_problem"] is None),
    ),
    Metric(
        "sparrow_journal_failures_total",
        "Entries that could not be written to the journal.",
        _within("journal", "failures"),
    ),
    Metric(
        "sparrow_journal_writable",
        "Whether the last entry could be written.",
        _one(lambda s: s["journal"]["problem"] is None),
    ),
    Metric(
        "sparrow_notices_total",
        "What became of notices to the notify command.",
        _notices,
        ("event",),
    ),
    Metric(
        "sparrow_notices_waiting",
        "Notices that wait for the notify command.",
        _one(lambda s: s["notify"].get("waiting")),
    ),
)
"""Every metric, in the order in which they are shown."""
