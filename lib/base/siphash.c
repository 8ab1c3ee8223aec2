/* SPDX-License-Identifier: ISC
 *
 * SipHash-2-4 as in "SipHash: a fast short-input PRF" (Aumasson, Bernstein 2012), section 2.
 */
#include "base/siphash.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, unsigned n) { return x << n | x >> (64 - n); }

/* Written out, compilers make one load of it. */
static uint64_t load_word(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* The last 0 to 7 octets, little-endian. */
static uint64_t load_rest(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n--) {
        v = v << 8 | p[n];
    }
    return v;
}

/* Additions, rotations and exclusive ors only: no tables, so time tells nothing of the key. */
static void rounds(struct sip *s, int n)
{
    while (n--) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotl(s->v1, 13) ^ s->v0;
        s->v3 = rotl(s->v3, 16) ^ s->v2;
        s->v0 = rotl(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotl(s->v1, 17) ^ s->v2;
        s->v3 = rotl(s->v3, 21) ^ s->v0;
        s->v2 = rotl(s->v2, 32);
    }
}

/* Two rounds per word and four at the end are the 2-4 of the name. */
static void absorb(struct sip *s, uint64_t m)
{
    s->v3 ^= m;
    rounds(s, 2);
    s->v0 ^= m;
}

uint64_t ike_siphash(const uint8_t key[16], const void *p, size_t n)
{
    uint64_t k0 = load_word(key), k1 = load_word(key + 8);
    /* "somepseudorandomlygeneratedbytes", so that the state is not symmetric whatever the key. */
    struct sip s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    const uint8_t *in = p;
    size_t left = n;
    for (; left >= 8; left -= 8, in += 8) {
        absorb(&s, load_word(in));
    }
    /* The length goes into the last word: texts that differ in trailing zeros hash differently. */
    absorb(&s, (uint64_t)(n & 0xff) << 56 | (left ? load_rest(in, left) : 0));
    /* Marks the end, so that no longer text passes through the same states. */
    s.v2 ^= 0xff;
    rounds(&s, 4);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
