/* What a route server of Zebra's kind says of an address: the AS path of its best route.
 *
 * Law: pure, and nothing outside the text is read; what is not understood is no route. The
 * output that is read is described in docs/route-port.md. Start from `read_best_path`.
 */
#ifndef SPARROW_PATHS_H
#define SPARROW_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called for each AS of the path, the nearest first, until it gives true. */
typedef bool meet_asn(void *whom, uint32_t asn);

/* Read the output of `show ip bgp ADDRESS`, which ends with a NUL and is changed; whether a best
 * path was found and `meet` gave true. */
bool read_best_path(char *output, meet_asn *meet, void *whom);

#endif
