"""The connection to a GoBGP server, and short questions over it. Start from `open_channel`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from grpc import experimental

from sparrow.feeds.gobgpwire import GENERATIONS
from sparrow.feeds.trouble import explain_loss

if TYPE_CHECKING:
    from sparrow.feeds.gobgpsource import GobgpSource
    from sparrow.feeds.gobgpwire import Generation

_CALL_S = 10.0
"""Seconds for an answer to a short question."""
_KEEPALIVE_MS = 310_000
"""Servers take more than one ping in five minutes for abuse, by default."""
_STUCK_S = 60.0
"""Seconds until a question of a pulse that is not answered is asked anew."""


class LostError(Exception):
    """A session came to its end."""


def open_channel(source: GobgpSource) -> Any:
    """Open a channel. Raises `OSError` where the files of certificates cannot be read."""
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.enable_http_proxy", 0),
        ("grpc.use_local_subchannel_pool", 1),  # nothing of a channel that was lost
    ]
    names = getattr(experimental, "ChannelOptions", None)  # not in every version
    if names is not None and hasattr(names, "SingleThreadedUnaryStream"):
        options.append((names.SingleThreadedUnaryStream, 1))  # five times as fast
    tls = source.tls
    if tls is None:
        return grpc.insecure_channel(source.target, options)
    ca, key, cert = (_load(path) for path in (tls.ca, tls.key, tls.cert))
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    return grpc.secure_channel(source.target, credentials, options)


def _load(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path else None


def probe(channel: Any) -> Generation:
    """Find out which release of the interface is there. Raises grpc's errors."""
    for generation in GENERATIONS:
        call = channel.unary_unary(f"{generation.service}GetBgp")
        try:
            call(b"", timeout=_CALL_S)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
        else:
            return generation
    raise LostError("no interface of GoBGP 3 or 4 answers there")


def ask(channel: Any, generation: Generation) -> Any:
    """Ask the server something short; give the future of its answer."""
    call = channel.unary_unary(f"{generation.service}GetBgp")
    return call.future(b"", timeout=_STUCK_S)


def describe(error: BaseException, source: GobgpSource) -> str:
    """Say in words why a session came to its end."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} cannot be read: {error.strerror}"
    if not isinstance(error, grpc.RpcError) or not callable(getattr(error, "code", None)):
        return str(error)
    words = f"{error.code().name.lower()}: {error.details()}"
    return explain_loss(words, is_encrypted=source.tls is not None)
