"""Asking somebody else's route server: a router or a route port, over its own dialogue.

It has what Super Sparrow's library had: one question, "which route has this address?", and
four dialects to ask it in. A dialogue is octets in, events out, without a socket: `telnet`
of the route port takes the protocol's own octets away, `lines` cuts the rest, `dialogue`
holds login, questions and answers together, and `zebra`, `gated`, `ssrs` and `cisco` say
what differs. `entry` reads what the routers print, `pathtext` the AS path in it.
`client`, where to start, owns the connection.

`asked` makes a live source of it, which is told of clients as they come, and `learnttable`
holds what it learnt.
"""
