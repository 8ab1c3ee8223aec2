/* SPDX-License-Identifier: ISC
 *
 * The wire: one input is one datagram. Whatever parses is looked at by every body parser and by proposal selection of its
 * version. An encrypted message of version 1 is taken as decrypted already.
 */
#include "message/message.h"
#include "policy/ts.h"
#include "proposal/v1.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void *get(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void put(void *user, void *p, size_t n)
{
    (void)user;
    (void)n;
    free(p);
}

static void look(const struct ike_payload *p, const struct ike_proposals *ours)
{
    struct ike_notify note;
    struct ike_delete del;
    struct ike_ts_list ts;
    struct ike_selection chosen;
    struct ike_mismatch why;
    struct ike_select_args args = {.with_ke = true};
    ike_id id;
    ike_bytes value;
    uint16_t group;
    uint8_t method;
    char text[200];
    (void)ike_notify_parse(&note, p);
    (void)ike_delete_parse(&del, p);
    (void)ike_ke_parse(&group, &value, p);
    (void)ike_id_payload_parse(&id, p);
    (void)ike_auth_parse(&method, &value, p);
    (void)ike_ts_payload_parse(ts.ts, IKE_TS_MAX, &ts.n, p);
    for (uint8_t len = 0; len <= 8; len = (uint8_t)(len + 4)) {
        args.spi_len = len;
        (void)ike_select(ours, p, &args, &chosen, &why);
        (void)ike_select_check(ours, p, &args, &chosen);
    }
    (void)ike_sa_payload_format(p, text, sizeof text);
}

/* What comes out must lie within what went in. */
static void inside(const struct ike_payload *p, ike_bytes b)
{
    if (b.len && (b.ptr < p->body || b.ptr + b.len > p->body + p->len)) {
        abort();
    }
}

static void look_v1(const struct ike_payload *p, const struct ike_proposals *ours, const struct ike_proposals *child)
{
    const struct ike_v1_terms terms = {.auth = 1, .mode = 1};
    struct ike_v1_notify note;
    struct ike_v1_delete del;
    struct ike_v1_config cfg;
    struct ike_v1_choice x;
    struct ike_v1_id id;
    struct ike_mismatch why;
    char text[200];
    if (ike_v1_notify_parse(&note, p) == IKE_OK) {
        inside(p, note.data);
    }
    if (ike_v1_delete_parse(&del, p) == IKE_OK) {
        inside(p, ike_bytes_of(del.spis, (size_t)del.spi_len * del.count));
    }
    if (ike_v1_config_parse(&cfg, p) == IKE_OK) {
        inside(p, cfg.attrs);
    }
    (void)ike_v1_id_parse(&id, p);
    for (unsigned phase2 = 0; phase2 < 2; phase2++) {
        const int rc = phase2 ? ike_v1_select2(child, p, &terms, 0, &x, &why) : ike_v1_select(ours, p, &terms, &x, &why);
        if (rc == IKE_OK) {
            inside(p, x.attrs);
        }
        (void)ike_v1_select_check(phase2 ? child : ours, p, &terms, 0, phase2, &x);
        (void)ike_v1_sa_format(p, phase2, text, sizeof text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const ike_allocator mem = {get, put, NULL};
    struct ike_message m;
    struct ike_proposals *ours = NULL, *child = NULL;
    size_t at, end;
    const char *nearest;
    if (ike_message_parse(&m, data, n) != IKE_OK) {
        return 0;
    }
    const bool v1 = m.h.version >> 4 == 1;
    if (v1 && (m.h.flags & IKE_FLAG1_ENCRYPTED) &&
        ike_message_parse_padded(&m, data + IKE_HEADER_LEN, n - IKE_HEADER_LEN, &end) == IKE_OK && end > n - IKE_HEADER_LEN) {
        abort();
    }
    if (ike_proposals_parse(&ours, ike_default_ike_proposals(), IKE_PROTO_IKE, NULL, &mem, &at, &nearest) == IKE_OK &&
        ike_proposals_parse(&child, ike_default_child_proposals(), IKE_PROTO_ESP, NULL, &mem, &at, &nearest) == IKE_OK) {
        for (unsigned i = 0; i < m.n; i++) {
            if (v1) {
                look_v1(&m.p[i], ours, child);
            } else {
                look(&m.p[i], ours);
            }
        }
    }
    ike_proposals_free(ours, &mem);
    ike_proposals_free(child, &mem);
    return 0;
}
