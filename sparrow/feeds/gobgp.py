"""A GoBGP server, followed through its gRPC interface.

Law: the events are recorded before the table is listed and replayed behind it, so that
none is lost and the last word on each prefix counts; whatever is lost, the table that was
there stays. Start from `GobgpFeed`.

A session has threads: one lists and later looks at the clock, one reads the events, one
those of sessions (which would be heard of late behind those of prefixes), and at times
one that lists again.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc

from sparrow.feeds.feedtable import FeedTable, Limits
from sparrow.feeds.gobgpchannel import LostError, ask, describe, open_channel, probe
from sparrow.feeds.gobgppaths import PathDecoder
from sparrow.feeds.gobgpwire import (
    encode_list,
    encode_watch,
    encode_watch_peers,
)
from sparrow.feeds.listing import Listing, collector_at_rest
from sparrow.feeds.pulse import Pulse
from sparrow.feeds.source import Phase, Standing
from sparrow.rib.snapshot import EMPTY, Snapshot
from sparrow.rib.valued import ValuedRoutes
from sparrow.values.address import FAMILIES, render_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.feeds.gobgppaths import Row, Session
    from sparrow.feeds.gobgpsource import GobgpSource
    from sparrow.feeds.gobgpwire import Generation

_log = logging.getLogger(__name__)

_REGISTER_S = 60.0
"""Seconds for the first event, which comes at once from a server that is not busy."""
_TICK_S = 1.0
_DOUBTFUL_TICK_S = 0.25
_BACK_OFF_S = (0.5, 30.0)
"""First and longest pause before the next attempt; each is cut by up to half by chance."""
_DRAIN_S = 2.0
"""Seconds for events that are on their way when a list ends."""


@dataclass(frozen=True, slots=True)
class Former:
    """The table of a former time, which counts until there is a new one."""

    snapshot: Snapshot = EMPTY
    """The table."""
    at_s: float = 0.0
    """Unix time at which it was stored."""


_NEVER = Former()


@dataclass(slots=True)
class _Due:
    """When what was heard is to be told. Monotonic seconds; 0.0 for never."""

    first_at_s: float = 0.0
    last_at_s: float = 0.0

    def note(self, now_s: float) -> None:
        self.first_at_s = self.first_at_s or now_s
        self.last_at_s = now_s

    def at_s(self, source: GobgpSource) -> float | None:
        if not self.first_at_s:
            return None
        return min(self.last_at_s + source.settle_s, self.first_at_s + source.max_delay_s)


@dataclass(slots=True)
class _Session:
    """What belongs to one connection. Shared by its threads, under the lock of the feed."""

    channel: Any
    generation: Generation
    pending: deque[Row] | None = field(default_factory=deque)
    """Events while the table is listed; None when they are taken up at once."""
    sessions: dict[bytes, bool] = field(default_factory=dict)
    """Whether each neighbour's session is up."""
    is_recorded: bool = False
    """Whether events are recorded."""
    is_introduced: bool = False
    """Whether the sessions that there are have been told."""
    pulse: Pulse | None = None
    """None where no session is a site's."""
    end: str = ""
    """Why it ended; empty while it goes on."""

    @property
    def is_told(self) -> bool:
        """Whether events are recorded, and what sessions there are is known."""
        return self.is_recorded and self.is_introduced

    @property
    def is_doubted(self) -> bool:
        """Whether an answer of the server is wanted soon."""
        return self.pulse is not None and self.pulse.is_doubted

    @property
    def is_silent(self) -> bool:
        """Whether the server answers no question any more."""
        return self.pulse is not None and self.pulse.is_silent


class GobgpFeed:
    """Follows a route server. Its methods may be called from any thread."""

    def __init__(
        self, source: GobgpSource, on_change: Callable[[], None], former: Former = _NEVER
    ) -> None:
        """`on_change` is told, in a thread of ours, that there is another table to take."""
        known = former.snapshot
        self._source = source
        self._on_change = on_change
        self._table = FeedTable(Limits(source.freeze, source.quiet_s), known)
        self._change = threading.Condition()
        self._due = _Due()
        self._is_stopping = threading.Event()
        self._is_read = threading.Event()
        self._channel: Any = None
        self._phase, self._problem = Phase.CONNECTING, ""
        self._stale_since_s: float | None = former.at_s or time.time()
        self._updates = self._repaired = self._skipped = self._reconnects = 0
        self._sizes = len(known.v4), len(known.v6)
        self._was_frozen = False
        self._thread = threading.Thread(target=self._run, name=source.name, daemon=True)

    # What others call.

    def start(self) -> None:
        """Follow it from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Follow it no more, and wait until that is so."""
        self._is_stopping.set()
        with self._change:
            self._change.notify_all()
            channel = self._channel
        if channel is not None:
            channel.close()
        self._thread.join()

    def snapshot(self) -> Snapshot:
        """Give the table as it is."""
        with self._change:
            found = self._table.fold()
        self._sizes = len(found.v4), len(found.v6)
        return found

    def let_go(self) -> int:
        """Carry out the withdrawals that are withheld; count them."""
        with self._change:
            count = self._table.let_go()
            self._was_frozen = False
        return count

    def wait(self, timeout_s: float) -> bool:
        """Wait until the table has been read once; tell whether it was."""
        return self._is_read.wait(timeout_s)

    def standing(self) -> Standing:
        """Tell how the source stands; waits for no other thread."""
        return Standing(
            name=self._source.name,
            phase=self._phase,
            problem=self._problem,
            stale_since_s=self._stale_since_s,
            v4=self._sizes[0],
            v6=self._sizes[1],
            withheld=self._table.withheld,
            is_frozen=self._table.is_withholding and self._table.is_frozen,
            updates=self._updates,
            repaired=self._repaired,
            skipped=self._skipped,
            reconnects=self._reconnects,
        )

    # Sessions, one behind the other.

    def _run(self) -> None:
        pause_s = _BACK_OFF_S[0]
        while not self._is_stopping.is_set():
            began_s = time.monotonic()
            try:
                self._follow()
            except (LostError, grpc.RpcError, OSError, ValueError) as error:
                self._lose(describe(error, self._source))
            except Exception:  # noqa: BLE001 (the outermost loop of the thread)
                _log.exception("%s: an attempt failed inside", self._source.name)
                self._lose("an attempt failed inside, see the log")
            if time.monotonic() - began_s > _BACK_OFF_S[1]:
                pause_s = _BACK_OFF_S[0]
            # Chance keeps many servers from asking one that has just started all at once.
            self._is_stopping.wait(pause_s * random.uniform(0.5, 1))  # noqa: S311
            pause_s = min(2 * pause_s, _BACK_OFF_S[1])

    def _lose(self, problem: str) -> None:
        if self._is_stopping.is_set():
            return
        if self._stale_since_s is None:
            self._stale_since_s = time.time()
        if problem != self._problem:
            _log.warning(
                "%s is lost, its last %d routes go on to count: %s",
                *(self._source.name, len(self._table), problem),
            )
        self._reconnects += self._phase is not Phase.CONNECTING
        self._phase, self._problem = Phase.CONNECTING, problem

    def _follow(self) -> None:
        """Connect, read the table and follow it. Raises `LostError` and grpc's errors."""
        channel = open_channel(self._source)
        with self._change:
            self._channel = channel
        try:
            session = _Session(channel, probe(channel))
            if self._source.ends_with_session:
                question = partial(ask, channel, session.generation)
                session.pulse = Pulse(question, time.monotonic())
            of_neighbor = self._source.neighbor is not None
            watch = encode_watch(session.generation, is_of_neighbor=of_neighbor)
            readers = [
                self._begin(self._read_events, session, watch, self._heed_rows),
                self._begin(self._read_events, session, encode_watch_peers(), self._heed_state),
            ]
            try:
                self._synchronize(session)
                self._keep_up(session)
            finally:
                channel.close()
                for reader in readers:
                    reader.join()
        finally:
            channel.close()
            with self._change:
                self._channel = None

    def _begin(self, work: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, name=self._source.name, daemon=True)
        thread.start()
        return thread

    def _synchronize(self, session: _Session) -> None:
        """List the table behind the events, and replay these."""
        with self._change:
            self._change.wait_for(
                lambda: session.is_told or session.end or self._is_stopping.is_set(),
                _REGISTER_S,
            )
            if not session.is_told:
                raise LostError(session.end or "no event came, not even that there are none")
            known = self._table.fold().routes
        self._phase = Phase.LISTING
        began_s = time.monotonic()
        listed = self._list(session, known)
        with self._change:
            now_s = time.monotonic()
            count = self._table.replace(listed, now_s)
            while session.pending:  # the last word on each prefix is the last of its events
                count += self._table.apply([session.pending.popleft()], now_s)
            session.pending = None
            if count:
                self._due.note(now_s)
            size = len(self._table)
        self._heed_sessions(session)
        self._is_read.set()
        _log.info(
            "%s: %d prefixes listed in %.1f s, %d differ from before",
            *(self._source.name, size, time.monotonic() - began_s, count),
        )
        self._tell_if_due()

    def _list(self, session: _Session, known: tuple[Any, ...]) -> Snapshot:
        listing = Listing(known)
        decoder = self._open_decoder(session)
        with collector_at_rest():
            for family in FAMILIES:
                for octets in self._call_list(session, family):
                    if self._source.keeps_local_pref:
                        row = decoder.decode_valued(octets, family)
                        if row is not None:
                            listing.add(row)
                        continue
                    listed = decoder.decode_listed(octets, family)
                    try:
                        if listed is not None:
                            listing.add_listed(family, listed)
                    except ValueError:
                        decoder.skipped += 1
        self._skipped += decoder.skipped
        return listing.build()

    def _open_decoder(self, session: _Session) -> PathDecoder:
        valued = ValuedRoutes() if self._source.keeps_local_pref else None
        return PathDecoder(session.generation, self._source.neighbor, valued)

    def _call_list(self, session: _Session, family: int) -> Iterator[bytes]:
        neighbor = self._source.neighbor
        of = render_address(neighbor) if neighbor else None
        request = encode_list(session.generation, family, of)
        call = session.channel.unary_stream(f"{session.generation.service}ListPath")
        yield from call(request)

    # What is heard.

    def _read_events(
        self,
        session: _Session,
        request: bytes,
        heed: Callable[[_Session, list[Row], Session | None], None],
    ) -> None:
        decoder = self._open_decoder(session)
        try:
            call = session.channel.unary_stream(f"{session.generation.service}WatchEvent")
            for octets in call(request):
                heed(session, *decoder.decode_event(octets))
            self._end(session, "the server ended the stream of events")
        except grpc.RpcError as error:
            self._end(session, describe(error, self._source))
        except Exception as error:  # noqa: BLE001 (the outermost loop of the thread)
            if not self._is_stopping.is_set():
                _log.exception("%s: an event could not be taken", self._source.name)
            self._end(session, f"an event could not be taken: {error!r}")

    def _heed_rows(self, session: _Session, rows: list[Row], _: Session | None) -> None:
        """Take what becomes of prefixes; words about sessions come late here, behind these."""
        if rows:
            self._take(session, rows)
        else:
            with self._change:
                session.is_recorded = True
                self._change.notify_all()

    def _heed_state(self, session: _Session, _: list[Row], state: Session | None) -> None:
        if state:
            self._take_state(session, state)

    def _end(self, session: _Session, why: str) -> None:
        with self._change:
            session.end = session.end or why
            self._change.notify_all()

    def _take(self, session: _Session, rows: list[Row]) -> None:
        with self._change:
            self._updates += len(rows)
            if session.pending is not None:
                session.pending.extend(rows)
                return
            now_s = time.monotonic()
            if session.pulse and self._hangs_on_one(session):
                session.pulse.listen(rows, now_s)
                if session.is_doubted:
                    self._change.notify_all()
            if self._table.apply(rows, now_s):
                is_first = not self._due.first_at_s
                self._due.note(now_s)
                if is_first:
                    self._change.notify_all()

    def _take_state(self, session: _Session, state: Session) -> None:
        with self._change:
            session.is_introduced = True
            if state.neighbor is not None:
                session.sessions[state.neighbor] = state.is_up
            self._change.notify_all()
        if session.pending is None:
            self._heed_sessions(session)

    def _heed_sessions(self, session: _Session) -> None:
        """Count the table as old, and let nothing go, while nobody feeds the server."""
        is_up = self._is_up(session)
        with self._change:
            if is_up and self._phase is not Phase.LIVE:
                self._phase, self._problem, self._stale_since_s = Phase.LIVE, "", None
            elif not is_up and self._phase is not Phase.DOWN:
                why = "it answers no question" if session.is_silent else "its sessions are down"
                self._phase, self._problem = Phase.DOWN, why
                self._stale_since_s = self._stale_since_s or time.time()
                if self._source.freeze is not None:
                    self._table.withhold(time.monotonic())
                    self._due.note(time.monotonic())
                what = "its site comes last" if session.pulse else "its routes go on to count"
                _log.warning("%s: %s, %s", self._source.name, why, what)

    def _is_up(self, session: _Session) -> bool:
        """Tell whether a session is up that routes come from; one without any has its own."""
        found = session.sessions
        if session.is_silent:
            return False
        if self._source.neighbor is not None:
            return found.get(self._source.neighbor, False)
        return any(found.values()) or not found

    def _hangs_on_one(self, session: _Session) -> bool:
        """Tell whether all routes come from one session, so that they go with it."""
        return self._source.neighbor is not None or sum(session.sessions.values()) == 1

    # What is to be done in time.

    def _keep_up(self, session: _Session) -> None:
        """Tell of changes, let time pass, and compare, until the session ends."""
        compare_at_s = time.monotonic() + self._source.relist_s
        comparing: threading.Thread | None = None
        was_up = self._is_up(session)
        while not self._is_stopping.is_set():
            with self._change:
                if session.end:
                    raise LostError(session.end)
                due_s = self._due.at_s(self._source)
                left_s = _TICK_S if due_s is None else due_s - time.monotonic()
                most_s = _DOUBTFUL_TICK_S if session.is_doubted else _TICK_S
                self._change.wait(max(0.0, min(most_s, left_s)))
                now_s = time.monotonic()
                is_other = session.pulse is not None and session.pulse.look(now_s)
                is_up = self._is_up(session)
                if self._table.tick(now_s, is_up=is_up):
                    self._due.note(now_s)
            if is_other:
                self._heed_sessions(session)
            self._tell_if_due()
            if is_up and not was_up:
                # What went while the session was down may never have been withdrawn.
                compare_at_s = min(compare_at_s, now_s + self._source.quiet_s)
            was_up = is_up
            if now_s >= compare_at_s and not (comparing and comparing.is_alive()):
                compare_at_s = now_s + self._source.relist_s
                comparing = self._begin(self._compare, session)
        if comparing:
            session.channel.close()
            comparing.join()

    def _tell_if_due(self) -> None:
        with self._change:
            due_s = self._due.at_s(self._source)
            if due_s is None or due_s > time.monotonic():
                return
            self._due = _Due()
            is_frozen = self._table.is_withholding and self._table.is_frozen
            has_frozen = is_frozen and not self._was_frozen
            self._was_frozen = is_frozen
            count = self._table.withheld
        if has_frozen:
            _log.error(
                "%s withdrew more than is allowed (%d prefixes): these go on to count until they "
                "come back; if they are gone for good, `sparrow routes approve '%s'` lets them go",
                *(self._source.name, count, self._source.name),
            )
        self._on_change()

    def _compare(self, session: _Session) -> None:
        """List the table once more, and make right what differs."""
        try:
            with self._change:
                self._table.watch_changes()
                known = self._table.fold().routes
            listed = self._list(session, known)
            self._is_stopping.wait(_DRAIN_S)
        except (LostError, grpc.RpcError, ValueError):
            return  # the session is at its end, or will be compared the next time
        with self._change:
            count = self._table.repair(listed, time.monotonic())
            self._repaired += count
            if count:
                self._due.note(time.monotonic())
        if count:
            _log.warning("%s: %d prefixes differed and are repaired", self._source.name, count)
