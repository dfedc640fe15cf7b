"""What of GoBGP's interface is used, and the only module that knows protobuf.

Law: names, numbers and types of fields are GoBGP's, of releases 3 and 4; what is not
listed here is skipped by the decoder. Start from `GENERATIONS`.

The descriptors are built when the module is imported. Generated code would refuse every
protobuf older than the one that made it, and needs a compiler to build; these few fields
do without either. Messages whose octets differ between the releases (an NLRI and an
attribute are `Any` in one, a choice of fields in the other) are told apart by their name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError as DecodeError
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from collections.abc import Mapping

IP, IP6 = 1, 2
"""Address families (RFC 4760 section 3)."""
UNICAST = 1
ESTABLISHED = 6
"""State of a session that is up, in both releases."""

_PACKAGE = "sparrow.gobgp"

# Message -> field -> (number, type); [type] is repeated, a capital letter a message.
_MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Empty": {},
    "Family": {"afi": (1, "int32"), "safi": (2, "int32")},
    "ListPathRequest": {
        "table_type": (1, "int32"),
        "name": (2, "string"),
        "family": (3, "Family"),
        "enable_filtered": (6, "bool"),
        "enable_only_binary": (9, "bool"),
    },
    "ListPathResponse": {"destination": (1, "Destination")},
    "Destination": {"prefix": (1, "string"), "paths": (2, "[ListedPath]")},
    "ListedPath": {
        "best": (4, "bool"),
        "nlri_binary": (20, "bytes"),
        "pattrs_binary": (21, "[bytes]"),
    },
    "Filter": {"type": (1, "int32"), "init": (2, "bool")},
    "Table": {"filters": (1, "[Filter]")},
    "WatchEventRequest": {"peer": (1, "Empty"), "table": (2, "Table"), "batch_size": (3, "uint32")},
    "WatchEventResponse3": {"peer": (2, "PeerEvent"), "table": (3, "TableEvent3")},
    "WatchEventResponse4": {"peer": (2, "PeerEvent"), "table": (3, "TableEvent4")},
    "PeerEvent": {"type": (1, "int32"), "peer": (2, "Peer")},
    "Peer": {"state": (5, "PeerState")},
    "PeerState": {"neighbor_address": (5, "string"), "session_state": (13, "int32")},
    "TableEvent3": {"paths": (2, "[Path3]")},
    "TableEvent4": {"paths": (2, "[Path4]")},
    "Path3": {
        "nlri": (1, "Any"),
        "pattrs": (2, "[Any]"),
        "is_withdraw": (5, "bool"),
        "family": (9, "Family"),
        "neighbor_ip": (15, "string"),
    },
    "Path4": {
        "nlri": (1, "Nlri"),
        "pattrs": (2, "[Attribute]"),
        "is_withdraw": (5, "bool"),
        "family": (9, "Family"),
        "neighbor_ip": (15, "string"),
    },
    "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
    "Nlri": {"prefix": (1, "IPAddressPrefix")},
    "Attribute": {"as_path": (3, "AsPath"), "local_pref": (6, "LocalPref")},
    "LocalPref": {"local_pref": (1, "uint32")},
    "IPAddressPrefix": {"prefix_len": (1, "uint32"), "prefix": (2, "string")},
    "AsPath": {"segments": (1, "[AsSegment]")},
    "AsSegment": {"type": (1, "int32"), "numbers": (2, "[uint32]")},
}


def _build_classes() -> dict[str, Any]:
    file = FileDescriptorProto(name="sparrow/gobgp.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            bare = kind.strip("[]")
            entry = message.field.add(name=field, number=number)
            is_repeated = kind != bare
            label = FieldDescriptorProto.LABEL_REPEATED if is_repeated else None
            entry.label = label or FieldDescriptorProto.LABEL_OPTIONAL
            if bare in _MESSAGES:
                entry.type = FieldDescriptorProto.TYPE_MESSAGE
                entry.type_name = f".{_PACKAGE}.{bare}"
            else:
                entry.type = FieldDescriptorProto.Type.Value(f"TYPE_{bare.upper()}")
    pool = DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName
    return {name: GetMessageClass(found(f"{_PACKAGE}.{name}")) for name in _MESSAGES}


MESSAGES: Mapping[str, Any] = _build_classes()
"""A protobuf class for each message, by its name here."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What differs between the releases of the interface."""

    name: str
    """Package of the interface, as it stands in its paths."""
    service: str
    """Path of the service, which the names of calls complete."""
    global_table: int
    """Number of the table of best paths."""
    adj_in: int
    """Number of the table of what one neighbour announced."""
    best: int
    """Number of the events of best paths."""
    pre_policy: int
    """Number of the events of what neighbours announce."""
    event: str
    """Name of the message of an event."""
    batch: int
    """Most paths in an event; 0 where that cannot be asked for."""


GENERATIONS = (
    Generation("apipb", "/apipb.GobgpApi/", 0, 2, 0, 1, "WatchEventResponse3", 0),
    # Release 4 sends everything at once where the batch is 0, and fails beyond 256 MiB.
    Generation("api", "/api.GoBgpService/", 1, 3, 1, 2, "WatchEventResponse4", 1000),
)
"""Releases 3 and 4, in the order in which they are tried."""


def encode_list(generation: Generation, family: int, neighbor: str | None) -> bytes:
    """Give the request for a table: best paths, or what a neighbour announced."""
    request = MESSAGES["ListPathRequest"](
        table_type=generation.adj_in if neighbor else generation.global_table,
        name=neighbor or "",
        family=MESSAGES["Family"](afi=IP if family == 4 else IP6, safi=UNICAST),
        enable_filtered=neighbor is not None,
        enable_only_binary=True,
    )
    octets: bytes = request.SerializeToString()
    return octets


def encode_watch(generation: Generation, *, is_of_neighbor: bool) -> bytes:
    """Give the request for events of paths, and of sessions.

    The events of sessions that are there at once say that those of paths are recorded.
    """
    kind = generation.pre_policy if is_of_neighbor else generation.best
    request = MESSAGES["WatchEventRequest"](
        peer=MESSAGES["Empty"](),
        table=MESSAGES["Table"](filters=[MESSAGES["Filter"](type=kind)]),
        batch_size=generation.batch,
    )
    octets: bytes = request.SerializeToString()
    return octets


def encode_watch_peers() -> bytes:
    """Give the request for events of sessions alone."""
    octets: bytes = MESSAGES["WatchEventRequest"](peer=MESSAGES["Empty"]()).SerializeToString()
    return octets
