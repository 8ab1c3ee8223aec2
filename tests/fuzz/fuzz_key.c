/* SPDX-License-Identifier: ISC
 *
 * Keys and certificates as they are kept in files: as a private one, as a public one, and as what is sent of it. What is read has
 * a size, and belongs to itself.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "crypto/key.h"

#include <stdlib.h>
#include <string.h>

static size_t blocks;

static void *get(void *user, size_t n)
{
    (void)user;
    blocks++;
    return malloc(n);
}

static void release(void *user, void *p, size_t n)
{
    (void)user;
    (void)n;
    blocks--;
    free(p);
}

/* No secret depends on it. */
static int fill(void *user, uint8_t *out, size_t n)
{
    static uint8_t last;
    (void)user;
    for (size_t i = 0; i < n; i++) {
        out[i] = last += 41;
    }
    return IKE_OK;
}

static const ike_allocator mem = {get, release, NULL};
static const ike_random rng = {fill, NULL};

static void look_at(ike_bytes text, bool secret)
{
    struct ike_key k = {0};
    int r = ike_key_read(ike_crypto_default(), &mem, &rng, secret, text, &k);
    fuzz_check((r == IKE_OK) == (k.alg != NULL), "a key without a slot, or a slot without a key");
    if (r == IKE_OK) {
        unsigned bits = k.alg->bits(k.state);
        uint8_t sig[IKE_SIG_MAX] = {0}, data[32] = {0};
        fuzz_check(bits >= 256 && bits <= 8192, "a key of a size that is not served");
        (void)k.alg->verify(k.state, ike_bytes_of(data, sizeof data), ike_bytes_of(sig, (bits + 7) / 8));
        ike_key_drop(&k, &mem);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *cert;
    size_t len, room;
    ike_bytes text = ike_bytes_of(data, n);
    look_at(text, true);
    look_at(text, false);
    if (ike_key_certificate(&mem, text, &cert, &len, &room) == IKE_OK && cert) {
        fuzz_check(len > 0 && len <= room && cert[0] == 0x30, "a certificate that is none");
        release(NULL, cert, room);
    } else {
        fuzz_check(cert == NULL && len == 0, "half a certificate");
    }
    fuzz_check(blocks == 0, "memory is left");
    return 0;
}
