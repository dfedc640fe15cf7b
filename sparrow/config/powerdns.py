"""The socket for PowerDNS, as configured.

Law: as in `sparrow.config.model`, of which this is a part. Start from `PdnsConfig`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from typing import Annotated

from pydantic import Field

from sparrow.config import fields
from sparrow.config.fields import or_null
from sparrow.config.keys import Model, Path
from sparrow.config.shape import checked


class PdnsConfig(Model):
    """Where PowerDNS asks, by its remote backend."""

    socket: Path = Field(examples=["/run/sparrow-pdns/socket"])
    """Absolute path of the Unix socket."""
    group: Annotated[str | None, checked(or_null(fields.parse_user))] = None
    """Group that may connect; None for the one that the server is started with."""
