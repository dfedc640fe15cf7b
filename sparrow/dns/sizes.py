"""Sizes of messages and what is in them, for who needs nothing else of `dns`."""

HEADER_SIZE = 12
"""Octets (RFC 1035 section 4.1.1)."""
TCP_LIMIT = 65535
"""Octets of the largest message (RFC 1035 section 4.2.2)."""
POINTER = 0xC000
"""The two bits that tell a pointer from a length octet."""
MAX_POINTER = 0x3FFF
"""The furthest offset that a pointer can name (RFC 1035 section 4.1.4)."""
MAX_CHAIN = 16
"""Aliases followed before the chain is sent as it is; no number is standard."""
