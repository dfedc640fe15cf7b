"""The route port: a telnet dialogue that answers questions about the route table.

It speaks in the bytes of Zebra 0.93's vty, so that people with telnet, scripts
written for such a port and clients of the original kind all work; what is said
is written down in `docs/route-port.md`. Everything here is octets in, octets
out: `telnet` takes the protocol's own octets out of the stream, `keys` joins
escape sequences into keys, `line` edits a line, `commands` says what the line
means, `paths` writes routes as Zebra does, `paging` cuts long output into
pages, and `session`, where to start, holds them together. The sockets are in
`sparrow.server.ssrs`.
"""
