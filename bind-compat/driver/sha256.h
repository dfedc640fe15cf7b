/* SHA-256 (FIPS 180-4), by which the files of a plan are known. */
#ifndef SPARROW_SHA256_H
#define SPARROW_SHA256_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire.h"

#define SHA256_BLOCK 64
#define SHA256_SIZE 32

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t sha256_round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t sha256_turn(uint32_t word, int count)
{
    return word >> count | word << (32 - count);
}

static inline void sha256_absorb(uint32_t state[8], const uint8_t *block)
{
    uint32_t words[64], s[8];
    for (int at = 0; at < 16; at++)
        words[at] = read_u32(block + 4 * at);
    for (int at = 16; at < 64; at++) {
        uint32_t a = words[at - 15], b = words[at - 2];
        words[at] = words[at - 16] + words[at - 7]
                    + (sha256_turn(a, 7) ^ sha256_turn(a, 18) ^ a >> 3)
                    + (sha256_turn(b, 17) ^ sha256_turn(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof(s));
    for (int at = 0; at < 64; at++) {
        uint32_t first =
            s[7] + (sha256_turn(s[4], 6) ^ sha256_turn(s[4], 11) ^ sha256_turn(s[4], 25))
            + ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_round[at] + words[at];
        uint32_t second = (sha256_turn(s[0], 2) ^ sha256_turn(s[0], 13) ^ sha256_turn(s[0], 22))
                          + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += first;
        s[0] = first + second;
    }
    for (int at = 0; at < 8; at++)
        state[at] += s[at];
}

/* Write the 64 hexadecimal digits of the digest, and a NUL, to `digits`. */
static inline void sha256_hex(const uint8_t *octets, size_t length,
                              char digits[2 * SHA256_SIZE + 1])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t tail[2 * SHA256_BLOCK] = {0};
    size_t whole = length / SHA256_BLOCK * SHA256_BLOCK, rest = length - whole;
    for (size_t at = 0; at < whole; at += SHA256_BLOCK)
        sha256_absorb(state, octets + at);
    memcpy(tail, octets + whole, rest);
    tail[rest] = 0x80;
    size_t end = rest + 9 <= SHA256_BLOCK ? SHA256_BLOCK : 2 * SHA256_BLOCK;
    write_u32(tail + end - 8, (uint32_t)((uint64_t)length >> 29));
    write_u32(tail + end - 4, (uint32_t)(length << 3));
    for (size_t at = 0; at < end; at += SHA256_BLOCK)
        sha256_absorb(state, tail + at);
    for (int at = 0; at < 64; at++)
        digits[at] = "0123456789abcdef"[state[at / 8] >> (28 - at % 8 * 4) & 0xf];
    digits[64] = '\0';
}

#endif
