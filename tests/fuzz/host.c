/* SPDX-License-Identifier: ISC
 *
 * The host: memory, random octets, and the end of the program when something does not hold.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 16 };

void fuzz_check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

ike_addr fuzz_addr(const char *text)
{
    ike_addr a;
    fuzz_check(ike_addr_parse(&a, text) == IKE_OK, text);
    return a;
}

ike_ts fuzz_ts(const char *text)
{
    ike_ts ts;
    fuzz_check(ike_ts_parse(&ts, text) == IKE_OK, text);
    return ts;
}

void *fuzz_alloc(void *user, size_t n)
{
    struct fuzz_host *h = user;
    if (h->memory == 0) {
        return NULL;
    }
    h->memory -= h->memory != FUZZ_PLENTY;
    uint8_t *p = malloc(n + GUARD);
    fuzz_check(p != NULL, "no memory for the fuzzer itself");
    memcpy(p, &n, sizeof n);
    h->blocks++;
    return p + GUARD;
}

void fuzz_release(void *user, void *block, size_t n)
{
    struct fuzz_host *h = user;
    uint8_t *p = (uint8_t *)block - GUARD;
    size_t was;
    memcpy(&was, p, sizeof was);
    fuzz_check(was == n, "a block is released with another size");
    h->blocks--;
    free(p);
}

int fuzz_random(void *user, uint8_t *out, size_t n)
{
    struct fuzz_host *h = user;
    for (size_t i = 0; i < n; i++) {
        h->random = h->random * 1664525u + 1013904223u;
        out[i] = (uint8_t)(h->random >> 24);
    }
    return IKE_OK;
}
