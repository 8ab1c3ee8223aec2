/* SPDX-License-Identifier: ISC
 *
 * Records of IKE SAs. All numbers are big-endian.
 *
 *     "ikeS", version
 *     the fields of the SA
 *     its connection's name; both identities; its keys; the answer to the last request, as datagrams
 *     the children: each its name, its fields, selectors, what it has besides, keys
 *
 * Names, identities and datagrams stand behind their length; the last child is where the record ends. Times are written as how
 * long ago or how long from now, for the clock of another engine begins elsewhere.
 */
#include "sa/record.h"

#define MAGIC   UINT32_C(0x696b6553)
#define VERSION 1

/* ---- Fields ------------------------------------------------------------------------------------------------------------- */

enum as { NUMBER, FLAG, OCTETS, AGO, AHEAD };

struct field {
    uint16_t at;
    uint8_t size, as;
};
#define F(type, member, as)                                                                                                      \
    {                                                                                                                            \
        offsetof(struct type, member), sizeof(((struct type *)0)->member), as                                                    \
    }
#define ADDRESS(type, member)                                                                                                    \
    F(type, member.family, NUMBER), F(type, member.ip, OCTETS), F(type, member.port, NUMBER), F(type, member.scope, NUMBER)
#define PATH(type)                                                                                                               \
    ADDRESS(type, path.local), ADDRESS(type, path.remote), F(type, path.ifindex, NUMBER), F(type, path.stream, NUMBER),          \
        F(type, path.encap, NUMBER)
#define SUITE(type)                                                                                                              \
    F(type, suite.protocol, NUMBER), F(type, suite.encr, NUMBER), F(type, suite.encr_bits, NUMBER), F(type, suite.prf, NUMBER),  \
        F(type, suite.integ, NUMBER), F(type, suite.ke, NUMBER), F(type, suite.esn, NUMBER)

static const struct field of_sa[] = {
    F(ike_sa, initiator, FLAG),     F(ike_sa, nat_local, FLAG),   F(ike_sa, nat_remote, FLAG),    F(ike_sa, no_nat_t, FLAG),
    F(ike_sa, ours_fake_nat, FLAG), F(ike_sa, spi_i, NUMBER),     F(ike_sa, spi_r, NUMBER),       SUITE(ike_sa),
    F(ike_sa, window, NUMBER),      F(ike_sa, own_mid, NUMBER),   F(ike_sa, peer_mid, NUMBER),    PATH(ike_sa),
    F(ike_sa, created, AGO),        F(ike_sa, established, AGO),  F(ike_sa, last_in, AGO),        F(ike_sa, last_out, AGO),
    F(ike_sa, rekey_at, AHEAD),     F(ike_sa, expires_at, AHEAD), F(ike_sa, answer_until, AHEAD),
};

static const struct field of_child[] = {
    F(ike_child, n_local, NUMBER),
    F(ike_child, n_remote, NUMBER),
    F(ike_child, n_beside, NUMBER),
    F(ike_child, key_e, NUMBER),
    F(ike_child, key_a, NUMBER),
    F(ike_child, initiator, FLAG),
    F(ike_child, udp_encap, FLAG),
    F(ike_child, narrowed, FLAG),
    F(ike_child, mode, NUMBER),
    F(ike_child, early_pct, NUMBER),
    SUITE(ike_child),
    F(ike_child, spi_in, NUMBER),
    F(ike_child, spi_out, NUMBER),
    F(ike_child, reqid, NUMBER),
    F(ike_child, life_s, NUMBER),
    F(ike_child, life_kb, NUMBER),
    PATH(ike_child),
    F(ike_child, established, AGO),
    F(ike_child, rekey_at, AHEAD),
    F(ike_child, expires_at, AHEAD),
};

static const struct field of_ts[] = {
    F(ike_ts, family, NUMBER),  F(ike_ts, proto, NUMBER), F(ike_ts, port_lo, NUMBER),
    F(ike_ts, port_hi, NUMBER), F(ike_ts, lo, OCTETS),    F(ike_ts, hi, OCTETS),
};

static const struct field of_beside[] = {
    SUITE(ike_beside),
    F(ike_beside, spi_in, NUMBER),
    F(ike_beside, spi_out, NUMBER),
    F(ike_beside, key_a, NUMBER),
};

static uint64_t load(const void *p, size_t size)
{
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    switch (size) {
    case 1:
        return memcpy(&a, p, size), a;
    case 2:
        return memcpy(&b, p, size), b;
    case 4:
        return memcpy(&c, p, size), c;
    default:
        return memcpy(&d, p, sizeof d), d;
    }
}

static void store(void *p, size_t size, uint64_t v)
{
    const uint8_t a = (uint8_t)v;
    const uint16_t b = (uint16_t)v;
    const uint32_t c = (uint32_t)v;
    memcpy(p, size == 1 ? &a : size == 2 ? (const void *)&b : size == 4 ? (const void *)&c : (const void *)&v, size);
}

/* ---- Writing ------------------------------------------------------------------------------------------------------------ */

/* Counts on when it is full. */
struct out {
    uint8_t *p;
    size_t cap, len;
    ike_time now;
};

static void put(struct out *o, const void *p, size_t n)
{
    if (n && o->len <= o->cap && n <= o->cap - o->len) {
        memcpy(o->p + o->len, p, n);
    } else if (n) {
        o->cap = 0; /* nothing behind what is missing */
    }
    o->len += n;
}

static void put_number(struct out *o, uint64_t v, size_t size)
{
    uint8_t raw[8];
    ike_store64(raw, v);
    put(o, raw + 8 - size, size);
}

static void put_bytes(struct out *o, ike_bytes b, size_t size)
{
    put_number(o, b.len, size);
    put(o, b.ptr, b.len);
}

static void put_text(struct out *o, const char *text) { put_bytes(o, ike_bytes_of(text, strlen(text)), 1); }

static void put_id(struct out *o, const ike_id *id)
{
    put_number(o, id->type, 1);
    put_bytes(o, id->data, 2);
}

static void put_fields(struct out *o, const void *from, const struct field *f, size_t n)
{
    for (; n; n--, f++) {
        const uint8_t *p = (const uint8_t *)from + f->at;
        if (f->as == OCTETS) {
            put(o, p, f->size);
            continue;
        }
        uint64_t v = load(p, f->size);
        if (f->as == AGO) {
            v = v < o->now ? o->now - v : 0;
        } else if (f->as == AHEAD && v != IKE_NEVER) {
            v = v > o->now ? v - o->now : 0;
        }
        put_number(o, v, f->size);
    }
}
#define PUT(o, from, table) put_fields(o, from, table, IKE_COUNT(table))

static size_t key_octets(const struct ike_child_parts *p)
{
    size_t n = (size_t)p->key_e + p->key_a;
    for (size_t i = 0; i < p->n_beside; i++) {
        n += p->beside[i].key_a;
    }
    return 2 * n;
}

static void put_child(struct out *o, struct ike_child *k)
{
    const struct ike_child_parts p = {
        .key_e = k->key_e, .key_a = k->key_a, .beside = ike_child_beside(k), .n_beside = ike_child_n_beside(k)};
    put_text(o, ike_child_conf(k)->name);
    PUT(o, k, of_child);
    for (size_t i = 0; i < (size_t)k->n_local + k->n_remote; i++) {
        PUT(o, &ike_child_local(k)[i], of_ts);
    }
    for (size_t i = 0; i < p.n_beside; i++) {
        PUT(o, &p.beside[i], of_beside);
    }
    put(o, ike_child_keys(k, true), key_octets(&p));
}

static bool child_ready(const struct ike_child *k)
{
    return k->state == IKE_CHILD_INSTALLED && k->in_installed && k->out_installed && !k->rekeyed && !k->contested && !k->late_add;
}

bool ike_record_ready(const struct ike_sa *sa)
{
    bool ready = sa->state == IKE_SA_ESTABLISHED && sa->peer && !sa->setup && !sa->replaced_by && !sa->answering &&
                 sa->yield_at == IKE_NEVER && ike_list_empty(&sa->outstanding) && ike_list_empty(&sa->tasks);
    for (struct ike_list *it = ready ? sa->peer->children.next : NULL; it && it != &sa->peer->children; it = it->next) {
        const struct ike_child *k = IKE_OF(it, struct ike_child, link);
        ready &= k->sa != sa->id || child_ready(k);
    }
    return ready;
}

size_t ike_record_put(const struct ike_sa *sa, ike_time now, uint8_t *out, size_t cap)
{
    struct out o = {.p = out, .cap = cap, .now = now};
    uint16_t parts = 0;
    for (const struct ike_sent *s = sa->answer; s; s = s->next) {
        parts++;
    }
    put_number(&o, MAGIC, 4);
    put_number(&o, VERSION, 1);
    PUT(&o, sa, of_sa);
    put_text(&o, sa->conf->s.name);
    put_id(&o, &sa->peer->local_id);
    put_id(&o, &sa->peer->remote_id);
    put_bytes(&o, ike_bytes_of(sa->keys, ike_key_kept(&sa->layout)), 2);
    put_number(&o, parts, 2);
    for (const struct ike_sent *s = sa->answer; s; s = s->next) {
        put_bytes(&o, ike_bytes_of(s->data, s->len), 4);
    }
    IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
        if (k->sa == sa->id) {
            put_child(&o, k);
        }
    }
    return o.len;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------ */

static uint64_t get_number(struct ike_rd *rd, size_t size)
{
    uint64_t v = 0;
    const uint8_t *p = ike_rd_take(rd, size);
    for (size_t i = 0; p && i < size; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

static ike_bytes get_bytes(struct ike_rd *rd, size_t size)
{
    size_t n = (size_t)get_number(rd, size);
    return ike_bytes_of(ike_rd_take(rd, n), n);
}

static ike_id get_id(struct ike_rd *rd)
{
    ike_id id = {.type = ike_rd_u8(rd)};
    id.data = get_bytes(rd, 2);
    return id;
}

/* In the reader's clock. 0 would be "not yet". */
static ike_time then(const struct ike_record *r, uint64_t ago)
{
    ike_time back = ago < IKE_NEVER - r->age ? ago + r->age : IKE_NEVER;
    return back < r->now ? r->now - back : 1;
}

static ike_time due(const struct ike_record *r, uint64_t ahead)
{
    uint64_t left = ahead > r->age ? ahead - r->age : 0;
    return ahead == IKE_NEVER || left > IKE_NEVER - 1 - r->now ? IKE_NEVER : r->now + left;
}

/* false: a flag that is none. What is missing reads as 0 and leaves the reader bad. */
static bool get_fields(const struct ike_record *r, struct ike_rd *rd, void *to, const struct field *f, size_t n)
{
    bool good = true;
    for (; n; n--, f++) {
        uint8_t *p = (uint8_t *)to + f->at;
        if (f->as == OCTETS) {
            const uint8_t *octets = ike_rd_take(rd, f->size);
            memcpy(p, octets ? octets : p, octets ? f->size : 0);
            continue;
        }
        uint64_t v = get_number(rd, f->size);
        good &= f->as != FLAG || v <= 1;
        v = f->as == FLAG ? v & 1 : f->as == AGO ? then(r, v) : f->as == AHEAD ? due(r, v) : v;
        store(p, f->size, v);
    }
    return good && !rd->bad;
}
#define GET(r, rd, to, table) get_fields(r, rd, to, table, IKE_COUNT(table))

static size_t octets_of(const struct field *f, size_t n)
{
    size_t sum = 0;
    for (; n; n--, f++) {
        sum += f->size;
    }
    return sum;
}

int ike_record_open(struct ike_record *r, const uint8_t *p, size_t n, ike_time age, ike_time now)
{
    struct ike_rd rd = ike_rd(p, n);
    *r = (struct ike_record){.now = now, .age = age};
    if (ike_rd_u32(&rd) != MAGIC) {
        return IKE_ERR_INVALID;
    }
    if (ike_rd_u8(&rd) != VERSION) {
        return rd.bad ? IKE_ERR_INVALID : IKE_ERR_UNSUPPORTED;
    }
    r->sa = ike_rd_sub(&rd, octets_of(of_sa, IKE_COUNT(of_sa)));
    r->conn = get_bytes(&rd, 1);
    r->local_id = get_id(&rd);
    r->remote_id = get_id(&rd);
    r->keys = get_bytes(&rd, 2);
    unsigned parts = ike_rd_u16(&rd);
    r->answer = rd;
    for (; parts && !rd.bad; parts--) {
        (void)get_bytes(&rd, 4);
    }
    r->answer.left -= rd.left;
    r->children = rd;
    return rd.bad ? IKE_ERR_INVALID : IKE_OK;
}

static bool is_address(const ike_addr *a) { return a->family == 4 || a->family == 6; }
static bool is_path(const ike_path *p) { return is_address(&p->local) && is_address(&p->remote) && p->encap <= 1; }

int ike_record_sa(const struct ike_record *r, struct ike_sa *sa)
{
    struct ike_rd rd = r->sa;
    bool good = GET(r, &rd, sa, of_sa) && is_path(&sa->path) && sa->spi_i && sa->spi_r && sa->window;
    return good ? IKE_OK : IKE_ERR_INVALID;
}

static bool get_ts(const struct ike_record *r, struct ike_rd *rd, size_t n, struct ike_ts_list *to)
{
    bool good = n && n <= IKE_TS_MAX;
    for (to->n = 0; good && to->n < n; to->n++) {
        ike_ts *ts = &to->ts[to->n];
        good = GET(r, rd, ts, of_ts) && (ts->family == 4 || ts->family == 6);
    }
    return good;
}

int ike_record_child(struct ike_record *r, struct ike_record_child *out)
{
    struct ike_rd *rd = &r->children;
    struct ike_child k;
    if (ike_rd_done(rd)) {
        return IKE_ERR_NOT_FOUND;
    }
    memset(&k, 0, sizeof k);
    out->name = get_bytes(rd, 1);
    out->values = *rd;
    bool good = GET(r, rd, &k, of_child) && is_path(&k.path) && k.mode <= IKE_MODE_TRANSPORT && k.spi_in && k.spi_out && k.reqid;
    good = good && k.key_e <= IKE_KEY_MAX && k.key_a <= IKE_HASH_MAX && k.n_beside <= IKE_BESIDE_MAX;
    good = good && (k.suite.protocol == IKE_PROTO_ESP || k.suite.protocol == IKE_PROTO_AH);
    good = good && get_ts(r, rd, k.n_local, out->local) && get_ts(r, rd, k.n_remote, out->remote);
    for (size_t i = 0; good && i < k.n_beside; i++) {
        struct ike_beside *b = &out->beside[i];
        memset(b, 0, sizeof *b);
        good = GET(r, rd, b, of_beside) && b->key_a <= IKE_HASH_MAX;
    }
    if (!good) {
        return IKE_ERR_INVALID;
    }
    if (!IKE_WITH_BUNDLES && (k.n_beside || k.mode != IKE_MODE_TUNNEL || k.suite.protocol != IKE_PROTO_ESP)) {
        return IKE_ERR_UNSUPPORTED; /* there is no room for it in a child */
    }
    out->parts = (struct ike_child_parts){.local = out->local->ts,
                                          .remote = out->remote->ts,
                                          .n_local = k.n_local,
                                          .n_remote = k.n_remote,
                                          .key_e = k.key_e,
                                          .key_a = k.key_a,
                                          .beside = out->beside,
                                          .n_beside = k.n_beside};
    size_t n = key_octets(&out->parts);
    out->keys = ike_bytes_of(ike_rd_take(rd, n), n);
    return rd->bad ? IKE_ERR_INVALID : IKE_OK;
}

void ike_record_values(const struct ike_record *r, const struct ike_record_child *in, struct ike_child *k)
{
    struct ike_rd rd = in->values;
    (void)GET(r, &rd, k, of_child); /* it has been read once, and was good */
}

void ike_record_fill(const struct ike_record *r, const struct ike_record_child *in, struct ike_child *k)
{
    ike_record_values(r, in, k);
    if (in->keys.len) {
        memcpy(ike_child_keys(k, true), in->keys.ptr, in->keys.len);
    }
}
