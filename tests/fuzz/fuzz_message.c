/* SPDX-License-Identifier: ISC
 *
 * The wire: one input is one datagram. Whatever parses is looked at by every body parser and by proposal selection of its
 * version, and its payloads, written again, are the same message. An encrypted message of version 1 is taken as decrypted
 * already.
 */
#include "fuzz.h"

#include "message/message.h"
#include "policy/ts.h"
#include "proposal/v1.h"

const enum fuzz_layout fuzz_layout = FUZZ_MESSAGE;

static struct fuzz_host host;
static const ike_allocator mem = {fuzz_alloc, fuzz_release, &host};

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
        if (ike_select(ours, p, &args, &chosen, &why) == IKE_OK) {
            fuzz_check(ike_proposals_allow(ours, &chosen.suite), "a suite is chosen that nobody offered");
            fuzz_check(chosen.spi_len == len, "an SPI of another length is chosen");
        }
        (void)ike_select_check(ours, p, &args, &chosen);
    }
    (void)ike_sa_payload_format(p, text, sizeof text);
}

/* What comes out must lie within what went in. */
static void inside(const struct ike_payload *p, ike_bytes b)
{
    fuzz_check(b.len == 0 || (b.ptr >= p->body && b.ptr + b.len <= p->body + p->len), "a view outside its payload");
}

static void look_v1(const struct ike_payload *p, const struct ike_proposals *ours, const struct ike_proposals *child,
                    const struct ike_proposals *around)
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
    if (ike_v1_select(ours, p, &terms, &x, &why) == IKE_OK) {
        inside(p, x.attrs);
    }
    (void)ike_v1_select_check(ours, p, &terms, 0, &x);
    (void)ike_v1_sa_format(p, false, text, sizeof text);
    (void)ike_v1_sa_format(p, true, text, sizeof text);
    for (unsigned with = 0; with < 4; with++) { /* alone, with AH around, with IPComp inside, with both */
        const struct ike_v1_want want = {.main = child, .around = with & 1 ? around : NULL, .compress = with & 2, .terms = terms};
        struct ike_v1_bundle b;
        if (ike_v1_select_bundle(&want, p, with & 1, &b) == IKE_OK) {
            for (unsigned i = 0; i < b.n; i++) {
                inside(p, b.part[i].attrs);
            }
        }
        (void)ike_v1_check_bundle(&want, p, 0, &b);
    }
}

/* Reserved bits and the flag for critical payloads are not written. */
static void same_again(const struct ike_message *m)
{
    static uint8_t again[1 << 16];
    struct ike_message back;
    struct ike_header h = m->h;
    struct ike_chain c = ike_chain(again + IKE_HEADER_LEN, sizeof again - IKE_HEADER_LEN);
    for (unsigned i = 0; i < m->n; i++) {
        ike_put_payload(&c, m->p[i].type, ike_bytes_of(m->p[i].body, m->p[i].len));
    }
    if (m->n == 0 || m->sk_at || c.w.bad || m->p[m->n - 1].type == IKE_P_SKF) {
        return; /* what is encrypted is not a chain to be written */
    }
    h.next = c.first;
    h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(again, &h);
    fuzz_check(ike_message_parse(&back, again, h.length) == IKE_OK && back.n == m->n, "a message cannot be written again");
    for (unsigned i = 0; i < m->n; i++) {
        fuzz_check(back.p[i].type == m->p[i].type && back.p[i].len == m->p[i].len &&
                       (m->p[i].len == 0 || memcmp(back.p[i].body, m->p[i].body, m->p[i].len) == 0),
                   "a payload is not the same any more");
    }
}

static void look_at_all(const struct ike_message *m)
{
    struct ike_proposals *ours = NULL, *child = NULL, *around = NULL;
    size_t at;
    if (ike_proposals_parse(&ours, ike_default_ike_proposals(), IKE_PROTO_IKE, NULL, &mem, &at) == IKE_OK &&
        ike_proposals_parse(&child, ike_default_child_proposals(), IKE_PROTO_ESP, NULL, &mem, &at) == IKE_OK &&
        ike_proposals_parse(&around, "sha256, sha1-modp2048", IKE_PROTO_AH, NULL, &mem, &at) == IKE_OK) {
        for (unsigned i = 0; i < m->n; i++) {
            if (m->h.version >> 4 == 1) {
                look_v1(&m->p[i], ours, child, around);
            } else {
                look(&m->p[i], ours);
            }
        }
    }
    ike_proposals_free(ours, &mem);
    ike_proposals_free(child, &mem);
    ike_proposals_free(around, &mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct ike_payload_rule rules[] = {{IKE_P_SA, 1, 1}, {IKE_P_KE, 1, 1}, {IKE_P_NONCE, 1, 1}, {0, 0, 0}};
    struct ike_message m;
    struct ike_notify note;
    uint8_t type;
    size_t end;
    host = (struct fuzz_host){.memory = FUZZ_PLENTY};
    if (ike_message_parse(&m, data, n) != IKE_OK) {
        return 0;
    }
    if (m.h.version >> 4 == 1 && (m.h.flags & IKE_FLAG1_ENCRYPTED)) {
        fuzz_check(ike_message_parse_padded(&m, data + IKE_HEADER_LEN, n - IKE_HEADER_LEN, &end) != IKE_OK ||
                       end <= n - IKE_HEADER_LEN,
                   "a chain that ends outside its message");
    } else {
        (void)ike_rules_check(&m, rules, &type);
        (void)ike_message_critical(&m);
        (void)ike_message_error(&m, &note);
        (void)ike_message_notify(&m, IKE_N_COOKIE, &note);
        same_again(&m);
    }
    look_at_all(&m);
    fuzz_check(host.blocks == 0, "memory is left");
    return 0;
}
