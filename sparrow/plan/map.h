/* The look-up of an address in a map file: class, and the scope it holds for.
 *
 * Law: a look-up is two steps that touch one cache line each in the usual case,
 * so that a batch can have both fetched before it needs them: `aim_lookup` and
 * `fetch_bucket` only fetch, `find_leaf` gives the same without them.
 *
 * Python twin: sparrow.plan.lookup; the definition is sparrow.policy.steering.AddressMap.find.
 */
#ifndef SPARROW_MAP_H
#define SPARROW_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* Numbers of sparrow.plan.format. */
#define INDEX_BITS 18
#define INDEX_LAST (1u << INDEX_BITS)
#define V4_INDEX_SHIFT 14
#define CODE_CLASS 0xffffu
#define CODE_SPECIAL 0x10000u
#define CODE_WRAPPED 0x20000u /* alone */

typedef unsigned __int128 u128;

/* One mapped map file. */
struct map {
    const uint64_t *v4_words;
    const uint32_t *v4_index;
    const uint64_t *v6_high;
    const uint64_t *v6_low;
    const uint32_t *v6_codes;
    const uint32_t *v6_index;
    uint32_t v4_count;
    uint32_t v6_count;
};

/* An address on its way through a map. */
struct lookup {
    u128 address;   /* of the family looked up, in the low bits */
    uint32_t first; /* intervals between which the address is, both included */
    uint32_t last;
    bool is_v4;
};

struct leaf {
    uint32_t code;
    uint32_t scope;
};

static inline struct lookup make_lookup(const uint8_t *address, unsigned length)
{
    if (length == 4)
        return (struct lookup){.address = read_u32(address), .is_v4 = true};
    return (struct lookup){.address = (u128)read_u64(address) << 64 | read_u64(address + 8)};
}

/* Turn an IPv6 address into the IPv4 address that it wraps, and give the bits before that; 0
 * where it wraps none. Twin: sparrow.policy.special.unwrap. */
static inline uint32_t unwrap(struct lookup *lookup)
{
    uint64_t high = (uint64_t)(lookup->address >> 64), low = (uint64_t)lookup->address;
    bool is_mapped = high == 0 && low >> 32 == 0xffff; /* RFC 4291 section 2.5.5.2 */
    bool is_nat64 = high == 0x0064ff9b00000000u && low >> 32 == 0; /* RFC 6052 section 2.1 */
    bool is_6to4 = high >> 48 == 0x2002; /* RFC 3056 section 2 */
    bool is_teredo = high >> 32 == 0x20010000; /* RFC 4380 section 4: inverted */
    if (!(is_mapped || is_nat64 || is_6to4 || is_teredo))
        return 0;
    lookup->address = (uint32_t)(is_6to4 ? high >> 16 : is_teredo ? ~low : low);
    lookup->is_v4 = true;
    return is_6to4 ? 16 : 96;
}

/* The item of the first-level index for an address, INDEX_LAST for IPv6 beyond 2000::/3 and
 * -1 for what is below it. */
static inline int64_t index_item(const struct lookup *lookup)
{
    if (lookup->is_v4)
        return (uint32_t)lookup->address >> V4_INDEX_SHIFT;
    uint64_t high = (uint64_t)(lookup->address >> 64);
    if (high >> 61 != 1)
        return high >> 61 ? (int64_t)INDEX_LAST : -1;
    return high >> (61 - INDEX_BITS) & (INDEX_LAST - 1);
}

/* Have the line of the index fetched. */
static inline void aim_lookup(const struct map *map, const struct lookup *lookup)
{
    const uint32_t *index = lookup->is_v4 ? map->v4_index : map->v6_index;
    int64_t item = index_item(lookup);
    __builtin_prefetch(index + (item < 0 ? 0 : item));
}

/* Set the intervals between which the address is. */
static inline void narrow_lookup(const struct map *map, struct lookup *lookup)
{
    const uint32_t *index = lookup->is_v4 ? map->v4_index : map->v6_index;
    uint32_t count = lookup->is_v4 ? map->v4_count : map->v6_count;
    int64_t item = index_item(lookup);
    uint32_t start = item < 0 ? 0 : index[item];
    uint32_t end = item == INDEX_LAST ? count : index[item + 1];
    lookup->first = start ? start - 1 : 0;
    lookup->last = end ? end - 1 : 0;
}

/* Have the middle of the bucket fetched, which a search looks at first. */
static inline void fetch_bucket(const struct map *map, struct lookup *lookup)
{
    narrow_lookup(map, lookup);
    uint32_t middle = lookup->first + (lookup->last - lookup->first + 1) / 2;
    if (lookup->is_v4) {
        __builtin_prefetch(map->v4_words + middle);
    } else {
        __builtin_prefetch(map->v6_high + middle);
        __builtin_prefetch(map->v6_low + middle);
        __builtin_prefetch(map->v6_codes + middle);
    }
}

/* Leading zero bits of a word of 128. */
static inline uint32_t clz128(u128 word)
{
    uint64_t high = (uint64_t)(word >> 64), low = (uint64_t)word;
    if (high)
        return (uint32_t)__builtin_clzll(high);
    return low ? 64 + (uint32_t)__builtin_clzll(low) : 128;
}

/* The scope of an address is longer than what it shares with the last address before its
 * interval, or with the first one behind it (RFC 7871 section 7.2.1). */
static inline struct leaf find_v4(const struct map *map, const struct lookup *lookup)
{
    const uint64_t *words = map->v4_words;
    uint32_t address = (uint32_t)lookup->address;
    uint32_t at = lookup->first, last = lookup->last;
    while (at < last) {
        uint32_t middle = at + (last - at + 1) / 2;
        if (words[middle] >> 32 <= address)
            at = middle;
        else
            last = middle - 1;
    }
    uint32_t start = (uint32_t)(words[at] >> 32), scope = 0;
    if (start)
        scope = clz128((u128)(address ^ (start - 1)) << 96) + 1;
    if (at + 1 < map->v4_count) {
        uint32_t end = (uint32_t)(words[at + 1] >> 32);
        uint32_t above = clz128((u128)(address ^ end) << 96) + 1;
        scope = above > scope ? above : scope;
    }
    return (struct leaf){(uint32_t)words[at], scope};
}

static inline u128 v6_start(const struct map *map, uint32_t at)
{
    return (u128)map->v6_high[at] << 64 | map->v6_low[at];
}

static inline struct leaf find_v6(const struct map *map, const struct lookup *lookup)
{
    u128 address = lookup->address;
    uint32_t at = lookup->first, last = lookup->last;
    while (at < last) {
        uint32_t middle = at + (last - at + 1) / 2;
        if (v6_start(map, middle) <= address)
            at = middle;
        else
            last = middle - 1;
    }
    u128 start = v6_start(map, at);
    uint32_t scope = start ? clz128(address ^ (start - 1)) + 1 : 0;
    if (at + 1 < map->v6_count) {
        uint32_t above = clz128(address ^ v6_start(map, at + 1)) + 1;
        scope = above > scope ? above : scope;
    }
    return (struct leaf){map->v6_codes[at], scope};
}

/* Code and scope of a narrowed address; one that wraps IPv4 is looked up as that, and the
 * scope counts the bits of the address as it came. */
static inline struct leaf find_leaf(const struct map *map, struct lookup *lookup)
{
    if (lookup->is_v4)
        return find_v4(map, lookup);
    struct leaf leaf = find_v6(map, lookup);
    uint32_t offset = leaf.code == CODE_WRAPPED ? unwrap(lookup) : 0;
    if (offset == 0)
        return leaf;
    narrow_lookup(map, lookup);
    leaf = find_v4(map, lookup);
    leaf.scope += offset;
    return leaf;
}

#endif
