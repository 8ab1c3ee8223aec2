/* SPDX-License-Identifier: ISC
 *
 * Captures, as ikelibctl reads them: pcap or pcapng, down to the messages in their datagrams. Of the first message's cookie a key
 * of IKEv1 is known.
 */
#include "fuzz.h"

#include "base/bytes.h"

#include <ike/trace.h>

static size_t written;

static void put(void *user, const char *p, size_t n)
{
    (void)user;
    written += n && p[0];
}

static void look(ike_decoder *dec, ike_trace_keys *key, const uint8_t *file, size_t n, const ike_frame *f)
{
    const ike_sink sink = {put, NULL};
    ike_datagram d;
    ike_bytes m;
    fuzz_check(f->len == 0 || (f->data >= file && f->len <= n && f->data + f->len <= file + n), "a frame outside the file");
    fuzz_check(f->nanoseconds < 1000000000, "more nanoseconds than a second has");
    if (ike_frame_datagram(f, &d) != IKE_OK) {
        return;
    }
    fuzz_check(d.data.len == 0 || (d.data.ptr >= f->data && d.data.ptr + d.data.len <= f->data + f->len),
               "a datagram outside its frame");
    if (ike_datagram_kind(&d, 500, 4500, &m) == IKE_DATAGRAM_IKE) {
        if (dec->n_keys == 0 && m.len >= 8) {
            *key = (ike_trace_keys){.version = 1, .spi_i = ike_load64(m.ptr), .sk_e_len = 16};
            dec->n_keys = 1;
        }
        (void)ike_decode(dec, m.ptr, m.len, &sink);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ike_capture c;
    ike_frame f;
    uint64_t frames = 0;
    const ike_crypto *const crypto[] = {fuzz_crypto(), NULL};
    struct fuzz_host host = {.memory = FUZZ_PLENTY};
    ike_trace_keys key;
    ike_decoder dec;
    if (ike_capture_open(&c, data, n) != IKE_OK) {
        return 0;
    }
    ike_decoder_init(&dec);
    dec.mem = (ike_allocator){fuzz_alloc, fuzz_release, &host};
    dec.crypto = crypto;
    dec.keys = &key;
    dec.chains = ike_trace_chains_new(&dec.mem);
    while (ike_capture_next(&c, &f) == IKE_OK) {
        fuzz_check(++frames <= n, "more frames than octets");
        look(&dec, &key, data, n, &f);
    }
    ike_trace_chains_free(dec.chains);
    fuzz_check(host.blocks == 0, "memory is left");
    return 0;
}
