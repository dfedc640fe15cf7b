"""Sizes of messages, for who reads and writes them without the rest of `dns`."""

HEADER_SIZE = 12
"""Octets (RFC 1035 section 4.1.1)."""
TCP_LIMIT = 65535
"""Octets of the largest message (RFC 1035 section 4.2.2)."""
