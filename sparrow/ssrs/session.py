"""One dialogue at the route port, without a socket.

Law: a session reads its input only while it has nothing left to say, so a peer
that does not read costs the memory of one piece of output and is not listened
to; and what it says depends on the octets that came, never on how they were
cut. Start from `Session`.
"""

from __future__ import annotations

import os.path
from enum import Enum
from hmac import compare_digest
from typing import TYPE_CHECKING, ClassVar

from sparrow.ssrs.commands import complete, describe, last_word, run_line
from sparrow.ssrs.keys import CARRIAGE_RETURN, LINE_FEED, TAB, KeyDecoder, control
from sparrow.ssrs.line import MAX_LINE, LineEditor
from sparrow.ssrs.paging import Listing
from sparrow.ssrs.telnet import OFFER, TelnetDecoder, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.ssrs.source import RouteSource

PASSWORD_TRIES = 3
"""Wrong passwords before the session ends, as in Zebra."""

OVERLONG = f"% Line too long: at most {MAX_LINE} characters."

PIECE = 16384
"""Octets after which `Session.send` gives what it has; our own choice."""

_GREETING = b"\r\nUser Access Verification\r\n\r\n"
_ASK = b"Password: "


class Login(Enum):
    """How far a peer came in."""

    PENDING = "pending"
    """No password yet that counts."""
    UNCHECKED = "unchecked"
    """In; a password was asked for and not looked at, as none is set."""
    CHECKED = "checked"
    """In, with the right password."""
    REFUSED = "refused"
    """Out, after too many wrong passwords."""


class Session:
    """One peer's dialogue: octets in by `receive`, octets out by `send`."""

    def __init__(self, source: RouteSource, hostname: str, password: str | None) -> None:
        """Greet and ask for the password; with `password` None any will do."""
        self.login = Login.PENDING
        """How far the peer came in."""
        self.is_closed = False
        """Whether the dialogue is over, once all of `send` is sent."""
        self.commands = 0
        """Lines that were run as commands, empty ones not counted."""
        self._source = source
        self._prompt = f"{hostname}> ".encode("ascii", "backslashreplace")
        self._password = None if password is None else password.encode()
        self._tries = 0
        self._telnet = TelnetDecoder()
        self._keys = KeyDecoder()
        self._editor = LineEditor()
        self._page_rows: int | None = None
        self._listing: Listing | None = None
        self._pending = b""
        self._read = 0
        motd = f"\r\nHello, this is sparrow (version {source.version}).\r\n\r\n"
        self._out = bytearray(motd.encode("ascii", "backslashreplace") + _GREETING + OFFER + _ASK)

    def receive(self, octets: bytes) -> None:
        """Take what the peer sent, to be read by `send`.

        To keep memory bounded the caller takes no more from the peer before
        `send` has given nothing. What comes after the end is dropped.
        """
        if self.is_closed:
            return
        self._pending = self._pending[self._read :] + octets
        self._read = 0

    def send(self) -> bytes:
        """Give what is to be sent next: at most `PIECE` octets, and the effect of one key.

        One key's effect is a few hundred octets, or at worst 129 KiB, where a word
        is deleted in the middle of a full line, character by character as Zebra
        does. Nothing means that the peer's turn has come, or that `is_closed`.
        """
        while len(self._out) < PIECE and (self._print() or self._consume()):
            pass
        octets = bytes(self._out)
        self._out.clear()
        return octets

    def time_out(self) -> None:
        """End the dialogue, as the peer said nothing for too long."""
        self._out += b"\r\nVty connection is timed out.\r\n"
        self._close()

    def _close(self) -> None:
        self.is_closed = True
        self._listing = None
        self._pending = b""
        self._read = 0

    def _print(self) -> bool:
        """Print a line of the running command; False where there is none to print now."""
        listing = self._listing
        if listing is None or listing.is_waiting:
            return False
        if listing.is_done:
            self._listing = None
            self._show_line()
        else:
            self._out += listing.print_next(self._window())
        return True

    def _window(self) -> Window:
        """Give the size of a page: `terminal length` goes before what the peer's telnet said."""
        window = self._telnet.window or Window(0, 0)
        return window if self._page_rows is None else Window(window.width, self._page_rows)

    def _consume(self) -> bool:
        """Read one octet of input; False where there is none."""
        if self._read == len(self._pending):
            return False
        octet = self._telnet.decode(self._pending[self._read])
        self._read += 1
        if self._telnet.is_broken:
            self._close()
        key = None if octet is None else self._keys.decode(octet)
        if key is not None:
            self._press(key)
        return True

    def _press(self, key: int) -> None:
        if self._listing is not None:
            self._out += self._listing.press(key)
            return
        keys = self._LOGIN_KEYS if self.login is Login.PENDING else self._KEYS
        action = keys.get(key)
        if action is None:
            self._type(key)
        else:
            action(self, key)

    def _type(self, key: int) -> None:
        """Edit the line, unseen while it is the password."""
        echo = self._editor.press(key)
        if self.login is not Login.PENDING:
            self._out += echo

    def _show_line(self, before: bytes = b"") -> None:
        """Give a fresh prompt with the line as it is, the cursor at its end."""
        self._out += before + self._prompt + self._editor.redraw()

    def _enter_password(self, _key: int) -> None:
        """Check the password that was typed; any will do while none is set."""
        line = self._editor.take()
        self._out += b"\r\n"
        if self._password is None:
            self.login = Login.UNCHECKED
        elif compare_digest(line.text.encode(), self._password) and not line.is_overlong:
            self.login = Login.CHECKED
        else:
            self._count_wrong()
            return
        self._show_line()

    def _count_wrong(self) -> None:
        self._tries += 1
        if self._tries < PASSWORD_TRIES:
            self._out += _ASK
            return
        self._out += b"% Bad passwords, too many failures!\r\n"
        self.login = Login.REFUSED
        self._close()

    def _cancel_password(self, _key: int) -> None:
        self._editor.clear()
        self._out += b"\r\n" + _ASK

    def _enter(self, _key: int) -> None:
        """Run the line, or say that it was too long to be kept."""
        line = self._editor.take()
        self._out += b"\r\n"
        if line.is_overlong:
            self._listing = Listing((OVERLONG,))
            return
        self._editor.remember(line.text)
        self.commands += bool(line.text.strip())
        reply = run_line(line.text, self._source)
        if reply.page is not None:
            self._page_rows = reply.page.rows
        if reply.is_last:
            self._close()
        else:
            self._listing = Listing(reply.lines)

    def _cancel(self, _key: int) -> None:
        self._editor.clear()
        self._show_line(b"\r\n")

    def _delete_or_leave(self, key: int) -> None:
        """Delete to the right; on an empty line leave, as at a shell."""
        if self._editor.text:
            self._type(key)
        else:
            self._show_line(b"\r\n")
            self._close()

    def _describe(self, _key: int) -> None:
        lines = "\r\n".join(("", *describe(self._editor.text), ""))
        self._show_line(lines.encode())

    def _complete(self, _key: int) -> None:
        """Complete the last word where one way is left; show the ways where there are several."""
        line = self._editor.text
        words = complete(line)
        last = last_word(line)
        shared = os.path.commonprefix(words) if last else ""  # noqa: RUF071 (of characters)
        if len(words) > 1 and len(shared) <= len(last):
            self._show_line(_in_columns(words))
            return
        self._show_line(b"\r\n")
        if words:
            ending = " " if len(words) == 1 else ""
            self._out += self._editor.replace_tail(len(last), (shared or words[0]) + ending)

    _LOGIN_KEYS: ClassVar[dict[int, Callable[[Session, int], None]]] = {
        CARRIAGE_RETURN: _enter_password,
        LINE_FEED: _enter_password,
        control("C"): _cancel_password,
        control("Z"): _cancel_password,
    }
    """Keys that mean something while the password is typed; the others edit it unseen."""

    _KEYS: ClassVar[dict[int, Callable[[Session, int], None]]] = {
        CARRIAGE_RETURN: _enter,
        LINE_FEED: _enter,
        control("C"): _cancel,
        control("Z"): _cancel,
        control("D"): _delete_or_leave,
        ord("?"): _describe,
        TAB: _complete,
    }
    """Keys that mean something at the prompt; the others edit the line."""


def _in_columns(words: tuple[str, ...]) -> bytes:
    """Give words in rows of six, as Zebra lays out completions."""
    rows = (words[start : start + 6] for start in range(0, len(words), 6))
    text = "\r\n".join("".join(f"{word:<10} " for word in row) for row in rows)
    return f"\r\n{text}\r\n".encode()
