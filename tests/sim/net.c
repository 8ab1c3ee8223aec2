/* SPDX-License-Identifier: ISC
 *
 * Between the hosts: what a datagram is, where it goes, when and how often it arrives.
 */
#include "message/message.h"
#include "message/v1.h"
#include "sim.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define PORT       500
#define ENCAP_PORT 4500

/* ---- Arrival ---------------------------------------------------------------------------------------------------------- */

static uint64_t bad_icvs(const struct sim_host *h)
{
    ike_counters n = {.size = sizeof n};
    ike_counters_get(h->engine, &n);
    return n.bad_icv;
}

/* A message of IKEv1 after phase 1 that arrives as it was sent decrypts and proves good, whatever came before it: only what is
 * good moves an IV on (RFC 2409 appendix B). */
static void check_opened(struct sim_host *to, const struct sim_packet *p, uint64_t bad)
{
    const struct sim_msg *m = p->msg;
    bool sealed = m->bytes[17] >> 4 == 1 && m->mid && m->bytes[19] & 1, as_sent = !p->bytes && !m->rule && !to->sim->hostile;
    if (sealed && as_sent && bad_icvs(to) != bad && !sim_keys_differ(to->sim, m->spi_i, m->spi_r)) {
        sim_break(to->sim, "%s: a good message is taken for a bad one: %s", to->name, m->text);
    }
}

static void deliver(struct sim *s, struct sim_packet *p)
{
    struct sim_host *to = p->to;
    if (!to || !to->engine) {
        sim_trace(s, to, "   nobody hears  %s %s", p->msg->from->name, p->msg->text);
    } else if (p->msg->keepalive) {
        sim_trace(s, to, "<- %s keepalive", p->msg->from->name);
    } else {
        sim_trace(s, to, "<- %s %s%s", p->msg->from->name, p->msg->text, p->bytes ? " (damaged)" : "");
        unsigned *last = &s->pair[p->msg->from->index][to->index].last;
        s->stat[SIM_STAT_REORDERED] += p->order < *last;
        *last = p->order > *last ? p->order : *last;
        s->stat[SIM_STAT_EXCHANGES] += p->msg->flags & IKE_FLAG_RESPONSE && !p->bytes && !p->msg->arrived++;
        sim_bounds_call(to);
        uint64_t bad = bad_icvs(to);
        int r = ike_input(to->engine, &p->path, p->bytes ? p->bytes : p->msg->bytes, p->bytes ? p->len : p->msg->len, s->now);
        if (r != IKE_OK) {
            sim_trace(s, to, "   dropped: %s", ike_strerror(r));
        }
        sim_bounds_heard(to);
        check_opened(to, p, bad);
    }
    free(p);
}

static void arrive(struct sim *s, void *what)
{
    s->flying--;
    deliver(s, what);
}

static void fly(struct sim *s, const struct sim_packet *p, ike_time delay)
{
    struct sim_packet *copy = sim_alloc(sizeof *copy + p->len);
    *copy = *p;
    copy->next = NULL;
    if (p->bytes) { /* behind the struct, to be freed with it */
        copy->bytes = memcpy(copy + 1, p->bytes, p->len);
    }
    s->flying++;
    sim_ladder_datagram(s, p, NULL, delay);
    sim_at(s, s->now + delay, arrive, copy);
}

/* A copy that comes long after is no message under way: nobody waits for it to settle. */
static void arrive_late(struct sim *s, void *what) { deliver(s, what); }

static void fly_late(struct sim *s, const struct sim_packet *p, ike_time delay)
{
    struct sim_packet *copy = sim_alloc(sizeof *copy);
    *copy = *p;
    copy->next = NULL;
    sim_at(s, s->now + delay, arrive_late, copy);
}

static void lost(struct sim *s, const struct sim_packet *p, enum sim_stat why, const char *word)
{
    s->stat[why]++;
    sim_trace(s, p->msg->from, "   %s", word);
    sim_ladder_datagram(s, p, word, 0);
}

/* ---- Rules ------------------------------------------------------------------------------------------------------------ */

struct sim_rule *sim_rule_add(struct sim *s, enum sim_action a, struct sim_host *from, const char *pattern)
{
    struct sim_rule *r = sim_alloc(sizeof *r), **end = &s->rules;
    r->pattern = sim_strdup(pattern);
    r->from = from;
    r->action = a;
    r->count = 1;
    r->held_end = &r->held;
    while (*end) {
        end = &(*end)->next;
    }
    *end = r;
    return r;
}

static void rule_free(struct sim_rule *r)
{
    while (r->held) {
        struct sim_packet *p = r->held;
        r->held = p->next;
        free(p);
    }
    free(r->name);
    free(r->pattern);
    free(r->payloads);
    free(r);
}

void sim_rules_free(struct sim *s)
{
    while (s->rules) {
        struct sim_rule *r = s->rules;
        s->rules = r->next;
        rule_free(r);
    }
}

bool sim_rule_release(struct sim *s, const char *name, bool send)
{
    for (struct sim_rule *r = s->rules; r; r = r->next) {
        if (!r->name || strcmp(r->name, name) != 0 || r->released) {
            continue;
        }
        bool any = r->held != NULL;
        r->released = true;
        while (r->held) {
            struct sim_packet *p = r->held;
            r->held = p->next;
            sim_trace(s, p->msg->from, "%s %s: %s", send ? "release" : "forget", name, p->msg->text);
            if (send) {
                fly(s, p, 0);
            }
            free(p);
        }
        return any;
    }
    return false;
}

static bool applies(struct sim_rule *r, const struct sim_msg *m)
{
    if (r->released || (r->from && r->from != m->from)) {
        return false;
    }
    if (m->rule) {
        return m->rule == r;
    }
    if ((m->sent > 1 && r->count != UINT32_MAX) || r->count == 0 || fnmatch(r->pattern, m->text, 0) != 0) {
        return false;
    }
    if (r->skip) {
        r->skip--;
        return false;
    }
    r->count -= r->count != UINT32_MAX;
    return true;
}

/* Whether a rule took charge of the packet. */
static bool by_rule(struct sim *s, struct sim_packet *p)
{
    for (struct sim_rule *r = s->rules; r; r = r->next) {
        struct sim_packet *copy;
        bool again = p->msg->rule == r;
        if (!applies(r, p->msg)) {
            continue;
        }
        p->msg->rule = r;
        switch (r->action) {
        case SIM_HOLD:
            sim_trace(s, p->msg->from, "   held as %s", r->name);
            sim_ladder_datagram(s, p, r->name, 0);
            if (!again) {
                copy = sim_alloc(sizeof *copy);
                *copy = *p;
                copy->next = NULL;
                *r->held_end = copy;
                r->held_end = &copy->next;
            }
            return true;
        case SIM_DROP:
            lost(s, p, SIM_STAT_LOST, "lost");
            return true;
        case SIM_DELAY:
            fly(s, p, r->delay);
            return true;
        case SIM_TWICE:
            fly(s, p, s->link.delay);
            fly_late(s, p, s->link.delay + r->delay);
            return true;
        case SIM_REWRITE:
            r->forged = again ? r->forged : sim_forge(s, p->msg, r->payloads);
            p->msg = r->forged ? r->forged : p->msg;
            return false;
        }
    }
    return false;
}

/* ---- Links ------------------------------------------------------------------------------------------------------------ */

/* The fault a sweep put on this datagram. Late is later than its retransmission; a copy comes when the exchange is long over. */
static bool by_fault(struct sim *s, const struct sim_packet *p)
{
    const ike_time usual = s->link.delay, late = 3 * IKE_SEC, long_after = 45 * IKE_SEC;
    if (s->fault.kind < SIM_FAULT_DROP || s->fault.kind > SIM_FAULT_COPY || s->datagrams != s->fault.nth) {
        return false;
    }
    switch (s->fault.kind) {
    case SIM_FAULT_DROP:
        lost(s, p, SIM_STAT_LOST, "lost");
        break;
    case SIM_FAULT_DUP:
        fly(s, p, usual);
        fly(s, p, usual);
        break;
    case SIM_FAULT_LATE:
        sim_trace(s, p->msg->from, "   late");
        fly_late(s, p, late);
        break;
    default:
        fly(s, p, usual);
        fly_late(s, p, long_after);
        break;
    }
    return true;
}

static const struct sim_link *link_of(const struct sim *s, const struct sim_host *a, const struct sim_host *b)
{
    const struct sim_link *pair = b ? &s->pair[a->index][b->index] : NULL;
    return pair && pair->own ? pair : &s->link;
}

bool sim_connected(const struct sim *s, const struct sim_host *a, const struct sim_host *b, unsigned loss)
{
    for (int back = 0; back < 2; back++) {
        const struct sim_host *from = back ? b : a, *to = back ? a : b;
        const struct sim_link *l = link_of(s, from, to);
        if (s->pair[from->index][to->index].cut || l->loss > loss || l->corrupt || l->mtu) {
            return false;
        }
    }
    return true;
}

/* How much of a message may be damaged. In phase 1 of IKEv1 no proof covers all of it, and both sides would come up and could
 * not talk; UDP's checksum is what keeps it from being. So it is with the last block, on which all IVs hang: no encrypted
 * message; and with what says whether there is a NAT: nothing from the payload on that names the first NAT-D as the next. */
static size_t frail(const struct sim_msg *m)
{
    if (m->len < IKE_HEADER_LEN || m->bytes[17] >> 4 != 1 || m->mid) {
        return m->len;
    }
    if (m->bytes[19] & IKE_FLAG1_ENCRYPTED) {
        return 0;
    }
    for (size_t at = IKE_HEADER_LEN, n = 4; n >= 4 && at + 4 <= m->len; at += n) {
        if (m->bytes[at] == IKE_P1_NAT_D || m->bytes[at] == IKE_P1_NAT_D_DRAFT) {
            return at;
        }
        n = (size_t)m->bytes[at + 2] << 8 | m->bytes[at + 3];
    }
    return m->len;
}

/* A few bits are other ones, or the end is missing. */
static void damage(struct sim *s, struct sim_packet *p, size_t frail, uint8_t *room)
{
    memcpy(room, p->msg->bytes, p->msg->len);
    p->len = p->msg->len;
    p->bytes = room;
    if (sim_below(&s->rng, 8) == 0) {
        p->len = sim_below(&s->rng, (uint32_t)p->len) + 1;
    } else {
        for (uint32_t n = 1 + sim_below(&s->rng, 3); n; n--) {
            room[sim_below(&s->rng, (uint32_t)frail)] ^= (uint8_t)(1u << sim_below(&s->rng, 8));
        }
    }
    s->stat[SIM_STAT_CORRUPTED]++;
    s->init_spoiled |= p->msg->exchange == IKE_X_SA_INIT || (p->msg->len > 17 && p->msg->bytes[17] >> 4 == 1);
    sim_trace(s, p->msg->from, "   damaged");
}

static void by_link(struct sim *s, struct sim_packet *p)
{
    const struct sim_link *l = link_of(s, p->msg->from, p->to);
    uint8_t *room = NULL;
    if (p->to && s->pair[p->msg->from->index][p->to->index].cut) {
        lost(s, p, SIM_STAT_CUT, "cut off");
        return;
    }
    if (l->mtu && p->msg->len > l->mtu) {
        lost(s, p, SIM_STAT_TOO_LARGE, "too large");
        return;
    }
    if (sim_below(&s->rng, 1000) < l->loss) {
        lost(s, p, SIM_STAT_LOST, "lost");
        return;
    }
    size_t parts = l->corrupt ? frail(p->msg) : 0;
    if (parts && sim_below(&s->rng, 1000) < l->corrupt) {
        room = sim_alloc(p->msg->len);
        damage(s, p, parts, room);
    }
    fly(s, p, l->delay + sim_below(&s->rng, (uint32_t)l->jitter + 1));
    if (sim_below(&s->rng, 1000) < l->twice) {
        s->stat[SIM_STAT_TWICE]++;
        fly(s, p, l->delay + sim_below(&s->rng, (uint32_t)l->late + 1));
    }
    free(room);
}

/* ---- Sending ---------------------------------------------------------------------------------------------------------- */

/* What names a message to both ends, from its header: SPIs, exchange type, flags, message id. IKEv1 has a flag for what is
 * encrypted, which the message in clear lacks. */
static uint64_t header_key(const uint8_t *m)
{
    uint8_t h[IKE_HEADER_LEN];
    memcpy(h, m, sizeof h);
    h[19] &= (uint8_t)(h[17] >> 4 == 1 ? ~1 : ~0);
    return sim_hash(sim_hash(SIM_HASH_START, h, 16), h + 18, 6);
}

static struct sim_msg *msg_known(struct sim *s, const struct sim_host *h, const uint8_t *bytes, size_t n, uint64_t hash)
{
    for (struct sim_msg *m = s->msgs; m; m = m->older) {
        if (m->from == h && m->hash == hash && m->len == n && memcmp(m->bytes, bytes, n) == 0) {
            return m;
        }
    }
    return NULL;
}

/* Whether a datagram does not show what it says: sealed, or one piece of a message. */
static bool opaque(const struct ike_header *h)
{
    bool v1 = h->version >> 4 == 1;
    return v1 ? h->next == IKE_P1_FRAG || h->flags & IKE_FLAG1_ENCRYPTED : h->next == IKE_P_SK || h->next == IKE_P_SKF;
}

static struct sim_msg *msg_new(struct sim *s, struct sim_host *h, bool keepalive, const uint8_t *bytes, size_t n, uint64_t *nonce)
{
    struct sim_msg *m = sim_alloc(sizeof *m);
    struct ike_header head;
    m->from = h;
    m->first = s->now;
    m->keepalive = keepalive;
    m->len = n;
    m->bytes = memcpy(sim_alloc(n), bytes, n);
    m->number = ++s->n_msgs;
    m->older = s->msgs;
    s->msgs = m;
    if (keepalive) {
        m->text = sim_strdup("keepalive");
    } else if (ike_header_parse(&head, bytes, n) == IKE_OK) {
        m->spi_i = head.spi_i;
        m->spi_r = head.spi_r;
        m->mid = head.mid;
        m->exchange = head.exchange;
        m->flags = head.flags;
        if (opaque(&head) && h->tap_text && h->tap_key == header_key(bytes)) {
            m->text = sim_strdup(h->tap_text);
            *nonce = h->tap_nonce;
        } else {
            m->text = sim_describe(s, bytes, n, nonce);
        }
    } else {
        /* What is said of a version we do not know repeats its header, however odd that is. */
        if (!(n >= IKE_HEADER_LEN && bytes[19] & IKE_FLAG_RESPONSE && (s->hostile || s->init_spoiled))) {
            sim_break(s, "%s sends %zu octets that are no IKE message", h->name, n);
        }
        m->flags = IKE_FLAG_RESPONSE;
        m->text = sim_strdup("no IKE message");
    }
    return m;
}

void sim_send(struct sim_host *h, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct sim *s = h->sim;
    uint64_t nonce = 0, hash = sim_hash(SIM_HASH_START, bytes, n);
    struct sim_msg *m = msg_known(s, h, bytes, n, hash);
    bool again = m != NULL, keepalive = kind == IKE_SEND_KEEPALIVE;
    if (!again) {
        m = msg_new(s, h, keepalive, bytes, n, &nonce);
        m->hash = hash;
    }
    m->sent++;
    s->datagrams++;
    ike_addr local = path->remote.family == 6 ? h->addr6 : h->addr;
    local.port = path->local.port ? path->local.port : path->encap ? ENCAP_PORT : PORT;
    if (path->local.family && !sim_same_ip(&path->local, &local)) {
        sim_break(s, "%s sends from an address that is not its own", h->name);
    }
    sim_trace(s, h, "-> %s%s [%zu %08x]", m->text, again ? " again" : "", n, (unsigned)hash);
    if (!keepalive) {
        sim_check_message(h, m, again, nonce);
    }
    struct sim_packet p = {.msg = m, .order = s->datagrams};
    p.path.remote = sim_seen_as(h, &local, &path->remote);
    p.to = sim_route(s, h, &path->remote, &p.path.local);
    p.path.encap = path->encap;
    if (p.to && path->encap != (p.path.local.port == ENCAP_PORT)) {
        sim_break(s, "%s sends %s a marker to port %u: %s", h->name, path->encap ? "with" : "without",
                  (unsigned)p.path.local.port, m->text);
    }
    if (!again && h->byzantine && sim_below(&s->rng, 1000) < h->byzantine) {
        m->mutated = sim_mutate(s, m);
    }
    p.msg = m->mutated ? m->mutated : m;
    if (!by_rule(s, &p) && !by_fault(s, &p)) {
        by_link(s, &p);
    }
}
