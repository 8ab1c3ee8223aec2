/* SPDX-License-Identifier: ISC
 *
 * vici_filter.c - which SAs, connections or children a request is about.
 *
 * A filter that cannot be read is an error: passing over it would make the command act on everything.
 */
#include "vici.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool get_name(struct vici_text request, const char *key, char *out, size_t n, bool *has, struct vici_filter *f)
{
    struct vici_text v;
    *has = vici_get(request, key, &v);
    if (*has && (v.n == 0 || !vici_get_str(request, key, out, n))) {
        snprintf(f->error, sizeof f->error, v.n ? "%s is no name: it is too long, or holds a NUL" : "%s is empty", key);
        return false;
    }
    return true;
}

/* strongSwan's clients write both ike-id and ike_id. */
static bool get_number(struct vici_text request, const char *key, const char *other, uint32_t *out, struct vici_filter *f)
{
    struct vici_text v;
    char text[16] = "";
    if (!vici_get(request, key, &v)) {
        key = other;
    }
    if (!vici_get(request, key, &v)) {
        return true;
    }
    (void)vici_get_str(request, key, text, sizeof text);
    unsigned long long n = strtoull(text, NULL, 10);
    if (text[strspn(text, "0123456789")] || n == 0 || n > UINT32_MAX) {
        snprintf(f->error, sizeof f->error, "%s is not a number from 1 to %" PRIu32, key, UINT32_MAX);
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

bool vici_filter(struct vici_text request, struct vici_filter *f)
{
    *f = (struct vici_filter){0};
    return get_name(request, "ike", f->ike, sizeof f->ike, &f->has_ike, f) &&
           get_name(request, "child", f->child, sizeof f->child, &f->has_child, f) &&
           get_number(request, "ike-id", "ike_id", &f->ike_number, f) &&
           get_number(request, "child-id", "child_id", &f->child_number, f);
}
