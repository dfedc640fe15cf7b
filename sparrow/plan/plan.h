/* A mapped plan, and the way from a name to the body that answers it.
 *
 * Law: the structures are the items of the answers file, as docs/plan-format.md has them, and
 * the reader has verified every number in them. Start from `find_nearest`.
 *
 * Python twin: sparrow.plan.plan for the structures, sparrow.plan.nearest for the way.
 */
#ifndef SPARROW_PLAN_H
#define SPARROW_PLAN_H

#include "map.h"
#include "packet.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "plan files are little-endian; on this machine only the pure twin serves"
#endif

#define NOWHERE 0xffffffffu
#define POINTER 0xc000u
#define POINTER_MASK 0x3fffu
#define QUESTION_POINTER 12
#define FNV_PRIME 0x100000001b3u

enum { BODY_AA = 1, BODY_MISS = 2, BODY_SLOT = 4, BODY_DNAME = 8 };

struct node {
    uint64_t hash;
    uint32_t name;
    uint16_t name_length;
    uint8_t label_count;
    uint8_t origin; /* labels of the zone's name, which ends the node's */
    uint32_t here;
    uint32_t below;
};

struct table {
    uint32_t first;
    uint32_t count;
    uint32_t other;
};

struct entry {
    uint16_t type;
    uint16_t reserved;
    uint32_t body;
};

struct body {
    uint32_t bytes;
    uint32_t length;
    uint32_t fixups;
    uint16_t fixup_count;
    uint8_t rcode;
    uint8_t flags;
    uint16_t answers;
    uint16_t authorities;
    uint16_t additionals;
    uint16_t reference_length;
    uint32_t slot;
    uint16_t owner; /* of the addresses; with BODY_DNAME, where in the bytes the target is */
    uint16_t alias_count;
    uint16_t self_count;
    uint16_t reserved;
};

struct slot {
    uint32_t ttl;
    uint16_t result_count;
    uint16_t type;
    uint32_t policy;
    uint32_t first_part;
    uint32_t empty_body;
    uint32_t ttl_floor;
};

struct part {
    uint32_t rdata;
    uint16_t count;
    uint16_t size;
    uint32_t signature;
    uint32_t signature_length;
};

struct policy {
    uint32_t map;
    uint32_t class_count;
    uint32_t first_outcome;
};

_Static_assert(sizeof(struct node) == 24 && sizeof(struct table) == 12, "as in the file");
_Static_assert(sizeof(struct entry) == 8 && sizeof(struct body) == 36, "as in the file");
_Static_assert(sizeof(struct slot) == 24 && sizeof(struct part) == 16, "as in the file");
_Static_assert(sizeof(struct policy) == 12, "as in the file");

/* A verified plan: pointers into its mapped files. Never changed after it was built. */
struct plan {
    uint64_t seed;
    uint32_t mask;
    uint32_t deepest;
    uint32_t site_count;
    uint32_t payload;
    uint32_t nsid_length;
    uint32_t secret_count;
    bool has_nsid;
    const uint32_t *name_slots;
    const struct node *nodes;
    const uint8_t *names;
    const struct table *tables;
    const struct entry *entries;
    const struct body *bodies;
    const uint8_t *bytes;
    const uint16_t *fixups;
    const struct slot *slots;
    const struct part *parts;
    const uint8_t *rdata;
    const struct policy *policies;
    const uint8_t *nsid;
    const uint8_t *secrets;
    const struct map *maps;
    const uint64_t *words;
};

/* The node that answers for a name. */
struct nearest {
    const struct node *node; /* or NULL outside all zones */
    uint32_t prefix;         /* octets of the name before the node's; 0 where that is the name */
};

/* Find the node of a name, `name` in lower case; NULL for none. */
static inline const struct node *find_node(const struct plan *plan, uint64_t hash,
                                           const uint8_t *name, uint32_t length)
{
    uint32_t at = (uint32_t)hash & plan->mask;
    for (uint32_t tries = 0; tries <= plan->mask; tries++) {
        uint32_t number = plan->name_slots[at];
        if (number == 0)
            return NULL;
        const struct node *node = plan->nodes + (number - 1);
        if (node->hash == hash && node->name_length == length
            && memcmp(plan->names + node->name, name, length) == 0)
            return node;
        at = (at + 1) & plan->mask;
    }
    return NULL;
}

/* Find the node of a name of so many octets and labels, in lower case, or of its longest
 * ancestor that is one. Inlined, as each packet goes this way. */
static inline __attribute__((always_inline)) struct nearest
find_nearest(const struct plan *plan, const uint8_t *name, uint32_t length, uint32_t labels)
{
    uint8_t starts[MAX_LABELS + 1];
    uint64_t hashes[MAX_LABELS + 1];
    uint32_t at = 0;
    for (uint32_t depth = labels; depth > 0; depth--) {
        starts[depth] = (uint8_t)at;
        at += name[at] + 1u;
    }
    starts[0] = (uint8_t)at;
    uint32_t depth = labels < plan->deepest ? labels : plan->deepest;
    hashes[0] = plan->seed;
    for (uint32_t level = 1; level <= depth; level++) {
        uint64_t hash = hashes[level - 1];
        const uint8_t *end = name + starts[level] + name[starts[level]] + 1;
        for (const uint8_t *octet = name + starts[level]; octet != end; octet++)
            hash = (hash ^ *octet) * FNV_PRIME;
        hashes[level] = hash;
    }
    for (uint32_t level = depth + 1; level-- > 0;) {
        uint32_t start = starts[level];
        const struct node *node = find_node(plan, hashes[level], name + start, length - start);
        if (node)
            return (struct nearest){node, start};
    }
    return (struct nearest){NULL, 0};
}

/* The body that a node has for a type, here or below. */
static inline const struct body *find_body(const struct plan *plan, struct nearest nearest,
                                           uint16_t type)
{
    const struct table *table =
        plan->tables + (nearest.prefix ? nearest.node->below : nearest.node->here);
    const struct entry *entries = plan->entries + table->first;
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entries[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < table->count && entries[low].type == type;
    return plan->bodies + (is_there ? entries[low].body : table->other);
}

#endif
