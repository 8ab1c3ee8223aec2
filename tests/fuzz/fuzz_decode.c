/* SPDX-License-Identifier: ISC
 *
 * The decoder: one input is one message, of IKEv1 or IKEv2. Both forms of output come to the same end, and JSON is JSON. Of SPIs
 * 1 and 2 the keys are known, so that messages whose ICV is right are decoded inside; the ICV is made right first if it is not.
 */
#include "fuzz.h"

#include "message/message.h"
#include "vectors/json.h"
#include <ike/trace.h>

#include <stdlib.h>

const enum fuzz_layout fuzz_layout = FUZZ_MESSAGE;

static struct {
    char p[1 << 20];
    size_t n;
} text;

static void put(void *user, const char *p, size_t n)
{
    (void)user;
    if (n <= sizeof text.p - text.n) {
        memcpy(text.p + text.n, p, n);
        text.n += n;
    }
}

static int decode(const uint8_t *data, size_t n, bool json)
{
    static const ike_trace_keys keys[2] = {
        {.version = 2, .spi_i = 1, .spi_r = 2, .encr = 20, .encr_bits = 128, .sk_e_len = 20},
        {.version = 2, .spi_i = 3, .spi_r = 4, .encr = 12, .encr_bits = 128, .unchecked_icv = 12, .sk_e_len = 16}};
    const ike_crypto *const crypto[] = {fuzz_crypto(), NULL};
    struct fuzz_host host = {.memory = FUZZ_PLENTY};
    const ike_sink sink = {put, NULL};
    ike_decoder d;
    ike_decoder_init(&d);
    d.keys = keys;
    d.n_keys = 2;
    d.crypto = crypto;
    d.mem = (ike_allocator){fuzz_alloc, fuzz_release, &host};
    d.json = json;
    text.n = 0;
    int r = ike_decode(&d, data, n, &sink);
    fuzz_check(host.blocks == 0, "memory is left");
    return r;
}

/* The tag that belongs to the message, where there is room for one. */
static void authenticate(uint8_t *data, size_t n)
{
    static const uint8_t key[20];
    struct ike_message m;
    uint64_t ctx[8];
    const ike_encr *gcm = ike_find_encr(fuzz_crypto(), 20);
    if (ike_message_parse(&m, data, n) == IKE_OK && m.h.spi_i == 1 && m.sk_at && m.len - m.sk_at >= 4 + 8 + 16) {
        uint8_t *sk = data + m.sk_at, *tag = data + m.len - 16;
        fuzz_check(gcm->ctx_size <= sizeof ctx && gcm->init(ctx, key, sizeof key, true) == IKE_OK, "no cipher");
        (void)gcm->seal(ctx, sk + 4, data, m.sk_at + 4, sk + 12, (size_t)(tag - sk) - 12, tag);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    fuzz_check(copy != NULL, "no memory for the fuzzer itself");
    if (n) {
        memcpy(copy, data, n);
    }
    authenticate(copy, n);
    int plain = decode(copy, n, false), json = decode(copy, n, true);
    fuzz_check(plain == json, "text and JSON come to different ends");
    if (text.n < sizeof text.p) {
        struct json *tree = json_parse(text.p, text.n);
        fuzz_check(tree != NULL, "not JSON");
        json_free(tree);
    }
    free(copy);
    return 0;
}
