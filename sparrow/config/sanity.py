"""What a source's routes must keep to, as configured.

Law: as in `sparrow.config.model`, of which this is a part. Start from `SanityConfig`.
"""

# Annotations are evaluated by pydantic, so this module does without deferred ones.

from typing import Annotated, Literal, get_args

from sparrow.config import fields
from sparrow.config.fields import or_null, whole
from sparrow.config.keys import Model
from sparrow.config.shape import checked
from sparrow.values.asn import AsnRange

Treatment = Literal["drop", "keep"]
_Treated = Annotated[Treatment, checked(fields.one_of(*get_args(Treatment)))]


class SanityConfig(Model):
    """Which routes of a source count; those left out are counted by reason."""

    max_length_v4: Annotated[int, checked(whole(0, 32))] = 24
    """Longest IPv4 prefix."""
    max_length_v6: Annotated[int, checked(whole(0, 128))] = 48
    """Longest IPv6 prefix."""
    max_hops: Annotated[int, checked(whole(1, 300))] = 64
    """Most hops of a path, prepended AS numbers counted once."""
    max_prefixes: Annotated[int | None, checked(or_null(whole(1, 2**31 - 1)))] = None
    """Most prefixes of the source; None for any number."""
    martians: _Treated = "drop"
    """Prefixes inside special-purpose blocks."""
    default_routes: _Treated = "drop"
    """Routes of length 0."""
    reserved_as: _Treated = "drop"
    """Paths with AS numbers that no network has."""
    own_as: tuple[Annotated[AsnRange, checked(fields.parse_asns)], ...] = ()
    """AS numbers that must not be in a path, as it would be a loop."""


DEFAULT_SANITY = SanityConfig()
