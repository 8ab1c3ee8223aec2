/* SPDX-License-Identifier: ISC
 *
 * Two engines and the wire between them.
 */
#include "fuzz.h"

#include "message/message.h"

#include <stdlib.h>

static void send_to(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct duo_node *x = user;
    if (kind != IKE_SEND_MESSAGE || n < IKE_HEADER_LEN) {
        return;
    }
    if (!(bytes[19] & IKE_FLAG_RESPONSE)) {
        x->asked = bytes[18];
    }
    if (x->n_out < DUO_QUEUE) {
        uint8_t *copy = malloc(n);
        fuzz_check(copy != NULL, "no memory for the fuzzer itself");
        memcpy(copy, bytes, n);
        x->out[x->n_out].path = *path;
        x->out[x->n_out].n = n;
        x->out[x->n_out++].bytes = copy;
    }
}

/* What is written for people holds nothing of a peer's that a terminal would obey. */
static void check_text(const char *text, bool lines)
{
    for (; *text; text++) {
        fuzz_check(((uint8_t)*text >= 0x20 && *text != 0x7f) || (lines && *text == '\n'), "a control character in a text");
    }
}

static void on_log(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text)
{
    (void)user, (void)c, (void)level, (void)sa;
    check_text(text, false);
}

static void on_event(void *user, const ike_event *ev)
{
    char text[2048];
    (void)user;
    if (ev->failure) {
        (void)ike_failure_explain(ev->failure, text, sizeof text);
        check_text(text, true);
    }
}

/* a's address inside the NAT and outside; the port stays. */
static void translate(const struct duo *d, ike_addr *a, bool out)
{
    ike_addr from = fuzz_addr(out ? "192.0.2.1" : "198.51.100.1"), to = fuzz_addr(out ? "198.51.100.1" : "192.0.2.1");
    if ((d->kind & DUO_NAT) && memcmp(a->ip, from.ip, sizeof a->ip) == 0) {
        memcpy(a->ip, to.ip, sizeof a->ip);
    }
}

static void add_conn(struct duo *d, unsigned me, const char *ike)
{
    ike_conn_settings s;
    ike_child_settings child[2];
    ike_ts net[2] = {fuzz_ts("10.1.0.0/16"), fuzz_ts("10.2.0.0/16")};
    ike_conn_settings_init(&s);
    s.name = "peer";
    s.local = fuzz_addr(me ? "192.0.2.2" : "192.0.2.1");
    s.remote = fuzz_addr(me ? "192.0.2.1" : "192.0.2.2");
    ike_addr peer = s.remote;
    s.remote_id = (ike_id){IKE_ID_IPV4_ADDR, {peer.ip, 4}}; /* what it says of itself, whatever it is seen as */
    translate(d, &s.remote, me == 1);
    s.secret = IKE_STR("secret");
    s.proposals = IKE_WITH_PROPOSALS ? ike : NULL;
    s.encap = d->kind & DUO_STRICT;
    s.version = d->kind & DUO_V1 ? IKE_SPEAKS_V1 : IKE_SPEAKS_V2;
    s.aggressive = d->kind & DUO_AGGRESSIVE;
    s.dpd_timeout_s = d->kind & DUO_STRICT ? 5 : 0;
    ike_child_settings_init(&child[0]);
    child[0].name = "net";
    child[0].proposals = d->kind & DUO_V1 ? "aes128gcm16-ecp256, aes256-sha256-ecp256"
                                          : "aes128gcm16-x25519-ecp256-nopfs-esn-noesn, aes256-sha256-x25519-nopfs";
    child[0].proposals = IKE_WITH_PROPOSALS ? child[0].proposals : NULL;
    child[0].local_ts = &net[me];
    child[0].remote_ts = &net[!me];
    child[0].n_local_ts = child[0].n_remote_ts = 1;
    ike_child_settings_init(&child[1]);
    child[1].name = "host";
    child[1].mode = IKE_WITH_BUNDLES ? IKE_MODE_TRANSPORT : IKE_MODE_TUNNEL;
    child[1].mode_fallback = !(d->kind & DUO_STRICT);
    s.children = child;
    s.n_children = 2;
    fuzz_check(ike_conn_add(d->node[me].e, &s, &d->node[me].conn, d->now) == IKE_OK, "no connection");
}

void duo_begin(struct duo *d, unsigned kind, const char *ike, void (*adjust)(struct duo *d, unsigned which, ike_settings *s))
{
    memset(d, 0, sizeof *d);
    d->now = IKE_SEC;
    d->kind = kind;
    for (unsigned i = 0; i < 2; i++) {
        struct duo_node *x = &d->node[i];
        ike_settings s;
        x->host = (struct fuzz_host){.memory = FUZZ_PLENTY, .random = 1 + i};
        ike_settings_init(&s);
        s.crypto = fuzz_crypto();
        s.host.user = x;
        s.host.alloc = fuzz_alloc;
        s.host.release = fuzz_release;
        s.host.random = fuzz_random;
        s.host.send = send_to;
        s.host.event = on_event;
        s.host.log = on_log;
        memset(s.host.log_level, IKE_LOG_TRACE, sizeof s.host.log_level);
        s.max_message = DUO_MESSAGE;
        if (adjust) {
            adjust(d, i, &s);
        }
        fuzz_check(ike_engine_new(&x->e, &s, d->now) == IKE_OK, "no engine");
        add_conn(d, i, ike);
    }
}

void duo_end(struct duo *d)
{
    for (unsigned i = 0; i < 2; i++) {
        fuzz_check_counts(d->node[i].e, d->kind & DUO_V1);
        ike_engine_free(d->node[i].e);
        duo_drop(d, i);
        fuzz_check(d->node[i].host.blocks == 0, "memory is left");
    }
}

ike_path duo_path(const struct duo *d, unsigned to)
{
    ike_path p = {.local = fuzz_addr(to ? "192.0.2.2:500" : "192.0.2.1:500"),
                  .remote = fuzz_addr(to ? "192.0.2.1:500" : "192.0.2.2:500")};
    translate(d, &p.remote, true);
    return p;
}

/* The octets are of the right size, so that a sanitizer sees a read past their end. */
int duo_input(struct duo *d, unsigned to, const ike_path *path, const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    fuzz_check(copy != NULL, "no memory for the fuzzer itself");
    if (n) {
        memcpy(copy, bytes, n);
    }
    int r = ike_input(d->node[to].e, path, copy, n, d->now);
    free(copy);
    return r;
}

bool duo_step(struct duo *d, unsigned from)
{
    struct duo_node *x = &d->node[from];
    if (x->n_out == 0) {
        return false;
    }
    uint8_t *bytes = x->out[0].bytes;
    size_t n = x->out[0].n;
    ike_path path = x->out[0].path;
    ike_addr local = path.local;
    path.local = path.remote;
    path.remote = local;
    translate(d, &path.local, false);
    translate(d, &path.remote, true);
    x->n_out--;
    memmove(&x->out[0], &x->out[1], x->n_out * sizeof x->out[0]);
    (void)duo_input(d, !from, &path, bytes, n);
    free(bytes);
    return true;
}

void duo_run(struct duo *d, unsigned most)
{
    for (unsigned from = 0; most-- && (d->node[0].n_out || d->node[1].n_out);) {
        from = d->node[from].n_out ? from : !from;
        (void)duo_step(d, from);
        from = !from;
    }
}

void duo_drop(struct duo *d, unsigned from)
{
    struct duo_node *x = &d->node[from];
    while (x->n_out) {
        free(x->out[--x->n_out].bytes);
    }
}

void duo_time(struct duo *d, ike_time span)
{
    d->now += span;
    (void)ike_tick(d->node[0].e, d->now);
    (void)ike_tick(d->node[1].e, d->now);
}
