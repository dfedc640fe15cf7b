/* See mapfile.h. */
#include "mapfile.h"

#define V6_FIRST 0x2000000000000000u /* upper half of 2000:: */
#define V6_SHIFT (63 - 2 - INDEX_BITS) /* from the upper half to a block of 2000::/3 */

enum { V4_WORDS = 1, V4_INDEX, V6_HIGH, V6_LOW, V6_CODES, V6_INDEX };

/* The blocks that wrap IPv4 addresses, in order: their first addresses and their lengths.
 * Those of sparrow.policy.special. */
static const struct {
    uint64_t high, low;
    unsigned length;
} wrappings[] = {
    {0, 0xffff00000000u, 96},       /* RFC 4291 section 2.5.5.2 */
    {0x0064ff9b00000000u, 0, 96},   /* RFC 6052 section 2.1 */
    {0x2001000000000000u, 0, 32},   /* RFC 4380 */
    {0x2002000000000000u, 0, 16},   /* RFC 3056 */
};
#define WRAPPINGS (sizeof(wrappings) / sizeof(*wrappings))

static bool view_map(struct map_file *found, struct trouble *trouble)
{
    struct map *map = &found->map;
    uint64_t v4, v4_index, high, low, codes, v6_index;
    const struct plan_file *file = &found->file;
    if (!(map->v4_words = find_section(file, V4_WORDS, 8, &v4, trouble))
        || !(map->v4_index = find_section(file, V4_INDEX, 4, &v4_index, trouble))
        || !(map->v6_high = find_section(file, V6_HIGH, 8, &high, trouble))
        || !(map->v6_low = find_section(file, V6_LOW, 8, &low, trouble))
        || !(map->v6_codes = find_section(file, V6_CODES, 4, &codes, trouble))
        || !(map->v6_index = find_section(file, V6_INDEX, 4, &v6_index, trouble)))
        return false;
    if (high != low || high != codes || high == 0 || high > UINT32_MAX)
        return fail(trouble, "%s: the IPv6 sections are not of one length", file->name);
    if (v4 == 0 || v4 > UINT32_MAX)
        return fail(trouble, "%s: the IPv4 map is empty or too long", file->name);
    if (v4_index != INDEX_LAST + 1 || v6_index != INDEX_LAST + 1)
        return fail(trouble, "%s: an index has another number of items", file->name);
    map->v4_count = (uint32_t)v4;
    map->v6_count = (uint32_t)high;
    return true;
}

static void count_class(struct map_file *found, uint32_t code)
{
    uint32_t number = (code & CODE_CLASS) + 1;
    if (number > found->class_count)
        found->class_count = number;
}

static bool check_v4(struct map_file *found, struct trouble *trouble)
{
    const struct map *map = &found->map;
    const char *name = found->file.name;
    if (map->v4_words[0] >> 32)
        return fail(trouble, "%s: the IPv4 map does not begin with the first address", name);
    for (uint32_t at = 0; at < map->v4_count; at++) {
        uint64_t word = map->v4_words[at];
        if ((uint32_t)word >= CODE_WRAPPED)
            return fail(trouble, "%s: a code of the IPv4 map is none", name);
        count_class(found, (uint32_t)word);
        if (at == 0)
            continue;
        if (word >> 32 <= map->v4_words[at - 1] >> 32)
            return fail(trouble, "%s: the IPv4 map's intervals do not ascend", name);
        if ((uint32_t)word == (uint32_t)map->v4_words[at - 1])
            return fail(trouble, "%s: two neighbours of the IPv4 map have one code", name);
    }
    uint32_t below = 0;
    for (uint64_t edge = 0; edge <= INDEX_LAST; edge++) {
        while (below < map->v4_count && map->v4_words[below] >> 32 < edge << V4_INDEX_SHIFT)
            below++;
        if (map->v4_index[edge] != below)
            return fail(trouble, "%s: the IPv4 map's index is not that of its intervals", name);
    }
    return true;
}

/* The first address of an interval; 0, as if wrapped around, behind the last one. */
static u128 edge_of(const struct map *map, uint32_t at)
{
    return at < map->v6_count ? v6_start(map, at) : 0;
}

/* Check that exactly the blocks that wrap IPv4 addresses are marked so; in a map that gives one
 * class to every address none is. */
static bool check_wrapped(const struct map_file *found, struct trouble *trouble)
{
    const struct map *map = &found->map;
    uint32_t known = 0;
    for (uint32_t at = 0; at < map->v6_count; at++) {
        if (map->v6_codes[at] != CODE_WRAPPED)
            continue;
        u128 start = 0, size = 0;
        if (known < WRAPPINGS) {
            start = (u128)wrappings[known].high << 64 | wrappings[known].low;
            size = (u128)1 << (128 - wrappings[known].length);
        }
        if (size == 0 || edge_of(map, at) != start || edge_of(map, at + 1) != start + size)
            return fail(trouble, "%s: the IPv6 map marks other blocks than those that wrap IPv4",
                        found->file.name);
        known++;
    }
    bool is_of_one_class = map->v4_count == 1 && map->v6_count == 1
                           && (uint32_t)map->v4_words[0] == map->v6_codes[0]
                           && map->v6_codes[0] < CODE_SPECIAL;
    if (known != (is_of_one_class ? 0 : WRAPPINGS))
        return fail(trouble, "%s: the IPv6 map does not mark the blocks that wrap IPv4",
                    found->file.name);
    return true;
}

static bool check_v6(struct map_file *found, struct trouble *trouble)
{
    const struct map *map = &found->map;
    const char *name = found->file.name;
    if (v6_start(map, 0))
        return fail(trouble, "%s: the IPv6 map does not begin with the first address", name);
    for (uint32_t at = 0; at < map->v6_count; at++) {
        uint32_t code = map->v6_codes[at];
        if (code > CODE_WRAPPED)
            return fail(trouble, "%s: a code of the IPv6 map is none", name);
        if (code != CODE_WRAPPED)
            count_class(found, code);
        if (at == 0)
            continue;
        if (v6_start(map, at) <= v6_start(map, at - 1))
            return fail(trouble, "%s: the IPv6 map's intervals do not ascend", name);
        if (code == map->v6_codes[at - 1])
            return fail(trouble, "%s: two neighbours of the IPv6 map have one code", name);
    }
    uint32_t below = 0;
    for (uint64_t edge = 0; edge <= INDEX_LAST; edge++) {
        while (below < map->v6_count && map->v6_high[below] < V6_FIRST + (edge << V6_SHIFT))
            below++;
        if (map->v6_index[edge] != below)
            return fail(trouble, "%s: the IPv6 map's index is not that of its intervals", name);
    }
    return check_wrapped(found, trouble);
}

bool check_map(struct map_file *found, struct trouble *trouble)
{
    found->class_count = 0;
    return view_map(found, trouble) && check_v4(found, trouble) && check_v6(found, trouble);
}
