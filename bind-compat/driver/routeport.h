/* The client of a route port: which AS of ours is nearest to an address.
 *
 * Law: an answer takes the configured timeout at the most, and whatever goes wrong is an answer,
 * too: none of ours. One connection is kept and shared; answers are kept for a while. Any thread
 * may ask. The session is described in docs/route-port.md. Start from `open_route_port`.
 */
#ifndef SPARROW_ROUTEPORT_H
#define SPARROW_ROUTEPORT_H

#include "options.h"

struct route_port;

#define NO_ASN UINT64_MAX /* none of our peers is on the way */

/* Look up the server's address; nothing is connected yet. NULL and the trouble for none.
 * `options` outlive it. */
struct route_port *open_route_port(const struct options *options, struct trouble *trouble);

void close_route_port(struct route_port *port);

/* Ask for the AS number of the peer that comes first on the way to an address of 4 or 16 octets;
 * NO_ASN for none. The trouble has a text where something went wrong, for the first time since
 * it last went well. */
uint64_t ask_route_port(struct route_port *port, const uint8_t *address, unsigned length,
                        struct trouble *trouble);

#endif
