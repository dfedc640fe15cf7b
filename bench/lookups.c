/* The native look-up by itself, for bench/lookups.py, which loads this with ctypes. */

#include "map.h"

/* Look up `count` packed addresses of `size` octets, one after the other. */
void find_all(const struct map *map, const uint8_t *addresses, unsigned size, unsigned count,
              uint32_t *codes)
{
    for (unsigned at = 0; at < count; at++) {
        struct lookup lookup = make_lookup(addresses + (uint64_t)at * size, size);
        narrow_lookup(map, &lookup);
        codes[at] = find_leaf(map, &lookup).code;
    }
}
