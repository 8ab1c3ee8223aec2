/* SPDX-License-Identifier: ISC
 *
 * use.c - the smallest program that links an installed libike: it makes an engine and frees it.
 */
#include <ike/ike.h>

#include <stdio.h>
#include <string.h>

static int no_random(void *user, uint8_t *out, size_t n)
{
    (void)user;
    memset(out, 7, n);
    return IKE_OK;
}

static void no_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)user;
    (void)path;
    (void)kind;
    (void)bytes;
    (void)n;
}

int main(void)
{
    ike_settings s;
    ike_engine *e = NULL;

    ike_settings_init(&s);
    s.host.random = no_random;
    s.host.send = no_send;
    int rc = ike_engine_new(&e, &s, 0);
    if (rc != IKE_OK) {
        fprintf(stderr, "ike_engine_new: %s\n", ike_strerror(rc));
        return 1;
    }
    ike_engine_free(e);
    printf("libike %s\n", ike_version());
    return 0;
}
