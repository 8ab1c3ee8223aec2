/* SPDX-License-Identifier: ISC
 *
 * Connection settings: defaults, checks, the deep copy in one allocation, and how addresses and identities fit.
 */
#include "policy/conf.h"
#if IKE_WITH_V1
#include "proposal/v1.h"
#endif
#include <stdio.h>

/* The record's field has one octet more, for the NUL. */
#define NAME_MAX_LEN 47 /* what a failure record can hold */
#define KEY_MAX      65536

/* An hour and a tenth of it are common practice; 128 packets of window because at today's rates packets overtake each other
 * more than the 64 of RFC 4303. */
void ike_child_settings_init(ike_child_settings *s)
{
    memset(s, 0, sizeof *s);
    s->size = sizeof *s;
    s->mode = IKE_MODE_TUNNEL;
    s->replay_window = 128;
    s->life_s = 3600;
    s->margin_s = 360;
}

/* Keepalives every 20 s as RFC 3948 section 4 has it. The margin is wide so that jitter spreads the rekeys of many peers
 * that came up together. */
void ike_conn_settings_init(ike_conn_settings *s)
{
    memset(s, 0, sizeof *s);
    s->size = sizeof *s;
    s->life_s = 14400;
    s->margin_s = 600;
    s->jitter_pct = 50;
    s->dpd_s = 30;
    s->keepalive_s = 20;
    s->max_children = 100;
    s->send_initial_contact = true;
    s->unique = true;
}

/* A copier that first counts (p == NULL) and then fills one allocation in the same order. */
struct arena {
    uint8_t *p;
    size_t used; /* octets, those left for alignment included */
};

/* NULL stays NULL: an option that is not set is told from one that is empty. */
static void *put(struct arena *a, const void *from, size_t n)
{
    if (!from) {
        return NULL;
    }
    a->used = (a->used + 7) & ~(size_t)7;
    uint8_t *to = a->p ? a->p + a->used : NULL;
    if (to && n) {
        memcpy(to, from, n);
    }
    a->used += n;
    return to;
}

static const char *put_text(struct arena *a, const char *text) { return put(a, text, text ? strlen(text) + 1 : 0); }

/* An identity of type NONE has no octets: nothing to copy. */
static void put_id(struct arena *a, ike_id *id) { id->data.ptr = put(a, id->data.ptr, id->data.len); }

/* The array is placed before what its rows point to, and is written last, when those places are known. */
static void put_users(struct arena *a, ike_conn_settings *s)
{
    const ike_user_settings *from = s->users;
    ike_user_settings *to = put(a, from, s->n_users * sizeof *from);
    for (size_t i = 0; i < s->n_users; i++) {
        ike_user_settings u = from[i];
        u.name = put_text(a, u.name);
        u.secret.ptr = put(a, u.secret.ptr, u.secret.len);
        if (to) {
            to[i] = u;
        }
    }
    s->users = to;
}

/* Runs twice over the same settings, so both runs must take the same way: nothing here may depend on a->p but the writing. */
static void put_all(struct arena *a, ike_conn_settings *s)
{
    s->name = put_text(a, s->name);
    s->source = put_text(a, s->source);
    s->proposals = put_text(a, s->proposals);
    s->secret.ptr = put(a, s->secret.ptr, s->secret.len);
    if (IKE_WITH_V1) {
        s->local_key.ptr = put(a, s->local_key.ptr, s->local_key.len);
        s->local_cert.ptr = put(a, s->local_cert.ptr, s->local_cert.len);
        s->remote_key.ptr = put(a, s->remote_key.ptr, s->remote_key.len);
        put_users(a, s);
        s->dns = put(a, s->dns, s->n_dns * sizeof *s->dns);
        s->nbns = put(a, s->nbns, s->n_nbns * sizeof *s->nbns);
    }
    put_id(a, &s->local_id);
    put_id(a, &s->remote_id);
    const ike_child_settings *from = s->children;
    ike_child_settings *to = put(a, from, s->n_children * sizeof *from);
    for (size_t i = 0; i < s->n_children; i++) {
        ike_child_settings k = from[i];
        k.name = put_text(a, k.name);
        k.proposals = put_text(a, k.proposals);
        k.ah_proposals = put_text(a, k.ah_proposals);
        k.local_ts = put(a, k.local_ts, k.n_local_ts * sizeof *k.local_ts);
        k.remote_ts = put(a, k.remote_ts, k.n_remote_ts * sizeof *k.remote_ts);
        if (to) {
            to[i] = k;
        }
    }
    s->children = to;
}

/* What a caller hands over is checked like what a peer sends: start not after end, but for OPAQUE, and no more than one
 * payload is read with (IKE_TS_MAX). */
static bool ts_fine(const ike_ts *ts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = ts[i].family == 4 ? 4 : 16;
        if ((ts[i].family != 4 && ts[i].family != 6) || memcmp(ts[i].lo, ts[i].hi, len) > 0 ||
            (ts[i].port_lo > ts[i].port_hi && !(ts[i].port_lo == 65535 && ts[i].port_hi == 0))) {
            return false;
        }
    }
    return n <= 64;
}

/* With a version that has no XAUTH a peer would get by without it. */
static bool users_fine(const ike_conn_settings *s)
{
    for (size_t i = 0; i < s->n_users; i++) {
        const ike_user_settings *u = &s->users[i];
        if (!u->name || !u->name[0] || strlen(u->name) > IKE_SECRET_MAX || u->secret.len > IKE_SECRET_MAX) {
            return false;
        }
    }
    return s->xauth <= IKE_XAUTH_SERVER && (!s->xauth || s->version == IKE_SPEAKS_V1) && s->n_users <= 65536;
}

/* With a version that gives no addresses a peer could take any. */
static bool inner_fine(const ike_conn_settings *s)
{
    bool some = s->pool.family || s->inner_family;
    return (!some || s->version == IKE_SPEAKS_V1) && (!s->pool.family || (ts_fine(&s->pool, 1) && !s->inner_family)) &&
           (!s->inner_family || s->inner_family == 4 || s->inner_family == 6) && s->n_dns <= IKE_SERVERS_MAX &&
           s->n_nbns <= IKE_SERVERS_MAX;
}

/* What IKEv1 alone has: keys, users, addresses inside the tunnel. */
static int check_v1(const ike_conn_settings *s)
{
    if (!IKE_WITH_V1) {
        const bool some = s->version == IKE_SPEAKS_V1 || s->remote_key.len || s->local_key.len || s->local_cert.len || s->xauth ||
                          s->n_users || s->pool.family || s->inner_family || s->n_dns || s->n_nbns;
        return some ? IKE_ERR_UNSUPPORTED : IKE_OK;
    }
    if (s->local_key.len > KEY_MAX || s->local_cert.len > KEY_MAX || s->remote_key.len > KEY_MAX || !users_fine(s) ||
        !inner_fine(s) || (s->remote_key.len && s->secret.len)) {
        return IKE_ERR_INVALID;
    }
    return s->remote_key.len && s->version != IKE_SPEAKS_V1 ? IKE_ERR_UNSUPPORTED : IKE_OK;
}

/* Nothing is copied before all of it has passed. Limits keep the sizes below from overflowing and every name within a
 * failure record. */
static int check(const ike_conn_settings *s)
{
    if (s->size != sizeof *s || !s->name || !s->name[0] || strlen(s->name) > NAME_MAX_LEN || s->jitter_pct > 100 ||
        s->secret.len > IKE_SECRET_MAX || s->version > IKE_SPEAKS_ANY || s->n_children > 1024 ||
        s->remote_bits > 128 || s->local_id.data.len > 1024 || s->remote_id.data.len > 1024) {
        return IKE_ERR_INVALID;
    }
    int r = check_v1(s);
    if (r != IKE_OK) {
        return r;
    }
    for (size_t i = 0; i < s->n_children; i++) {
        const ike_child_settings *k = &s->children[i];
        if (k->size != sizeof *k || !k->name || !k->name[0] || strlen(k->name) > NAME_MAX_LEN ||
            (k->proposals && k->ah_proposals && s->version != IKE_SPEAKS_V1) || k->mode > IKE_MODE_TRANSPORT ||
            !ts_fine(k->local_ts, k->n_local_ts) || !ts_fine(k->remote_ts, k->n_remote_ts)) {
            return IKE_ERR_INVALID;
        }
        if ((!IKE_WITH_BUNDLES && (k->ah_proposals || k->compress || k->mode == IKE_MODE_TRANSPORT)) ||
            (!IKE_WITH_KEEPUP && k->start == IKE_START_YES)) {
            return IKE_ERR_UNSUPPORTED;
        }
        /* A child is known by its name when settings are replaced, so two of a name would be one. */
        for (size_t j = 0; j < i; j++) {
            if (strcmp(s->children[j].name, k->name) == 0) {
                return IKE_ERR_EXISTS;
            }
        }
    }
    return IKE_OK;
}

/* Unlike an algorithm that the build lacks, one that the data plane of this host lacks is no error beside others: the same
 * settings serve hosts of both kinds, and what is left is among what they allow. */
static int keep_carried(struct ike_core *c, const struct ike_conf *f, size_t child, struct ike_proposals *p)
{
    const ike_host *h = &c->set.host;
    if (!IKE_WITH_PROPOSALS || !p || !h->sadb.carries) {
        return IKE_OK;
    }
    const uint16_t n = p->n_transforms;
    char text[200];
    ike_hook_enter(c);
    const bool some = ike_proposals_carried(p, f->family, h->sadb.carries, h->user);
    ike_hook_leave(c);
    if (some && p->n_transforms != n) {
        IKE_WORDS(ike_proposals_format(p, text, sizeof text));
        IKE_LOG(c, IKE_LOG_CHILD, IKE_LOG_DEBUG, 0, "%s: child %s: the data plane carries only %s", f->s.name,
                f->s.children[child].name, text);
    }
    return some ? IKE_OK : IKE_ERR_UNSUPPORTED;
}

/* With IKEv1 alone: what it has no number for could never be agreed on. */
static bool sayable(const struct ike_conf *f, const struct ike_proposals *p)
{
#if IKE_WITH_V1
    return f->s.version != IKE_SPEAKS_V1 || !p || ike_v1_sayable(p);
#else
    (void)f;
    (void)p;
    return true;
#endif
}

/* The built-in text names more than a small build carries: what cannot be run is left out there, an error elsewhere. */
static int proposals_of(struct ike_core *c, const char *text, const char *usual, uint8_t protocol, struct ike_proposals **out)
{
    if (!IKE_WITH_PROPOSALS) {
        return text ? IKE_ERR_UNSUPPORTED : ike_proposals_builtin(out, protocol, c->crypto, &c->mem);
    }
    return ike_proposals_parse_for(out, text ? text : usual, protocol, c->crypto, !text, &c->mem, NULL);
}

/* Parsed once per settings, not per attempt. Where it fails half-way the caller drops the whole copy. */
static int parse_proposals(struct ike_core *c, struct ike_conf *f)
{
    const bool old = IKE_WITH_V1 && f->s.version == IKE_SPEAKS_V1;
    const char *usual = old ? ike_default_v1_proposals(IKE_PROTO_IKE) : ike_default_ike_proposals();
    const char *usual_esp = old ? ike_default_v1_proposals(IKE_PROTO_ESP) : ike_default_child_proposals();
    int r = proposals_of(c, f->s.proposals, usual, IKE_PROTO_IKE, &f->proposals);
    for (size_t i = 0; r == IKE_OK && i < f->s.n_children; i++) {
        const char *esp = f->s.children[i].proposals, *ah = IKE_WITH_BUNDLES ? f->s.children[i].ah_proposals : NULL;
        const char *main = esp ? esp : ah;
        r = proposals_of(c, main, usual_esp, main && main == ah ? IKE_PROTO_AH : IKE_PROTO_ESP, &f->child_proposals[i]);
        if (IKE_WITH_V1 && r == IKE_OK && esp && ah) {
            r = ike_proposals_parse(&f->child_around[i], ah, IKE_PROTO_AH, c->crypto, &c->mem, NULL);
        }
        r = r == IKE_OK ? keep_carried(c, f, i, f->child_proposals[i]) : r;
        r = IKE_WITH_V1 && r == IKE_OK ? keep_carried(c, f, i, f->child_around[i]) : r;
        r = r != IKE_OK || (sayable(f, f->child_proposals[i]) && sayable(f, f->child_around[i])) ? r : IKE_ERR_UNSUPPORTED;
    }
    return r != IKE_OK || sayable(f, f->proposals) ? r : IKE_ERR_UNSUPPORTED;
}

/* ---- Keys ------------------------------------------------------------------------------------------------------------------ */

#if IKE_WITH_V1
/* The method follows from the key, and from some methods the hash that the proof is an HMAC with, whichever was negotiated (RFC
 * 2409 section 5.1, RFC 4754 section 7). */
static const struct method {
    uint16_t kind, bits, auth1, prf; /* bits 0: any; prf 0: the negotiated one */
} methods[] = {{IKE_KEY_RSA, 0, IKE_AUTH1_RSA, 0},
               {IKE_KEY_DSA, 0, IKE_AUTH1_DSS, 2},
               {IKE_KEY_ECDSA, 256, IKE_AUTH1_ECDSA256, 5},
               {IKE_KEY_ECDSA, 384, IKE_AUTH1_ECDSA384, 6},
               {IKE_KEY_ECDSA, 521, IKE_AUTH1_ECDSA521, 7}};

/* NULL: none of IKEv1's. */
static const struct method *method_of(const struct ike_key *k)
{
    for (size_t i = 0; i < IKE_COUNT(methods); i++) {
        if (methods[i].kind == k->alg->id && (!methods[i].bits || methods[i].bits == k->alg->bits(k->state))) {
            return &methods[i];
        }
    }
    return NULL;
}

/* Read once, when the connection is added, so that what is wrong shows then. */
static int read_keys(struct ike_core *c, struct ike_conf *f)
{
    const ike_conn_settings *s = &f->s;
    f->auth1 = IKE_AUTH1_PSK;
    if (!s->remote_key.len) {
        return s->local_key.len || s->local_cert.len ? IKE_ERR_INVALID : IKE_OK;
    }
    int r = ike_key_read(c->crypto, &c->mem, &c->rng, false, s->remote_key, &f->remote);
    if (r == IKE_OK && s->local_cert.len) {
        r = ike_key_read(c->crypto, &c->mem, &c->rng, false, s->local_cert, &f->local_open);
        r = r == IKE_OK ? ike_key_certificate(&c->mem, s->local_cert, &f->cert, &f->cert_len, &f->cert_room) : r;
    }
    if (r == IKE_OK && s->local_key.len) {
        r = ike_key_read(c->crypto, &c->mem, &c->rng, true, s->local_key, &f->local);
    }
    const struct ike_key *own = f->local.alg ? &f->local : &f->local_open;
    if (r == IKE_OK && (!own->alg || (f->local.alg && f->local_open.alg &&
                                      (f->local.alg != f->local_open.alg ||
                                       !f->local.alg->pair(f->local_open.state, f->local.state, &c->rng))))) {
        r = IKE_ERR_CRYPTO;
    }
    const struct method *m = r == IKE_OK ? method_of(own) : NULL;
    if (m && m == method_of(&f->remote)) {
        f->auth1 = m->auth1;
        f->sign_prf = m->prf ? ike_find_prf(c->crypto, m->prf) : NULL;
        r = m->prf && !f->sign_prf ? IKE_ERR_CRYPTO : IKE_OK;
    } else if (r == IKE_OK) {
        r = IKE_ERR_CRYPTO;
    }
    if (r == IKE_OK && s->xauth && m->auth1 != IKE_AUTH1_RSA && m->auth1 != IKE_AUTH1_DSS) {
        return IKE_ERR_UNSUPPORTED; /* no number stands for XAUTH behind it */
    }
    /* A message has to have room for it, and for what is beside it. */
    if (r == IKE_OK && f->cert_len > c->set.max_message / 2) {
        return IKE_ERR_LIMIT;
    }
    return r == IKE_OK || r == IKE_ERR_NOMEM ? r : IKE_ERR_CRYPTO;
}

static void drop_keys(struct ike_core *c, struct ike_conf *f)
{
    ike_key_drop(&f->local, &c->mem);
    ike_key_drop(&f->local_open, &c->mem);
    ike_key_drop(&f->remote, &c->mem);
    ike_free(c, f->cert, f->cert_room);
}
#else
static int read_keys(struct ike_core *c, struct ike_conf *f) { return (void)c, (void)f, IKE_OK; }
static void drop_keys(struct ike_core *c, struct ike_conf *f) { (void)c, (void)f; }
#endif

uint8_t ike_conf_family(const ike_conn_settings *s, uint8_t known)
{
    return known ? known : s->remote.family ? s->remote.family : s->local.family;
}

/* The caller gets the first reference. */
int ike_conf_for(struct ike_core *c, const ike_conn_settings *s, uint8_t known, struct ike_conf **out)
{
    int r = check(s);
    if (r != IKE_OK) {
        return r;
    }
    struct arena a = {NULL, 0};
    /* The counting run overwrites pointers with NULL: on a copy. */
    ike_conn_settings count = *s;
    put_all(&a, &count);
    size_t head = sizeof(struct ike_conf) + 2 * s->n_children * sizeof(struct ike_proposals *);
    struct ike_conf *f = ike_alloc(c, head + a.used + 8);
    if (!f) {
        return IKE_ERR_NOMEM;
    }
    f->refs = 1;
    f->size = head + a.used + 8;
    f->family = ike_conf_family(s, known);
    f->s = *s;
    f->child_proposals = (struct ike_proposals **)(void *)(f + 1);
    f->child_around = f->child_proposals + s->n_children;
    /* The eight octets more in the allocation are for this rounding. */
    a = (struct arena){(uint8_t *)f + ((head + 7) & ~(size_t)7), 0};
    put_all(&a, &f->s);
    /* What is shown of a connection points into the same copy, except that there is no secret in it. */
    f->shown = f->s;
    f->shown.secret = f->shown.local_key = (ike_bytes){NULL, 0};
    f->shown.users = NULL;
    f->shown.n_users = 0;
    /* From here on unref can undo all: ike_alloc has zeroed what is not parsed yet. */
    r = parse_proposals(c, f);
    r = r == IKE_OK ? read_keys(c, f) : r;
    if (r != IKE_OK) {
        ike_conf_unref(c, f);
        return r;
    }
    *out = f;
    return IKE_OK;
}

/* NULL is fine. Attempts and SAs hold references, so replaced settings live until the last of them ends. */
void ike_conf_unref(struct ike_core *c, struct ike_conf *f)
{
    if (!f || --f->refs) {
        return;
    }
    drop_keys(c, f);
    ike_proposals_free(f->proposals, &c->mem);
    for (size_t i = 0; i < f->s.n_children; i++) {
        ike_proposals_free(f->child_proposals[i], &c->mem);
        if (IKE_WITH_V1) {
            ike_proposals_free(f->child_around[i], &c->mem);
        }
    }
    /* The pre-shared key lies in it. */
    ike_free_secret(c, f, f->size);
}

/* By name: after a reload the same child may stand at another index. */
int ike_conf_child(const struct ike_conf *f, const char *name)
{
    for (size_t i = 0; i < f->s.n_children; i++) {
        if (strcmp(f->s.children[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

size_t ike_child_offer_format(const struct ike_conf *f, size_t index, char *out, size_t n)
{
    const struct ike_proposals *main = f->child_proposals[index], *around = f->child_around[index];
    const bool compress = f->s.children[index].compress, several = around || compress || main->protocol == IKE_PROTO_AH;
    char m[200], a[100] = "";
    ike_proposals_format(main, m, sizeof m);
    if (around) {
        ike_proposals_format(around, a, sizeof a);
    }
    int len = snprintf(out, n, "%s%s%s%s%s%s", around ? "AH " : "", a, around ? " + " : "",
                       !several                         ? ""
                       : main->protocol == IKE_PROTO_AH ? "AH "
                                                        : "ESP ",
                       m, compress ? " + deflate" : "");
    return len < 0 ? 0 : (size_t)len;
}

static bool text_same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* In order; octets behind an IPv4 address do not count. */
static bool ts_same(const ike_ts *a, size_t n, const ike_ts *b, size_t m)
{
    if (n != m) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        size_t len = a[i].family == 4 ? 4 : 16;
        if (a[i].family != b[i].family || a[i].proto != b[i].proto || a[i].port_lo != b[i].port_lo ||
            a[i].port_hi != b[i].port_hi || memcmp(a[i].lo, b[i].lo, len) != 0 || memcmp(a[i].hi, b[i].hi, len) != 0) {
            return false;
        }
    }
    return true;
}

/* Lifetimes and the start action are left out: they can change under a child that is up, what it was negotiated for cannot. */
bool ike_child_settings_same(const ike_child_settings *a, const ike_child_settings *b)
{
    return text_same(a->proposals, b->proposals) && text_same(a->ah_proposals, b->ah_proposals) && a->compress == b->compress &&
           a->mode == b->mode && a->mark == b->mark && a->if_id == b->if_id && a->replay_window == b->replay_window &&
           ts_same(a->local_ts, a->n_local_ts, b->local_ts, b->n_local_ts) &&
           ts_same(a->remote_ts, a->n_remote_ts, b->remote_ts, b->n_remote_ts);
}

/* Whole octets, then the bits of one more. `bits` is no longer than the address. */
static bool prefix_match(const ike_addr *want, const ike_addr *is, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (want->family != is->family || memcmp(want->ip, is->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || (want->ip[whole] ^ is->ip[whole]) >> (8 - rest) == 0;
}

/* With the number the caller picks the most specific connection, whatever order they were added in. */
unsigned ike_conf_address_fit(const struct ike_conf *f, const ike_addr *remote, const ike_path *path)
{
    const ike_conn_settings *s = &f->s;
    if (s->local.family && !ike_addr_same_ip(&s->local, &path->local)) {
        return 0;
    }
    /* A name that is not resolved yet must not match every peer. */
    if (!remote->family) {
        return s->remote_unresolved ? 0 : 1;
    }
    unsigned full = remote->family == 4 ? 32 : 128;
    unsigned bits = s->remote_bits && s->remote_bits < full ? s->remote_bits : full;
    return prefix_match(remote, &path->remote, bits) ? 2 + bits : 0;
}

/* The address is a poor identity behind a NAT, where it is not what the peer sees; but it needs no configuration. */
ike_id ike_conf_local_id(const struct ike_conf *f, const ike_path *path, uint8_t buf[16])
{
    if (f->s.local_id.type != IKE_ID_NONE) {
        return f->s.local_id;
    }
    bool v6 = path->local.family == 6;
    memcpy(buf, path->local.ip, 16);
    return (ike_id){v6 ? IKE_ID_IPV6_ADDR : IKE_ID_IPV4_ADDR, {buf, v6 ? 16 : 4}};
}

/* ASCII only: other scripts come in their ASCII form in a DNS name. */
static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c; }

/* Names compare without case (RFC 7296 section 3.5 leaves FQDN as domain names); all else octet by octet. */
bool ike_id_equal(const ike_id *a, const ike_id *b)
{
    if (a->type != b->type || a->data.len != b->data.len) {
        return false;
    }
    bool fold = a->type == IKE_ID_FQDN || a->type == IKE_ID_RFC822_ADDR;
    for (size_t i = 0; i < a->data.len; i++) {
        uint8_t x = a->data.ptr[i], y = b->data.ptr[i];
        if (fold ? lower(x) != lower(y) : x != y) {
            return false;
        }
    }
    return true;
}

/* Zones are not compared: a peer's zone number is of no meaning to us, and ours is the path's. */
bool ike_addr_same_ip(const ike_addr *a, const ike_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

bool ike_addr_equal(const ike_addr *a, const ike_addr *b) { return ike_addr_same_ip(a, b) && a->port == b->port; }

/* The interface is not compared: the host may number it as it likes. */
bool ike_path_equal(const ike_path *a, const ike_path *b)
{
    return ike_addr_equal(&a->local, &b->local) && ike_addr_equal(&a->remote, &b->remote) && a->encap == b->encap &&
           a->stream == b->stream;
}
