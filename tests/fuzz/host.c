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

void fuzz_check_counts(const ike_engine *e, bool loose)
{
    ike_counters c = {.size = sizeof c};
    ike_sa_info sa = {.size = sizeof sa};
    ike_child_info child = {.size = sizeof child};
    ike_conn_info conn = {.size = sizeof conn};
    uint32_t sas = 0, children = 0, conns = 0, inside = 0;
    for (sa.id = 0; ike_sa_next(e, sa.id, &sa) == IKE_OK; sas++) {
        inside += sa.children;
    }
    for (child.id = 0; ike_child_next(e, child.id, &child) == IKE_OK; children++) {
        fuzz_check(loose || ike_sa_get(e, child.sa, &sa) == IKE_OK, "a child of an IKE SA that is not there");
    }
    for (conn.id = 0; ike_conn_next(e, conn.id, &conn) == IKE_OK; conns++) {
    }
    ike_counters_get(e, &c);
    fuzz_check(sas == c.sas && children == c.children && conns <= c.conns, "an engine has miscounted");
    fuzz_check((loose || inside == children) && c.half_open <= c.sas, "children do not add up");
}
