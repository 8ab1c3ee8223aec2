/* SPDX-License-Identifier: ISC
 *
 * The key table: rows as ikelibctl reads them. A row that is understood, and can be written, is read as the same again.
 */
#include "fuzz.h"

#include <ike/trace.h>

#include <stdlib.h>
#include <string.h>

static void write_again(const ike_trace_keys *k)
{
    char line[IKE_KEYLOG_MAX + 1];
    ike_trace_keys back;
    const ike_keylog log = {k->spi_i,
                            k->spi_r,
                            k->encr,
                            k->encr_bits,
                            k->integ,
                            {k->sk_ei, k->sk_e_len},
                            {k->sk_er, k->sk_e_len},
                            {k->sk_ai, k->sk_a_len},
                            {k->sk_ar, k->sk_a_len},
                            k->version};
    size_t n = ike_keylog_format(&log, line, sizeof line);
    fuzz_check(n > 0 && n < sizeof line, "a row cannot be written");
    fuzz_check(ike_trace_keys_parse(&back, line, n) == IKE_OK, "a row of ours cannot be read");
    fuzz_check(memcmp(&back, k, sizeof back) == 0, "a row reads as something else");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    while (n) {
        const uint8_t *end = memchr(data, '\n', n);
        size_t len = end ? (size_t)(end - data) : n;
        char *line = malloc(len ? len : 1); /* no NUL behind it */
        ike_trace_keys row;
        fuzz_check(line != NULL, "no memory for the fuzzer itself");
        memcpy(line, data, len);
        if (ike_trace_keys_parse(&row, line, len) == IKE_OK && !row.unchecked_icv) {
            write_again(&row);
        }
        free(line);
        data += end ? len + 1 : len;
        n -= end ? len + 1 : len;
    }
    return 0;
}
