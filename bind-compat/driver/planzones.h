/* The zones of a plan whose own name our service answers for.
 *
 * Law: no octet outside the section is read. Nobody has checked it before, as nothing but names is
 * read from it: where it is not as docs/plan-format.md has it, there are none. Start from
 * `read_zones`.
 */
#ifndef SPARROW_PLANZONES_H
#define SPARROW_PLANZONES_H

#include <stddef.h>
#include <stdint.h>

/* Names as BIND asks for them: in lower case, without the final dot. One with octets other than
 * letters, digits, '-' and '_' is left out, and can be had with --zone. */
struct zone_names {
    char **texts;
    size_t count;
};

/* Read section ZONES; none where it is wrong, or there is no memory. */
struct zone_names read_zones(uint32_t service, const uint8_t *octets, uint64_t size);

void free_zones(struct zone_names *zones);

#endif
