/* One generation of a plan: which of our sites an address is given.
 *
 * Law: a generation was checked whole and never changes, but for the outcome words, which are
 * read from their file at each look-up; so `choose_site` checks no offset and no number except
 * the site of a word. docs/plan-format.md has the files, sparrow/plan/map.h the look-up in a map.
 * Start from `open_generation`.
 */
#ifndef SPARROW_GENERATION_H
#define SPARROW_GENERATION_H

#include "mapfile.h"
#include "options.h"
#include "planzones.h"

/* Where the class of a client is found, and what the class gets; of one address family. */
struct policy_view {
    bool is_there;
    const struct map_file *map; /* NULL where all clients are of class 0 */
    uint32_t class_count;
    uint64_t first_word; /* offset in the outcomes file */
};

struct generation {
    uint64_t number;
    uint32_t site_count;
    uint32_t ttl_min_s; /* of our service: caps that are not exact count as no lower */
    int outcomes;       /* the outcomes file, open */
    size_t map_count;
    struct map_file **maps;
    struct policy_view policies[2]; /* for IPv4 and IPv6 addresses */
    uint32_t *peer_sites;           /* by number of the peer: its site, or NO_SITE */
    bool is_served;                 /* the plan has our service */
    struct zone_names zones;        /* whose own name is steered to our service */
};

#define NO_SITE UINT32_MAX

enum choice { CHOOSE_SELF, CHOOSE_SITE, CHOOSE_NOTHING, CHOOSE_FAILURE };

/* What becomes of a client. */
struct outcome {
    enum choice choice;
    uint32_t site;
    uint32_t ttl_cap_s; /* the answer is kept no longer */
};

/* Open and check the present generation of a directory; `previous` (or NULL) lends the maps that
 * it has, too. NULL and the trouble for none. One thread at a time opens and frees. */
struct generation *open_generation(const struct options *options,
                                   const struct generation *previous, struct trouble *trouble);

void free_generation(struct generation *generation);

/* Look up what the client at an address, of 4 or 16 octets, is given. Any thread. */
struct outcome choose_site(const struct generation *generation, bool is_v4,
                           const uint8_t *address, unsigned length);

#endif
