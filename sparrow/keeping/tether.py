"""The socket between a keeper and its child: "ready" one way, "I live" the other.

Law: a child whose keeper has died goes on, and from then on hands over in its
place. Start from `Tether`.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.keeping.handover import answer_successor

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.keeping.charge import Charge

_log = logging.getLogger(__name__)

READY = "ready"


class Tether:
    """The child's end, with everything else that may end the child. For one thread.

    The files to watch are `filenos`; whoever watches them calls `heed` with one that
    is readable.
    """

    def __init__(self, charge: Charge, on_end: Callable[[], None]) -> None:
        """Watch; `on_end` is called when the child is to finish, maybe more than once."""
        self._charge = charge
        self._on_end = on_end
        self._keeper: socket.socket | None = socket.socket(fileno=charge.tether_fd)
        self._keeper.setblocking(False)
        self._handover = socket.socket(fileno=os.dup(charge.estate.handover_fd))

    @property
    def has_keeper(self) -> bool:
        """Tell whether the keeper lives."""
        return self._keeper is not None

    @property
    def filenos(self) -> set[int]:
        """The files to be watched at present; others once the keeper has died."""
        own = self._keeper.fileno() if self._keeper else self._handover.fileno()
        return {own, self._charge.estate.finish_read_fd}

    def confirm(self, text: str = "") -> None:
        """Tell the keeper that we are ready, with words for its log."""
        if self._keeper:
            with suppress(OSError):
                self._keeper.send(f"{READY} {text}\n".encode())

    def heed(self, fileno: int) -> None:
        """Take notice of a readable file of `filenos`."""
        if fileno == self._charge.estate.finish_read_fd:
            self._on_end()
        elif self._keeper is None:
            pid = answer_successor(self._handover, self._charge.estate)
            if pid is not None:
                _log.info("%s: handed over to pid %d", self._charge.name, pid)
        elif self._is_cut(self._keeper):
            _log.warning("%s: the keeper is gone, going on without", self._charge.name)
            self._keeper.close()
            self._keeper = None

    @staticmethod
    def _is_cut(keeper: socket.socket) -> bool:
        try:
            return not keeper.recv(64)
        except BlockingIOError:
            return False
        except OSError:
            return True


class Watch:
    """A tether and the signals, for children without an event loop of their own."""

    def __init__(self, charge: Charge) -> None:
        """Watch from now on; SIGTERM and SIGINT end, and no longer kill."""
        self.is_over = False
        """Whether the child is to finish."""
        self.tether = Tether(charge, self._end)
        """The keeper."""
        self._wakeup, self._alarm = socket.socketpair()
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)
        signal.set_wakeup_fd(self._alarm.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

    def _end(self) -> None:
        self.is_over = True

    def pause(self, timeout_s: float) -> None:
        """Wait for something to heed, at most `timeout_s` seconds."""
        with selectors.PollSelector() as selector:  # it opens no file: there may be none left
            for fileno in (*self.tether.filenos, self._wakeup.fileno()):
                selector.register(fileno, selectors.EVENT_READ)
            for key, _ in selector.select(timeout_s):
                if key.fd == self._wakeup.fileno():
                    self._wakeup.recv(64)
                else:
                    self.tether.heed(key.fd)
