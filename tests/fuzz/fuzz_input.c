/* SPDX-License-Identifier: ISC
 *
 * A cold engine: an input is datagrams, each behind two octets of length, handed in one after the other while time passes.
 */
#include "base/bytes.h"
#include <ike/ike.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int random_octets(void *user, uint8_t *out, size_t n)
{
    uint32_t *state = user;
    for (size_t i = 0; i < n; i++) {
        *state = *state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(*state >> 24);
    }
    return IKE_OK;
}

static void send_nowhere(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)user;
    (void)path;
    (void)kind;
    (void)bytes;
    (void)n;
}

static void add_connection(ike_engine *e)
{
    ike_conn_settings c;
    ike_child_settings k;
    ike_conn_id id;
    ike_conn_settings_init(&c);
    ike_child_settings_init(&k);
    c.name = k.name = "fuzz";
    c.secret = IKE_STR("secret");
    c.children = &k;
    c.n_children = 1;
    if (ike_conn_add(e, &c, &id, 0) != IKE_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint32_t state = 1;
    ike_settings s;
    ike_engine *e;
    ike_path path = {0};
    ike_time now = 0;
    struct ike_rd r = ike_rd(data, n);
    ike_settings_init(&s);
    s.allow_variable_time = true; /* the CPU this runs on is no matter */
    s.host.user = &state;
    s.host.random = random_octets;
    s.host.send = send_nowhere;
    s.max_message = 4096;
    if (ike_engine_new(&e, &s, now) != IKE_OK) {
        abort();
    }
    add_connection(e);
    ike_addr_parse(&path.local, "192.0.2.1:500");
    ike_addr_parse(&path.remote, "192.0.2.2:500");
    while (r.left > 2) {
        size_t len = ike_rd_u16(&r);
        const uint8_t *p = ike_rd_take(&r, len);
        if (!p) {
            break;
        }
        now += IKE_SEC;
        ike_input(e, &path, p, len, now);
        ike_tick(e, now);
    }
    ike_engine_free(e);
    return 0;
}
