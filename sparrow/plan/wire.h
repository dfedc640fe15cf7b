/* Numbers, names and octets as they stand in messages.
 *
 * Law: numbers on the wire are big-endian and not aligned; whoever calls has the room.
 */
#ifndef SPARROW_WIRE_H
#define SPARROW_WIRE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t read_u16(const uint8_t *octets)
{
    return (uint16_t)(octets[0] << 8 | octets[1]);
}

static inline uint32_t read_u32(const uint8_t *octets)
{
    uint32_t word;
    memcpy(&word, octets, 4);
    return __builtin_bswap32(word);
}

static inline uint64_t read_u64(const uint8_t *octets)
{
    uint64_t word;
    memcpy(&word, octets, 8);
    return __builtin_bswap64(word);
}

static inline uint8_t *write_u16(uint8_t *out, uint32_t word)
{
    out[0] = (uint8_t)(word >> 8);
    out[1] = (uint8_t)word;
    return out + 2;
}

static inline uint8_t *write_u32(uint8_t *out, uint32_t word)
{
    return write_u16(write_u16(out, word >> 16), word & 0xffff);
}

static inline uint8_t *write_octets(uint8_t *out, const uint8_t *octets, uint32_t count)
{
    memcpy(out, octets, count);
    return out + count;
}

/* Copy a name's octets in lower case; its length octets are below 'A'. */
static inline void lower_name(uint8_t *out, const uint8_t *name, uint32_t length)
{
    for (uint32_t index = 0; index < length; index++)
        out[index] = name[index] | (uint8_t)((uint8_t)(name[index] - 'A') < 26) << 5;
}

#endif
