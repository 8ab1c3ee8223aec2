/* SPDX-License-Identifier: ISC
 *
 * The suites, and the operations RFC 7296 asks of each side for them. The list is written from the RFC, not from the code: the
 * bench counts what an engine does and fails when that is anything else.
 */
#include "bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE = 32, HASH = 32, ID_BODY = 8, HEADER = 28, GENERIC = 4, AEAD_IV = 8, CBC_IV = 16, ICV = 16, BLOCK = 16 };

#define GCM(ke_name, KE, group, priv, shared)                                                                                    \
    {                                                                                                                            \
        "psk-" ke_name "-aes-gcm", "aes128gcm16-prfsha256-" ke_name, "aes128gcm16", BENCH_GCM, KE, 20, group, priv, shared,      \
            16 + 4, 0, BENCH_SHA256, false, false, BENCH_SECRET_ONLY                                                             \
    }
#define CBC(ke_name, KE, group, priv, shared)                                                                                    \
    {                                                                                                                            \
        "psk-" ke_name "-aes-cbc-sha256", "aes128-sha256-" ke_name, "aes128-sha256", BENCH_CBC, KE, 12, group, priv, shared, 16, \
            32, BENCH_SHA256, false, false, BENCH_SECRET_ONLY                                                                    \
    }

const struct bench_suite bench_suites[] = {
    GCM("x25519", BENCH_X25519, 31, 32, 32),
    GCM("ecp256", BENCH_ECP256, 19, 32, 32),
    GCM("modp2048", BENCH_MODP2048, 14, 32, 256),
    GCM("modp3072", BENCH_MODP3072, 15, 40, 384),
    CBC("x25519", BENCH_X25519, 31, 32, 32),
    CBC("modp2048", BENCH_MODP2048, 14, 32, 256),
    {"psk-x25519-chacha20", "chacha20poly1305-prfsha256-x25519", "chacha20poly1305", BENCH_CHACHA, BENCH_X25519, 28, 31, 32, 32,
     32 + 4, 0, BENCH_SHA256, false, false, BENCH_SECRET_ONLY},
#if IKE_WITH_V1
    {"v1-rsa2048-modp2048-aes-cbc-sha256", "aes128-sha256-modp2048", "aes128-sha256", BENCH_CBC, BENCH_MODP2048, 12, 14, 32, 256,
     16, 32, BENCH_SHA256, true, false, BENCH_RSA2048},
    {"v1-ecdsa256-ecp256-aes-cbc-sha256", "aes128-sha256-ecp256", "aes128-sha256", BENCH_CBC, BENCH_ECP256, 12, 19, 32, 32, 16,
     32, BENCH_SHA256, true, false, BENCH_P256},
#endif
};
const unsigned bench_n_suites = sizeof bench_suites / sizeof *bench_suites;

const char *const bench_kinds[BENCH_KINDS] = {
    [BENCH_RANDOM] = "random",     [BENCH_KEYGEN] = "keygen", [BENCH_AGREE] = "agree",         [BENCH_HASH] = "hash",
    [BENCH_PRF_KEY] = "prf_key",   [BENCH_PRF] = "prf",       [BENCH_INTEG_KEY] = "integ_key", [BENCH_INTEG] = "integ",
    [BENCH_SEAL_KEY] = "seal_key", [BENCH_SEAL] = "seal",     [BENCH_OPEN_KEY] = "open_key",   [BENCH_OPEN] = "open",
    [BENCH_SIGN] = "sign",         [BENCH_VERIFY] = "verify",
};

void bench_add(struct bench_list *l, enum bench_kind kind, size_t octets, const char *why)
{
    if (l->n < BENCH_OPS) {
        l->op[l->n] = (struct bench_op){kind, octets, why};
    }
    l->n++;
}

static void prf(struct bench_list *l, size_t key, size_t octets, const char *why)
{
    bench_add(l, BENCH_PRF_KEY, key, why);
    bench_add(l, BENCH_PRF, octets, why);
}

/* prf+ (section 2.13): one key, each block over the one before, the seed and a counter. */
static void prf_plus(struct bench_list *l, size_t key, size_t seed, size_t wanted, const char *why)
{
    bench_add(l, BENCH_PRF_KEY, key, why);
    for (size_t done = 0; done < wanted; done += HASH) {
        bench_add(l, BENCH_PRF, (done ? HASH : 0) + seed + 1, why);
    }
}

/* Section 2.15: prf(prf(secret, pad), message | nonce | prf(SK_p, ID)). */
static void auth(struct bench_list *l, size_t message, const char *why)
{
    prf(l, HASH, ID_BODY, why);
    prf(l, sizeof BENCH_SECRET - 1, sizeof "Key Pad for IKEv2" - 1, why);
    prf(l, HASH, message + NONCE + HASH, why);
}

/* A message of n octets: what is encrypted of it, and what the integrity of CBC covers. */
static void protect(struct bench_list *l, const struct bench_suite *s, size_t n, bool seal)
{
    const char *why = seal ? "IKE_AUTH out" : "IKE_AUTH in";
    const bool cbc = s->cipher == BENCH_CBC;
    if (cbc && seal) {
        bench_add(l, BENCH_RANDOM, CBC_IV, "IV");
    }
    bench_add(l, seal ? BENCH_SEAL_KEY : BENCH_OPEN_KEY, s->encr_key, why);
    bench_add(l, seal ? BENCH_SEAL : BENCH_OPEN, n - HEADER - GENERIC - (cbc ? CBC_IV : AEAD_IV) - ICV, why);
    if (cbc) {
        bench_add(l, BENCH_INTEG_KEY, s->integ_key, why);
        bench_add(l, BENCH_INTEG, n - ICV, why);
    }
}

void bench_list(struct bench_list *l, const struct bench_suite *s, enum bench_side side, const size_t *message)
{
    static const char *const nat[] = {"NAT detection, our source", "NAT detection, our destination",
                                      "NAT detection, the peer's source", "NAT detection, the peer's destination"};
    const bool initiator = side == BENCH_INITIATOR;
    const size_t each = s->encr_key + s->integ_key;
    l->n = 0;
    bench_add(l, BENCH_RANDOM, 8, "SPI");
    bench_add(l, BENCH_RANDOM, NONCE, "nonce");
    bench_add(l, BENCH_RANDOM, s->private_len, "private value");
    bench_add(l, BENCH_KEYGEN, 0, "key pair");
    for (unsigned i = 0; i < 4; i++) {
        bench_add(l, BENCH_HASH, 8 + 8 + 4 + 2, nat[i]);
    }
    bench_add(l, BENCH_AGREE, 0, "shared secret");
    prf(l, 2 * NONCE, s->shared_len, "SKEYSEED");
    prf_plus(l, HASH, 2 * NONCE + 16, 2 * each + 3 * HASH, "keys of the IKE SA");
    auth(l, message[BENCH_INIT_REQUEST], "AUTH of the initiator");
    auth(l, message[BENCH_INIT_RESPONSE], "AUTH of the responder");
    bench_add(l, BENCH_RANDOM, 4, "SPI of the child");
    prf_plus(l, HASH, 2 * NONCE, 2 * each, "keys of the child");
    protect(l, s, message[initiator ? BENCH_AUTH_REQUEST : BENCH_AUTH_RESPONSE], true);
    protect(l, s, message[initiator ? BENCH_AUTH_RESPONSE : BENCH_AUTH_REQUEST], false);
}

static int by_kind(const void *a, const void *b)
{
    const struct bench_op *x = a, *y = b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    return x->octets == y->octets ? 0 : x->octets < y->octets ? -1 : 1;
}

bool bench_same(const struct bench_list *wanted, const struct bench_list *counted, const char *name)
{
    struct bench_list a = *wanted, b = *counted;
    bool same = a.n == b.n;
    if (a.n > BENCH_OPS || b.n > BENCH_OPS) {
        fprintf(stderr, "%s: more operations than a list has room for\n", name);
        return false;
    }
    qsort(a.op, a.n, sizeof *a.op, by_kind);
    qsort(b.op, b.n, sizeof *b.op, by_kind);
    for (unsigned i = 0, k = 0; i < a.n || k < b.n;) {
        int d = i == a.n ? 1 : k == b.n ? -1 : by_kind(&a.op[i], &b.op[k]);
        if (d < 0) {
            fprintf(stderr, "%s: listed and not done: %s of %zu octets (%s)\n", name, bench_kinds[a.op[i].kind], a.op[i].octets,
                    a.op[i].why);
        } else if (d > 0) {
            fprintf(stderr, "%s: done and not listed: %s of %zu octets\n", name, bench_kinds[b.op[k].kind], b.op[k].octets);
        }
        same &= d == 0;
        i += d <= 0;
        k += d >= 0;
    }
    return same;
}
