/* SipHash-2-4 (Aumasson, Bernstein 2012), which signs DNS cookies (RFC 9018).
 *
 * Python twin: sparrow.dns.cookie.siphash24.
 */
#ifndef SPARROW_SIPHASH_H
#define SPARROW_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t word, int count)
{
    return word << count | word >> (64 - count);
}

static inline void sip_round(struct sip_state *state)
{
    state->v0 += state->v1;
    state->v1 = rotate_left(state->v1, 13) ^ state->v0;
    state->v0 = rotate_left(state->v0, 32);
    state->v2 += state->v3;
    state->v3 = rotate_left(state->v3, 16) ^ state->v2;
    state->v0 += state->v3;
    state->v3 = rotate_left(state->v3, 21) ^ state->v0;
    state->v2 += state->v1;
    state->v1 = rotate_left(state->v1, 17) ^ state->v2;
    state->v2 = rotate_left(state->v2, 32);
}

static inline void sip_absorb(struct sip_state *state, uint64_t word)
{
    state->v3 ^= word;
    sip_round(state);
    sip_round(state);
    state->v0 ^= word;
}

/* Write the 8 octets of the digest to `digest`; `key` has 16 octets. */
static void siphash24(const uint8_t *key, const uint8_t *message, size_t length, uint8_t *digest)
{
    uint64_t k0, k1, word;
    memcpy(&k0, key, 8);
    memcpy(&k1, key + 8, 8);
    struct sip_state state = {
        k0 ^ 0x736f6d6570736575u,
        k1 ^ 0x646f72616e646f6du,
        k0 ^ 0x6c7967656e657261u,
        k1 ^ 0x7465646279746573u,
    };
    const uint8_t *end = message + length / 8 * 8;
    for (const uint8_t *at = message; at != end; at += 8) {
        memcpy(&word, at, 8);
        sip_absorb(&state, word);
    }
    word = (uint64_t)length << 56;
    for (size_t index = 0; index < length % 8; index++)
        word |= (uint64_t)end[index] << (8 * index);
    sip_absorb(&state, word);
    state.v2 ^= 0xff;
    for (int count = 0; count < 4; count++)
        sip_round(&state);
    word = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
    memcpy(digest, &word, 8);
}

#endif
