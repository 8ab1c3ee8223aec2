/* SPDX-License-Identifier: ISC
 *
 * heap.c - memory of the C library.
 */
#include "heap.h"

#include <stdlib.h>

static void *get(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void release(void *user, void *p, size_t n)
{
    (void)user, (void)n;
    free(p);
}

const ike_allocator daemon_heap = {get, release, NULL};
