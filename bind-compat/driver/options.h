/* What the words behind `dlopen PATH ss` in named.conf say.
 *
 * Law: options have the words of Super Sparrow's own driver for BIND; every word is understood
 * or an error, and all errors are told. Once read, options do not change. Start from
 * `read_options`.
 */
#ifndef SPARROW_OPTIONS_H
#define SPARROW_OPTIONS_H

#include <stdint.h>
#include <stdlib.h>

#include "trouble.h"

#define MAX_NAME_TEXT 1024 /* of a name in text: 255 octets, all escaped */

/* An address to be answered. */
struct value {
    char text[48]; /* as inet_ntop writes it */
    bool is_v4;
};

/* An address that stands for an AS number. */
struct peer {
    uint32_t asn;
    struct value value;
};

struct options {
    struct peer *peers; /* in their order */
    size_t peer_count;
    struct value *selves; /* what is answered where nothing else is known */
    size_t self_count;
    char **zones; /* in lower case, without a final dot */
    size_t zone_count;
    char **name_servers; /* with a final dot */
    size_t name_server_count;
    char *soa_host;
    char *soa_email;
    char *plan;         /* directory; NULL where a route port is asked */
    char *service;      /* whose policies of the plan count */
    char *host;         /* of the route port; NULL where there is a plan */
    char *port;         /* number or name of a service */
    char *password;
    char *route_server; /* the dialect of the route port */
    uint32_t ttl;       /* seconds, as the next one */
    uint32_t ns_ttl;
    uint32_t result_count;
    uint32_t timeout_s;       /* for an answer of the route port */
    uint32_t cache_size;      /* answers of the route port that are kept */
    uint32_t cache_timeout_s; /* and for how long */
    bool is_numeric;          /* `host` is not looked up */
    bool is_verbose;          /* tell which generations are taken */
    bool is_debugging;        /* tell of every answer */
};

/* Where an error is told; called once for each. */
typedef void tell_error(const void *whom, const char *text);

/* Read `count` words, the first one being the driver's name. False where there were errors; what
 * was read is to be freed all the same. */
bool read_options(struct options *options, unsigned count, char *const words[], tell_error *tell,
                  const void *whom);

void free_options(struct options *options);

#endif
