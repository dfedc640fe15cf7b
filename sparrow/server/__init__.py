"""Shells: each a socket, a loop and an error policy around a protocol without I/O."""
