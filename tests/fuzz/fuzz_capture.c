/* SPDX-License-Identifier: ISC
 *
 * Captures, as ikelibctl reads them: pcap or pcapng, down to the messages in their datagrams.
 */
#include "fuzz.h"

#include <ike/trace.h>

static size_t written;

static void put(void *user, const char *p, size_t n)
{
    (void)user;
    written += n && p[0];
}

static void look(const uint8_t *file, size_t n, const ike_frame *f)
{
    const ike_sink sink = {put, NULL};
    ike_decoder dec;
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
        ike_decoder_init(&dec);
        (void)ike_decode(&dec, m.ptr, m.len, &sink);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    ike_capture c;
    ike_frame f;
    uint64_t frames = 0;
    if (ike_capture_open(&c, data, n) != IKE_OK) {
        return 0;
    }
    while (ike_capture_next(&c, &f) == IKE_OK) {
        fuzz_check(++frames <= n, "more frames than octets");
        look(data, n, &f);
    }
    return 0;
}
