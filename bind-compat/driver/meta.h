/* What a plan's META says of our service, and of the sites that our peers belong to.
 *
 * Law: what is not needed is skipped, and what is needed has to be there and right.
 */
#ifndef SPARROW_META_H
#define SPARROW_META_H

#include "options.h"

struct meta {
    uint32_t site_count;
    uint32_t service_count;
    uint32_t service; /* the number of ours, where it is served */
    uint32_t policy_count;
    uint32_t ttl_min_s;
    bool is_served;
    uint32_t *class_counts; /* by number of the policy */
    uint32_t policies[2];   /* of our service, for IPv4 and IPv6; NO_POLICY for none */
    uint32_t *peer_sites;   /* by number of the peer */
};

#define NO_POLICY UINT32_MAX

/* Read META. What was read is to be freed all the same. */
bool read_meta(struct meta *meta, const struct options *options, const void *octets, size_t size,
               struct trouble *trouble);

void free_meta(struct meta *meta);

#endif
