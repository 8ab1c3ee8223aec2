/* SPDX-License-Identifier: ISC
 *
 * The simulated kernel of a host: SPIs and SAs as the engine's data-plane hooks make them, and packets through them. What a real
 * kernel would refuse or silently get wrong breaks an invariant here.
 */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

static void name_of(const struct sim_host *h, uint32_t spi, char out[16]) { sim_spi_name(h->sim, spi, out, 16); }

static struct sim_ksa **place(struct sim_host *h, bool inbound, uint32_t spi)
{
    struct sim_ksa **at = &h->kernel.list;
    while (*at && !((*at)->inbound == inbound && (*at)->spi == spi)) {
        at = &(*at)->next;
    }
    return at;
}

struct sim_ksa *sim_kernel_find(const struct sim_host *h, bool inbound, uint32_t spi)
{
    struct sim_ksa *k = h->kernel.list;
    while (k && !(k->inbound == inbound && k->spi == spi)) {
        k = k->next;
    }
    return k;
}

static struct sim_ksa *push(struct sim_host *h)
{
    struct sim_ksa *k = sim_alloc(sizeof *k);
    k->next = h->kernel.list;
    h->kernel.list = k;
    return k;
}

static void drop(struct sim_ksa **at)
{
    struct sim_ksa *k = *at;
    *at = k->next;
    free(k);
}

void sim_kernel_clear(struct sim_host *h)
{
    while (h->kernel.list) {
        drop(&h->kernel.list);
    }
}

void sim_kernel_orphan(struct sim_host *h)
{
    for (struct sim_ksa **at = &h->kernel.list; *at;) {
        (*at)->child = 0;
        if ((*at)->state == SIM_INSTALLED) {
            at = &(*at)->next;
        } else {
            drop(at);
        }
    }
}

void sim_kernel_unclaimed(struct sim_host *h)
{
    for (struct sim_ksa **at = &h->kernel.list; *at;) {
        if ((*at)->child || (*at)->state == SIM_RESERVED) {
            at = &(*at)->next;
        } else {
            drop(at);
        }
    }
}

/* ---- SPIs ------------------------------------------------------------------------------------------------------------- */

/* A CPI has 16 bits. */
int sim_kernel_spi(struct sim_host *h, uint8_t protocol, uint32_t *spi)
{
    struct sim_ksa *k = push(h);
    k->state = SIM_RESERVED;
    k->inbound = true;
    k->protocol = protocol;
    h->kernel.next_spi++;
    k->spi = *spi = protocol == IKE_PROTO_IPCOMP ? 256 + h->kernel.next_spi % 0x8000 : (h->index + 1) << 24 | h->kernel.next_spi;
    return IKE_OK;
}

static int get_spi(void *user, ike_token t, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    struct sim_host *h = user;
    struct sim_question *q;
    if (protocol < IKE_PROTO_AH || protocol > IKE_PROTO_IPCOMP || reqid == 0 || path->remote.family == 0) {
        sim_break(h->sim, "%s: get_spi with protocol %u, reqid %u, family %u", h->name, (unsigned)protocol, (unsigned)reqid,
                  (unsigned)path->remote.family);
    }
    int r = sim_ask(h, SIM_ASK_SPI, t, &q);
    if (q) {
        q->protocol = protocol;
    }
    return r == IKE_OK ? sim_kernel_spi(h, protocol, spi) : r;
}

static void put_spi(void *user, const ike_path *path, uint8_t protocol, uint32_t spi)
{
    struct sim_host *h = user;
    struct sim_ksa **at = place(h, true, spi);
    char name[16];
    (void)path;
    if (h->leaving) {
        return;
    }
    sim_pry(h);
    name_of(h, spi, name);
    if (!*at || (*at)->state != SIM_RESERVED || (*at)->protocol != protocol) {
        sim_break(h->sim, "%s: put_spi of %s, which is %s", h->name, name, *at ? "an SA" : "not reserved");
        return;
    }
    sim_trace(h->sim, h, "kernel: give back %s", name);
    drop(at);
}

/* ---- What it can carry ------------------------------------------------------------------------------------------------ */

static bool lacks(const struct sim_host *h, uint8_t type, uint16_t id, uint16_t bits)
{
    for (const char *s = h->lacks, *end; (end = strchr(s, ' ')); s = end + 1) {
        uint8_t t;
        uint16_t i, b;
        if (ike_keyword_transform(s, (size_t)(end - s), &t, &i, &b) == IKE_OK && t == type && i == id && b == bits) {
            return true;
        }
    }
    return false;
}

static bool carries(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    (void)family;
    struct sim_host *h = user;
    sim_pry(h);
    if (protocol != IKE_PROTO_ESP && protocol != IKE_PROTO_AH) {
        sim_break(h->sim, "%s: asked what protocol %u carries", h->name, (unsigned)protocol);
    }
    return !lacks(h, type, id, bits);
}

static bool carried(const struct sim_host *h, const ike_ipsec_sa *sa)
{
    return sa->protocol == IKE_PROTO_IPCOMP ||
           (!lacks(h, 1, sa->encr, sa->encr_bits) && !lacks(h, 3, sa->integ, 0) && !lacks(h, 5, sa->esn, 0));
}

/* ---- SAs -------------------------------------------------------------------------------------------------------------- */

static void copy_bytes(uint8_t *to, size_t cap, size_t *len, ike_bytes from)
{
    *len = from.len < cap ? from.len : cap;
    if (*len) {
        memcpy(to, from.ptr, *len);
    }
}

/* ESP, or AH that is alone: what is known under the child's SPI. */
static const ike_ipsec_sa *main_of(const ike_ipsec_sa *sa)
{
    while (sa->inner && sa->inner->protocol != IKE_PROTO_IPCOMP) {
        sa = sa->inner;
    }
    return sa;
}

static void copy_beside(struct sim_ksa *k, const ike_ipsec_sa *list)
{
    for (const ike_ipsec_sa *sa = list; sa; sa = sa->inner) {
        if (sa != main_of(list) && k->n_beside < SIM_COUNT(k->beside)) {
            struct sim_beside *b = &k->beside[k->n_beside++];
            *b = (struct sim_beside){
                .protocol = sa->protocol, .esn = sa->esn, .integ = sa->integ, .spi = sa->spi, .peer_spi = sa->peer_spi};
            copy_bytes(b->key, sizeof b->key, &b->key_len, sa->integ_key);
        }
        k->mode = sa->mode;
    }
}

static void copy_sa(struct sim_ksa *k, const ike_ipsec_sa *sa)
{
    k->inbound = sa->inbound;
    k->esn = sa->esn;
    k->udp_encap = sa->udp_encap;
    k->rekey = sa->rekey;
    k->protocol = sa->protocol;
    k->spi = sa->spi;
    k->peer_spi = sa->peer_spi;
    k->reqid = sa->reqid;
    k->child = sa->child;
    k->path = sa->path;
    k->encr = sa->encr;
    k->encr_bits = sa->encr_bits;
    k->integ = sa->integ;
    copy_bytes(k->key, sizeof k->key, &k->key_len, sa->encr_key);
    copy_bytes(k->integ_key, sizeof k->integ_key, &k->integ_key_len, sa->integ_key);
    k->n_local = sa->n_local_ts < SIM_TS ? sa->n_local_ts : SIM_TS;
    k->n_remote = sa->n_remote_ts < SIM_TS ? sa->n_remote_ts : SIM_TS;
    memcpy(k->local, sa->local_ts, k->n_local * sizeof *k->local);
    memcpy(k->remote, sa->remote_ts, k->n_remote * sizeof *k->remote);
    k->soft_bytes = sa->soft_bytes;
    k->hard_bytes = sa->hard_bytes;
    k->soft_packets = sa->soft_packets;
    k->hard_packets = sa->hard_packets;
}

static const char *nonsense(const ike_ipsec_sa *sa)
{
    if (sa->protocol == IKE_PROTO_IPCOMP) {
        return sa->spi < 256 || sa->spi > 61439 ? "no CPI" : sa->encr || sa->integ || sa->inner ? "an IPComp that is none" : NULL;
    }
    return sa->spi < 256                                               ? "SPI below 256"
           : sa->inner && sa->mode != IKE_MODE_TRANSPORT               ? "two tunnels"
           : sa->reqid == 0                                            ? "no reqid"
           : sa->child == 0 || !sa->conn_name || !sa->child_name       ? "no child"
           : sa->encr_key.len + sa->integ_key.len == 0                 ? "no key"
           : (sa->protocol == IKE_PROTO_AH) != (sa->encr == 0)         ? "not the algorithms of its protocol"
           : sa->n_local_ts == 0 || sa->n_remote_ts == 0               ? "no selectors"
           : sa->path.local.family == 0 || sa->path.remote.family == 0 ? "no addresses"
                                                                       : NULL;
}

/* All of a list has been reserved, or is new. */
static const char *wrong(const struct sim_host *h, const ike_ipsec_sa *list)
{
    const char *bad = NULL;
    for (const ike_ipsec_sa *sa = list; sa && !bad; sa = sa->inner) {
        const struct sim_ksa *k = sim_kernel_find(h, sa->inbound, sa->spi);
        bad = nonsense(sa);
        if (!bad && sa->udp_encap && !sa->path.encap && !h->sim->hostile && !h->sim->init_spoiled) {
            bad = "ESP in UDP on a port without marker";
        }
        if (!bad && sa->inbound && (!k || k->state != SIM_RESERVED || k->protocol != sa->protocol)) {
            bad = "its SPI is not reserved";
        }
        bad = bad || carried(h, sa) ? bad : "it was said not to be carried";
    }
    return bad;
}

static void trace_add(struct sim_host *h, const ike_ipsec_sa *list)
{
    const ike_ipsec_sa *sa = main_of(list);
    char local[64], remote[64], name[16];
    name_of(h, sa->spi, name);
    ike_ts_format(&sa->local_ts[0], local, sizeof local);
    ike_ts_format(&sa->remote_ts[0], remote, sizeof remote);
    const struct sim_ksa *k = sim_kernel_find(h, sa->inbound, sa->spi);
    sim_trace(h->sim, h, "kernel: add %s %s %s/%s %s%s == %s%s%s%s%s%s%s%s", sa->inbound ? "in" : "out", name, sa->conn_name,
              sa->child_name, local, sa->n_local_ts > 1 ? " ..." : "", remote, sa->n_remote_ts > 1 ? " ..." : "",
              list->protocol == IKE_PROTO_AH ? " ah" : "", list != sa ? " + esp" : "", sa->inner ? " + ipcomp" : "",
              k->mode == IKE_MODE_TRANSPORT ? " transport" : "", sa->esn ? " esn" : "", sa->udp_encap ? " udp" : "");
}

static int add(void *user, ike_token t, const ike_ipsec_sa *list)
{
    struct sim_host *h = user;
    const ike_ipsec_sa *sa = main_of(list);
    char name[16];
    name_of(h, sa->spi, name);
    const char *dir = sa->inbound ? "in" : "out", *bad = h->engine ? wrong(h, list) : "its engine is freed";
    struct sim_ksa *k = sim_kernel_find(h, sa->inbound, sa->spi);
    if (!bad && !sa->inbound && k && h->sim->hostile) {
        return IKE_ERR_HOST; /* a peer may name one SPI twice; no kernel takes it */
    }
    if (bad || (!sa->inbound && k)) {
        sim_break(h->sim, "%s: add %s %s: %s", h->name, dir, name, bad ? bad : "it is there");
        return IKE_ERR_HOST;
    }
    struct sim_question *q;
    int r = sim_ask(h, SIM_ASK_ADD, t, &q);
    if (r < 0) {
        sim_trace(h->sim, h, "kernel: refuse %s %s", dir, name);
        return r;
    }
    for (const ike_ipsec_sa *at = list; sa->inbound && at; at = at->inner) { /* to the front: the newest */
        drop(place(h, true, at->spi));
    }
    k = push(h);
    copy_sa(k, sa);
    copy_beside(k, list);
    k->token = t;
    k->state = r == IKE_PENDING ? SIM_ADDING : SIM_INSTALLED;
    h->kernel.added++;
    trace_add(h, list);
    return r;
}

void sim_kernel_answer(struct sim_host *h, ike_token t, bool ok)
{
    for (struct sim_ksa **at = &h->kernel.list; *at; at = &(*at)->next) {
        struct sim_ksa *k = *at;
        if (k->state != SIM_ADDING || k->token != t) {
            continue;
        }
        if (ok) {
            k->state = SIM_INSTALLED;
        } else if (k->inbound) {
            k->state = SIM_RESERVED;
            for (; k->n_beside; k->n_beside--) { /* reserved as well, as before */
                struct sim_ksa *r = push(h);
                r->state = SIM_RESERVED;
                r->inbound = true;
                r->protocol = k->beside[k->n_beside - 1].protocol;
                r->spi = k->beside[k->n_beside - 1].spi;
            }
        } else {
            drop(at);
        }
        return;
    }
}

static bool same_addr(const ike_addr *a, const ike_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->port == b->port;
}

/* What a hook is about, and its name. NULL: it is not there. */
static struct sim_ksa *meant(struct sim_host *h, const ike_ipsec_sa *sa, char name[16])
{
    sim_pry(h);
    name_of(h, sa->spi, name);
    return sim_kernel_find(h, sa->inbound, sa->spi);
}

static int move(void *user, const ike_ipsec_sa *list, const ike_path *old)
{
    struct sim_host *h = user;
    const ike_ipsec_sa *sa = main_of(list);
    char name[16];
    struct sim_ksa *k = meant(h, sa, name);
    if (!k || k->state == SIM_RESERVED) {
        sim_break(h->sim, "%s: move of %s, which is no SA", h->name, name);
        return IKE_ERR_NOT_FOUND;
    }
    if (!same_addr(&k->path.remote, &old->remote) || !same_addr(&k->path.local, &old->local)) {
        sim_break(h->sim, "%s: move of %s from a path it is not on", h->name, name);
    }
    sim_trace(h->sim, h, "kernel: move %s %s", sa->inbound ? "in" : "out", name);
    k->path = sa->path;
    k->udp_encap = sa->udp_encap;
    return IKE_OK;
}

static void take_out(void *user, const ike_ipsec_sa *list)
{
    struct sim_host *h = user;
    const ike_ipsec_sa *sa = main_of(list);
    struct sim_ksa **at = place(h, sa->inbound, sa->spi);
    char name[16];
    if (h->leaving) {
        return;
    }
    sim_pry(h);
    name_of(h, sa->spi, name);
    if (!*at || (*at)->state == SIM_RESERVED || (*at)->child != sa->child) {
        sim_break(h->sim, "%s: remove %s %s, which is %s", h->name, sa->inbound ? "in" : "out", name,
                  !*at                           ? "not there"
                  : (*at)->state == SIM_RESERVED ? "only reserved"
                                                 : "another child's");
        return;
    }
    sim_trace(h->sim, h, "kernel: remove %s %s", sa->inbound ? "in" : "out", name);
    h->kernel.removed++;
    drop(at);
}

static bool same_bytes(const uint8_t *a, size_t n, ike_bytes b) { return n == b.len && (n == 0 || memcmp(a, b.ptr, n) == 0); }

/* Word for word what was installed: the record has lost nothing. */
static int adopt(void *user, const ike_ipsec_sa *list)
{
    struct sim_host *h = user;
    const ike_ipsec_sa *sa = main_of(list);
    char name[16];
    struct sim_ksa *k = meant(h, sa, name);
    if (!k || k->state != SIM_INSTALLED || k->child) {
        return IKE_ERR_NOT_FOUND;
    }
    if (k->peer_spi != sa->peer_spi || k->reqid != sa->reqid || k->protocol != sa->protocol || k->encr != sa->encr ||
        k->encr_bits != sa->encr_bits || k->integ != sa->integ || k->esn != sa->esn || k->udp_encap != sa->udp_encap ||
        k->n_local != sa->n_local_ts || k->n_remote != sa->n_remote_ts || !same_bytes(k->key, k->key_len, sa->encr_key) ||
        !same_bytes(k->integ_key, k->integ_key_len, sa->integ_key) || !same_addr(&k->path.remote, &sa->path.remote) ||
        !same_addr(&k->path.local, &sa->path.local)) {
        sim_break(h->sim, "%s: adopts %s as another than it was", h->name, name);
    }
    sim_trace(h->sim, h, "kernel: adopt %s %s", sa->inbound ? "in" : "out", name);
    k->child = sa->child;
    return IKE_OK;
}

static int query(void *user, const ike_ipsec_sa *list, ike_usage *out)
{
    struct sim_host *h = user;
    const ike_ipsec_sa *sa = main_of(list);
    const struct sim_ksa *k = sim_kernel_find(h, sa->inbound, sa->spi);
    sim_count_call(h->sim);
    if (!k || k->state != SIM_INSTALLED) {
        return IKE_ERR_NOT_FOUND;
    }
    *out = k->usage;
    return IKE_OK;
}

/* Each once, and gone once. */
static void address(void *user, ike_conn_id conn, const ike_addr *a, bool there)
{
    struct sim_host *h = user;
    char text[64];
    unsigned i = 0;
    sim_pry(h);
    ike_addr_format(a, false, text, sizeof text);
    sim_trace(h->sim, h, "address %s %s", text, there ? "is ours" : "is ours no more");
    while (i < SIM_INNER && (there ? h->inner[i].family : memcmp(&h->inner[i], a, sizeof *a)) != 0) {
        i++;
    }
    if (i == SIM_INNER || conn == 0 || a->family == 0) {
        sim_break(h->sim, "%s: the address %s is %s", h->name, text, there ? "one too many" : "not there");
        return;
    }
    h->inner[i] = there ? *a : (ike_addr){0};
}

/* When nothing is left that could use them. */
void sim_kernel_addresses(struct sim_host *h)
{
    for (unsigned i = 0; i < SIM_INNER; i++) {
        if (h->inner[i].family || h->leased[i]) {
            sim_break(h->sim, "%s: an address inside the tunnel is left over", h->name);
        }
    }
}

void sim_kernel_hooks(ike_host *host)
{
    host->sadb.address = address;
    host->sadb.get_spi = get_spi;
    host->sadb.put_spi = put_spi;
    host->sadb.add = add;
    host->sadb.move = move;
    host->sadb.remove = take_out;
    host->sadb.query = query;
    host->sadb.carries = carries;
    host->sadb.adopt = adopt;
}

/* ---- Packets ---------------------------------------------------------------------------------------------------------- */

/* Whether the addresses, protocol and ports of p (a range) lie in one of n selectors. */
static bool inside(const ike_ts *p, const ike_ts *ts, size_t n)
{
    size_t len = p->family == 6 ? 16 : 4;
    for (size_t i = 0; i < n; i++) {
        if (ts[i].family == p->family && (ts[i].proto == 0 || ts[i].proto == p->proto) && memcmp(ts[i].lo, p->lo, len) <= 0 &&
            memcmp(p->hi, ts[i].hi, len) <= 0 && ts[i].port_lo <= p->port_lo && p->port_hi <= ts[i].port_hi) {
            return true;
        }
    }
    return false;
}

/* The newest outbound SA for a packet. */
static struct sim_ksa *route(const struct sim_host *a, const struct sim_host *b, const ike_ts *from, const ike_ts *to)
{
    for (struct sim_ksa *k = a->kernel.list; k; k = k->next) {
        ike_ts seen = sim_ts_seen_as(b, k->mode, to);
        if (!k->inbound && k->state == SIM_INSTALLED && inside(from, k->local, k->n_local) &&
            inside(&seen, k->remote, k->n_remote)) {
            return k;
        }
    }
    return NULL;
}

static bool same_keys(const struct sim_ksa *a, const struct sim_ksa *b)
{
    return a->encr == b->encr && a->encr_bits == b->encr_bits && a->integ == b->integ && a->key_len == b->key_len &&
           a->integ_key_len == b->integ_key_len && memcmp(a->key, b->key, a->key_len) == 0 &&
           memcmp(a->integ_key, b->integ_key, a->integ_key_len) == 0;
}

static bool same_beside(const struct sim_ksa *a, const struct sim_ksa *b)
{
    bool same = a->n_beside == b->n_beside;
    for (size_t i = 0; same && i < a->n_beside; i++) {
        const struct sim_beside *x = &a->beside[i], *y = &b->beside[i];
        same = x->protocol == y->protocol && x->esn == y->esn && x->integ == y->integ && x->spi == y->spi &&
               x->peer_spi == y->peer_spi && x->key_len == y->key_len && memcmp(x->key, y->key, x->key_len) == 0;
    }
    return same;
}

static struct sim_ksa *received(const struct sim_host *a, const struct sim_host *b, const struct sim_ksa *o, const ike_ts *from,
                                const ike_ts *to, const char **why)
{
    struct sim_ksa *i = sim_kernel_find(b, true, o->spi);
    ike_ts seen = sim_ts_seen_as(a, o->mode, from);
    *why = !i || i->state != SIM_INSTALLED                                               ? "the receiver has no such SA"
           : o->protocol != i->protocol || !same_keys(o, i) || !same_beside(o, i)        ? "the keys differ"
           : i->esn != o->esn || i->mode != o->mode || i->udp_encap != o->udp_encap      ? "ESN, mode or encapsulation differ"
           : !inside(&seen, i->remote, i->n_remote) || !inside(to, i->local, i->n_local) ? "the receiver's selectors forbid it"
                                                                                         : NULL;
    return *why ? NULL : i;
}

static struct sim_ksa *pass(const struct sim_host *a, const struct sim_host *b, const ike_ts *from, const ike_ts *to,
                            struct sim_ksa **o, const char **why)
{
    ike_addr at;
    *o = route(a, b, from, to);
    if (!*o) {
        *why = "there is no outbound SA for it";
        return NULL;
    }
    ike_addr dest = (*o)->path.remote;
    if (!(*o)->udp_encap) {
        dest.port = 500; /* ESP has no ports: only the address leads */
    }
    if (!b->nat && sim_route(a->sim, a, &dest, &at) != b) { /* a box may have forgotten the port: that is as if it was lost */
        *why = "the outbound SA leads elsewhere";
        return NULL;
    }
    return received(a, b, *o, from, to, why);
}

bool sim_kernel_passes(const struct sim_host *a, const struct sim_host *b, const ike_ts *from, const ike_ts *to, const char **why)
{
    struct sim_ksa *o;
    return pass(a, b, from, to, &o, why) != NULL;
}

/* Through the boxes on the way as well. */
static bool reaches(const struct sim_host *a, const struct sim_host *b, const struct sim_ksa *o)
{
    ike_addr at;
    return !b->nat || sim_route(a->sim, a, &o->path.remote, &at) == b;
}

bool sim_kernel_reaches(const struct sim_host *a, const struct sim_host *b, const ike_ts *from, const ike_ts *to,
                        const char **why)
{
    struct sim_ksa *o;
    if (pass(a, b, from, to, &o, why) && !reaches(a, b, o)) {
        *why = "no box knows the port";
    }
    return !*why;
}

static void count(struct sim_host *h, struct sim_ksa *k, uint64_t packets, uint64_t octets)
{
    k->usage.packets += packets;
    k->usage.bytes += octets;
    k->usage.last = h->sim->now;
}

/* Limits passed are reported once each, when there is an engine to hear of them; it may take SAs out meanwhile, so the caller's
 * pointers are stale afterwards. */
static void report_limits(struct sim_host *h)
{
    for (struct sim_ksa *k = h->engine ? h->kernel.list : NULL; k;) {
        const ike_usage *u = &k->usage;
        bool soft = (k->soft_bytes && u->bytes >= k->soft_bytes) || (k->soft_packets && u->packets >= k->soft_packets);
        bool hard = (k->hard_bytes && u->bytes >= k->hard_bytes) || (k->hard_packets && u->packets >= k->hard_packets);
        bool report = k->state == SIM_INSTALLED && ((hard && !k->hard_reported) || (soft && !k->soft_reported));
        if (!report) {
            k = k->next;
            continue;
        }
        k->soft_reported = true;
        k->hard_reported |= hard;
        sim_trace(h->sim, h, "kernel: %s limit of %s", hard ? "hard" : "soft", k->inbound ? "an inbound SA" : "an outbound SA");
        int r = ike_child_expire(h->engine, k->child, hard, h->sim->now);
        h->errors += r != IKE_OK;
        if (r != IKE_OK && !h->sim->tolerant) {
            sim_break(h->sim, "%s: ike_child_expire gives %s", h->name, ike_strerror(r));
        }
        k = h->kernel.list;
    }
}

bool sim_kernel_traffic(struct sim_host *a, struct sim_host *b, const ike_ts *from, const ike_ts *to, uint64_t packets,
                        uint64_t octets)
{
    const char *why;
    struct sim_ksa *o, *i = pass(a, b, from, to, &o, &why);
    if (!i) {
        if (o) {
            count(a, o, packets, octets);
            report_limits(a);
        }
        return false;
    }
    sim_esp_try(a, o, i);
    count(a, o, packets, octets);
    ike_addr seen = sim_seen_as(a, &o->path.local, &o->path.remote);
    if (!reaches(a, b, o)) {
        report_limits(a);
        return false;
    }
    count(b, i, packets, octets);
    ike_child_id child = i->child;
    if (b->engine && i->udp_encap && !same_addr(&seen, &i->path.remote)) {
        sim_trace(b->sim, b, "kernel: ESP from a new address");
        int r = ike_peer_moved(b->engine, child, &seen, b->sim->now);
        if (r != IKE_OK && !b->sim->tolerant) {
            sim_break(b->sim, "%s: ike_peer_moved gives %s", b->name, ike_strerror(r));
        }
    }
    report_limits(a);
    report_limits(b);
    return true;
}
