"""The live sources of routes: which are followed, and their tables as they are.

Law: a source that is configured is followed from before its table first counts until a
configuration without it is served; its table outlives the daemon. Start from `Feeds`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sparrow.config.asking import RouteServerConfig
from sparrow.control.enquiry import ASKED_SOCKET
from sparrow.errors import InputError
from sparrow.feeds.gobgpsource import GobgpSource, Tls
from sparrow.policy.configured import build_limits
from sparrow.policy.sanity import describe_refused
from sparrow.policy.sifting import TableSieve
from sparrow.rib.snapshot import EMPTY
from sparrow.routeserver.asked import Asked, AskedRoutes
from sparrow.routeserver.server import Kind, RouteServer
from sparrow.sources.files import RouteFile, load_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from sparrow.config.asking import FeedConfig
    from sparrow.feeds.source import Source, Standing
    from sparrow.rib.snapshot import Snapshot

_log = logging.getLogger(__name__)

FEEDS = "feeds"
"""Folder of stored tables in the state directory."""
_REACH_S = 5.0
"""Seconds that the first table of a source is waited for while it is not reached."""
_READ_S = 180.0
"""Seconds that it is waited for while it is read: a full table takes one minute."""
_LOOK_S = 0.1
_AGE_S = 0.5
"""Seconds between two looks whether a source has become too old."""
RETRY_S = 10.0
"""Seconds until tables that could not be served are tried again."""
_STORE_FIRST_S = 30.0
_STORE_S = 900.0
"""Seconds between two times that tables are stored; one of a million lines takes seconds."""


@dataclass(slots=True)
class _Followed:
    """A source that is followed. Written under the lock of `Feeds`."""

    source: Source
    path: Path
    stored: Snapshot | None = None
    sieve: TableSieve | None = None
    was_awaited: bool = False

    def sift(self) -> Snapshot:
        """Give the table without the routes that are refused."""
        snapshot = self.source.snapshot()
        return self.sieve.sift(snapshot) if self.sieve else snapshot


@dataclass(frozen=True, slots=True)
class LiveTables:
    """What live sources have, by view."""

    views: Mapping[str | None, Sequence[Snapshot]]
    """Tables by name of the site, in configured order; None for the common view."""
    stale: frozenset[str]
    """Names of the sites whose view is of live sources alone that are all too old to go by."""


def arrange_tables(
    configs: Sequence[FeedConfig],
    tables: Sequence[Snapshot],
    stale: Collection[FeedConfig],
    of_files: Collection[str],
) -> LiveTables:
    """Give the tables of sources by view; `of_files` are the views that have route files, too.

    Of a view that has anything else, a source that is too old counts no more; where it has
    nothing else, its site comes last.
    """
    found: dict[str | None, list[tuple[Snapshot, bool]]] = {}
    for config, table in zip(configs, tables, strict=True):
        found.setdefault(config.view, []).append((table, config in stale))
    last = {
        view
        for view, known in found.items()
        if view is not None and view not in of_files and all(is_old for _, is_old in known)
    }
    views = {
        view: [table for table, is_old in known if view in last or not is_old]
        for view, known in found.items()
    }
    return LiveTables(views, frozenset(view for view in last if view is not None))


class Feeds:
    """Follows sources. Any thread may call it; `run` belongs to one event loop."""

    def __init__(
        self,
        folder: Path,
        is_stopping: Callable[[], bool],
        reload: Callable[[], Any],
        asked_path: Path | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        """Store tables in `folder`; await `reload` where there is another table to take.

        Where that is refused it is tried again in `retry_s` seconds. Hear of unknown clients
        at the socket `asked_path`, by default in `folder`.
        """
        self._asked_path = asked_path or folder / ASKED_SOCKET
        self._folder = folder
        self._is_stopping = is_stopping
        self._reload = reload
        self._retry_s = retry_s
        self._lock = threading.Lock()
        self._storing = threading.Lock()
        self._followed: dict[FeedConfig, _Followed] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_changed = asyncio.Event()
        self._stale: frozenset[FeedConfig] = frozenset()
        self._keeps_local_pref = False

    # Tables.

    def tables(self, configs: Iterable[FeedConfig]) -> list[Snapshot]:
        """Give the tables of sources, in order, which are followed from now on.

        Blocks while a source that was never heard of is being read.
        """
        with self._lock:
            found = [self._follow(config) for config in configs]
        for each in found:
            self._wait(each)
        with self._lock:
            return [each.sift() for each in found]

    def tables_by_view(
        self,
        configs: Sequence[FeedConfig],
        of_files: Collection[str],
        *,
        keeps_local_pref: bool = False,
    ) -> LiveTables:
        """Give the tables of sources by view, as `tables` does.

        With `keeps_local_pref` routes of views have their local preference; those of a table
        that was stored have it when the server has been read again.
        """
        self._keep_local_pref(keeps_local_pref)
        tables = self.tables(configs)
        self._stale = self._find_stale()
        return arrange_tables(configs, tables, self._stale, of_files)

    def _keep_local_pref(self, is_kept: bool) -> None:  # noqa: FBT001
        """Follow the sources of views anew where that is another word than before."""
        if is_kept == self._keeps_local_pref:
            return
        self._keeps_local_pref = is_kept
        self.store()  # which is what counts until they are read again
        with self._lock:
            of_views = [config for config in self._followed if config.view is not None]
            stopped = [self._followed.pop(config) for config in of_views]
        _stop(stopped)

    def _find_stale(self) -> frozenset[FeedConfig]:
        """Give the sources of views that are too old to go by."""
        now_s = time.time()
        with self._lock:
            found = [(config, each.source.standing()) for config, each in self._followed.items()]
        return frozenset(
            config
            for config, standing in found
            if config.view is not None and is_too_old(config, standing.stale_since_s, now_s)
        )

    def keep(self, configs: Iterable[FeedConfig]) -> None:
        """Follow no other source any more, and wait until that is so."""
        _stop(self._drop_others(configs))

    def drop_others(self, configs: Iterable[FeedConfig]) -> None:
        """Follow no other source any more; what that takes is done by and by."""
        dropped = self._drop_others(configs)
        if dropped:
            threading.Thread(target=_stop, args=(dropped,), name="feeds-end", daemon=True).start()

    def _drop_others(self, configs: Iterable[FeedConfig]) -> list[_Followed]:
        with self._lock:
            gone = self._followed.keys() - set(configs)
            return [self._followed.pop(config) for config in gone]

    def return_to(self, configs: Iterable[FeedConfig]) -> None:
        """Follow no other source any more, as what was built of tables was refused.

        What it was built of, and what was too old then, may be other than what is served.
        """
        self.keep(configs)
        self._notice()

    def describe(self) -> tuple[dict[str, Any], ...]:
        """Give the rows that `docs/control.md` has for sources in the status."""
        with self._lock:
            followed = tuple(self._followed.values())
        return tuple(
            {
                **_row(each.source.standing()),
                "refused": describe_refused(each.sieve.refused if each.sieve else {}),
            }
            for each in followed
        )

    def standings(self) -> dict[str, Standing]:
        """Give how each source stands, by its name."""
        with self._lock:
            found = [each.source.standing() for each in self._followed.values()]
        return {standing.name: standing for standing in found}

    def let_go(self, name: str) -> int:
        """Carry out the withdrawals of a source that are withheld; count them.

        The table is to be taken up afterwards. 0 where there is no such source.
        """
        with self._lock:
            followed = tuple(self._followed.values())
        return sum(each.source.let_go() for each in followed if each.source.standing().name == name)

    def path_of(self, config: FeedConfig) -> Path:
        """Give where the table of a source is stored."""
        if isinstance(config, RouteServerConfig):
            identity = repr((config.route_server, config.host, config.port)).encode()
        else:
            identity = repr((config.gobgp, config.neighbor)).encode()
        return self._folder / f"{hashlib.sha256(identity).hexdigest()[:16]}.routes"

    def _follow(self, config: FeedConfig) -> _Followed:
        found = self._followed.get(config)
        if found is None:
            found = self._followed[config] = self._begin(config)
        return found

    def _begin(self, config: FeedConfig) -> _Followed:
        if isinstance(config, RouteServerConfig):
            return self._begin_asking(config)
        # Its own lines on stderr say, in another form, what is in our log.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        # Half a second and 20 MiB, for those alone who have such a source.
        from sparrow.feeds.gobgp import Former, GobgpFeed  # noqa: PLC0415

        source = GobgpSource(
            target=config.gobgp,
            neighbor=config.neighbor,
            tls=Tls(config.tls.ca, config.tls.cert, config.tls.key) if config.tls else None,
            settle_s=config.settle_s,
            max_delay_s=config.max_delay_s,
            # Where a lost session means that the site is gone, so do withdrawals.
            freeze=None if config.withdraw_on_loss else config.freeze,
            quiet_s=config.quiet_s,
            relist_s=config.relist_s,
            keeps_local_pref=self._keeps_local_pref and config.view is not None,
            ends_with_session=config.withdraw_on_loss,
        )
        path = self.path_of(config)
        known, at_s = _load(path)
        feed = GobgpFeed(source, self._notice, Former(known, at_s))
        feed.start()
        return _Followed(feed, path, known, TableSieve(build_limits(config.sanity)))

    def _begin_asking(self, config: RouteServerConfig) -> _Followed:
        kind, host = Kind(config.route_server), config.host
        asked = Asked(
            RouteServer(kind, host, config.port, config.password, config.user),
            timeout_s=config.timeout_s,
            keep_s=config.cache_timeout_s,
            settle_s=config.settle_s,
            max_delay_s=config.max_delay_s,
        )
        source = AskedRoutes(asked, self._asked_path, self._notice)
        path = self.path_of(config)
        known, at_s = _load(path)
        source.restore(known, at_s)
        source.start()
        return _Followed(source, path, known)

    def _wait(self, followed: _Followed) -> None:
        """Wait for a first table, but not where one of a former time is known.

        Only once: while one source cannot be reached, the others go on.
        """
        source = followed.source
        if followed.was_awaited or len(source.snapshot()):
            return
        followed.was_awaited = True
        began_s = time.monotonic()
        while not source.wait(_LOOK_S) and not self._is_stopping():
            most_s = _REACH_S if source.standing().phase == "connecting" else _READ_S
            if time.monotonic() - began_s > most_s:
                _log.warning("%s: its table is not there yet", source.standing().name)
                return

    # What sources say.

    def _notice(self) -> None:
        """Hear, in a thread of a source, that its table is another."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop came to its end
                loop.call_soon_threadsafe(self._has_changed.set)

    async def run(self) -> None:
        """Take tables up and store them until cancelled; then follow no source any more."""
        self._loop = asyncio.get_running_loop()
        self._has_changed.set()  # what came before there was a loop
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._heed())
                group.create_task(self._watch_age())
                group.create_task(self._store_at_times())
        finally:
            await asyncio.shield(asyncio.to_thread(self.keep, ()))

    async def _heed(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            try:
                await self._reload()
            except InputError:  # said in the log where it was decided
                asyncio.get_running_loop().call_later(self._retry_s, self._has_changed.set)
            except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
                _log.exception("live tables could not be taken up")

    async def _watch_age(self) -> None:
        """Take tables up where a source has become too old, or is so no more."""
        while True:
            await asyncio.sleep(_AGE_S)
            if self._find_stale() != self._stale:
                self._has_changed.set()

    async def _store_at_times(self) -> None:
        await asyncio.sleep(_STORE_FIRST_S)
        while True:
            await asyncio.to_thread(self.store)
            await asyncio.sleep(_STORE_S)

    def store(self) -> None:
        """Write every table that is another than when it was written last."""
        with self._lock:
            followed = tuple(self._followed.values())
        with self._storing:
            for each in followed:
                _store(each)


def _stop(followed: Iterable[_Followed]) -> None:
    for each in followed:
        each.source.stop()


def _store(followed: _Followed) -> None:
    snapshot = followed.source.snapshot()
    if snapshot is followed.stored or not len(snapshot):
        return
    try:
        store_table(followed.path, snapshot)
        followed.stored = snapshot
    except OSError as error:
        _log.error("%s: its table cannot be stored: %s", followed.source.standing().name, error)


def is_too_old(config: FeedConfig, stale_since_s: float | None, now_s: float) -> bool:
    """Tell whether the table of a source is too old to go by.

    It is stale since a Unix time, or is not, as None says.
    """
    if stale_since_s is None:
        return False
    if config.withdraw_on_loss:
        return True
    return config.stale_for_s is not None and now_s - stale_since_s >= config.stale_for_s


def _row(standing: Standing) -> dict[str, Any]:
    row = asdict(standing)
    row["phase"] = standing.phase.value
    for name, key in (
        ("stale_since_s", "stale_since"),
        ("is_frozen", "frozen"),
        ("reconnects", "losses"),
    ):
        row[key] = row.pop(name)
    return row


def store_table(path: Path, snapshot: Snapshot) -> None:
    """Write a table as a route file, whole or not at all. Raises `OSError`."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    with aside.open("w", encoding="ascii") as file:
        file.writelines(f"{prefix} {route}\n" for prefix, route in snapshot.entries())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _load(path: Path) -> tuple[Snapshot, float]:
    """Give the table that was stored, and when; the empty one where there is none."""
    if not path.exists():
        return EMPTY, time.time()
    try:
        loaded = load_snapshot([RouteFile(str(path))])
    except InputError as error:
        _log.warning("the table of a live source that was stored cannot be read: %s", error)
        return EMPTY, time.time()
    return loaded.snapshot, loaded.files[0].mtime_s
