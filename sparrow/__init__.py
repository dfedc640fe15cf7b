"""sparrow sends each user to the nearest site, by DNS and by BGP routes.

What it knows is route tables (which AS originates which prefix, and by which
path), sites (which AS numbers belong to them, and at which addresses they
serve) and zones. From these it builds a *view*, an immutable whole that every
answer is read from; to change something is to build a new view aside and swap
one reference.

An answer, step by step, and where to read:

- The UDP loop of `plan` answers most queries from what was compiled ahead. What it
  leaves, and TCP, `server` answers: it owns sockets and their loops, hands bytes to
  `dns` and sends what comes back.
- `dns` decodes the query, finds the name in the zone tree (RFC 1034, section
  4.3.2) and encodes the response. At a steered name it asks `policy`.
- `policy` turns the client's address into a choice of site. Ahead of time it
  has compiled the route table into intervals of addresses with equal choices;
  so one binary search gives the site, and the ECS scope with it (RFC 7871).
- `rib` holds the routes: a flat snapshot of each table, to compile from, and a
  trie for the longest match, for look-ups.
- `sources` reads tables: `sources.parse` text into routes, `sources.files` the
  files that hold it; `sources.dumps` what routers and collectors dump, and
  `sources.routebuild` writes a route file of that.
- `picture` draws tables along a Hilbert curve.
- `geo` knows where addresses are; `lore` is what tables of places and of measured times
  and the operator's overrides say of them.
- `feeds` are live sources of routes: GoBGP's table, read and then followed.
- `health` finds out which sites are up: probes, their verdicts, and what follows
  for a site.
- `config` reads the operator's YAML into frozen models, and checks it.
- `ssrs` is the route port: a telnet-like session over the routes, in the
  dialect of Zebra's bgpd.
- `control` is what the commands and a running daemon say to each other, and
  `client` the commands' end of the socket between them.
- `view` is what is known: one state of the server as one value. `staging` builds it
  from a configuration, and `live` answers look-ups from it. `plan` is what is
  served: a view compiled into files. `exports` is the same for other
  programs, and `powerdns` answers PowerDNS, which asks for it.
- `keeper` holds the sockets and starts the other processes, by `launch`: `worker` and
  `tcpworker` answer DNS from the plan, `daemon` reads, compiles, publishes and reloads, in
  the `folders` and under the `account` that are configured; at a first start `firstdaemon`
  reads the configuration for the keeper, and is that daemon from then on. `knowing` is
  what the daemon consists of; `tables` are route tables over time: noticed, held or
  accepted, remembered, swapped by a link; `keeping` is
  what these have in common, `logs` what they write to stderr, and `cli` the command
  `sparrow`.
- `routeserver` asks the route servers of others, in the dialects of Zebra, GateD, IOS
  and the route port; about clients as they come, it is a live source as well.
- `supersparrow` is Super Sparrow's own program, for those who have it in front of a
  web server: an address in, the name of the nearest site out.
- `bindimport` reads the `named.conf` of a BIND with Super Sparrow's driver, and writes the
  configuration that answers the same.
- `values` and `errors` are the words that all of these share: addresses,
  prefixes, AS numbers, names; and errors, classed by what the caller does next.

Imports point one way, from sockets to values and from DNS towards routes; the
contracts in `pyproject.toml` hold the order. `values`, `bindimport`, `rib`, `policy`, `picture`,
`dns`, `ssrs`, `sources.parse`, `config.model`, `geo.countries`, `health.verdict` and
`health.site` are pure: they take values and return values, and time and chance reach them as
arguments.
"""

__version__ = "0.1.0"
