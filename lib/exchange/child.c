/* SPDX-License-Identifier: ISC
 *
 * A child's negotiation, as every exchange that makes one has it: SPI, selectors, the host's word, installation. The order of
 * the actions in the scripts is the order of installation; undo takes it back.
 */
#include "base/sabotage.h"
#include "exchange/common.h"

/* With a peer that announced no NAT traversal never, whatever we think of the path. */
bool ike_uses_encap(const struct ike_sa *sa) { return !sa->no_nat_t && (sa->nat_local || sa->nat_remote || sa->ours_fake_nat); }

/* What was agreed, in place of what was offered. */
int ike_keep_ts(struct ike_exchange *x, const struct ike_ts_list *local, const struct ike_ts_list *remote)
{
    int r = ike_keep(x, &x->setup->local_ts, ike_bytes_of(local->ts, local->n * sizeof *local->ts));
    return r == IKE_X_OK ? ike_keep(x, &x->setup->remote_ts, ike_bytes_of(remote->ts, remote->n * sizeof *remote->ts)) : r;
}

/* The configured selectors of one side; none configured means the IKE address itself. */
const ike_ts *ike_ts_configured(const ike_ts *ts, size_t *n, const ike_addr *own, ike_ts *buf)
{
    if (*n == 0) {
        *buf = ike_ts_of_addr(own);
        *n = 1;
        return buf;
    }
    return ts;
}

/* The selectors that a side of this peer's SAs may have. An address that one side gave the other is what "its own address" means
 * there; and that one which we gave the peer is all that is behind it: none fits where it has none yet, or where it is outside
 * of what is configured. */
const ike_ts *ike_ts_side(const struct ike_sa *sa, const ike_child_settings *k, bool local, const ike_path *path, size_t *n,
                          ike_ts *buf)
{
    const struct ike_lease *l = ike_sa_lease(sa);
    const ike_ts *ts = local ? k->local_ts : k->remote_ts;
    bool here = l && l->ours == local, given = !local && ((here && !l->ours) || (ike_sa_is_v1(sa) && sa->conf->s.pool.family));
    *n = local ? k->n_local_ts : k->n_remote_ts;
    if (!given) {
        return ike_ts_configured(ts, n, here ? &l->address : local ? &path->local : &path->remote, buf);
    }
    if (here) {
        *buf = ike_ts_of_addr(&l->address);
    }
    *n = here && (*n == 0 || ike_ts_all_within(buf, 1, ts, *n));
    return buf;
}

/* An answer that an initiator does not take. */
int ike_blame_answer(struct ike_exchange *x, uint16_t code, const char *what)
{
    ike_blame(&x->e->core, code, IKE_DECIDER_US);
    ike_blame_received(&x->e->core, "%s", what);
    return IKE_X_REFUSE;
}

/* The peer deleted the SA already that our open exchange is about to make: either before its answer came, or while a question
 * was open. */
bool ike_deleted_early(const struct ike_setup *s)
{
    for (unsigned i = 0; i < s->n_early; i++) {
        if (s->early[i] == ike_load32(s->chosen.spi)) {
            return true;
        }
    }
    return s->child && s->child->state == IKE_CHILD_DELETING && s->child->down_cause == IKE_BY_PEER;
}

/* The settings are held by the setup: a reload in the middle changes nothing of this negotiation. */
int ike_child_prepare(struct ike_exchange *x, struct ike_conf *conf, uint16_t index)
{
    struct ike_setup *s = x->setup;
    s->with_child = true;
    s->conf = ike_conf_ref(conf);
    s->index = index;
    s->mode = ike_setup_child(s)->mode;
    return IKE_OK;
}

/* The packet's selectors go first, then the policy's (RFC 7296 section 2.9). */
static int offer_ts(struct ike_exchange *x, struct ike_blob *to, const ike_ts *packet, bool local)
{
    struct ike_ts_list *l = &x->e->ts.own;
    ike_ts buf;
    size_t n;
    const ike_ts *ts = ike_ts_side(x->sa, ike_setup_child(x->setup), local, &x->sa->path, &n, &buf);
    if (n == 0) {
        return IKE_ERR_AUTH;
    }
    l->n = 0;
    if (packet) {
        l->ts[l->n++] = *packet;
    }
    for (size_t i = 0; i < n && l->n < IKE_TS_MAX; i++) {
        l->ts[l->n++] = ts[i];
    }
    return ike_blob_set(&x->e->core, to, ike_bytes_of(l->ts, l->n * sizeof *l->ts));
}

static void put_spi(struct ike_exchange *x, uint8_t protocol, uint32_t spi)
{
    struct ike_core *c = &x->e->core;
    if (c->set.host.sadb.put_spi && !IKE_SABOTAGED(SPI_KEPT)) {
        ike_hook_enter(c);
        c->set.host.sadb.put_spi(c->set.host.user, &x->setup->spi_path, protocol, spi);
        ike_hook_leave(c);
    }
}

static struct ike_beside *has(struct ike_beside *list, size_t n, uint8_t protocol)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].suite.protocol == protocol) {
            return &list[i];
        }
    }
    return NULL;
}

struct ike_beside *ike_setup_has(const struct ike_setup *s, uint8_t protocol)
{
    return has(ike_setup_beside(s), ike_setup_n_beside(s), protocol);
}

int ike_keep_beside(struct ike_exchange *x, const struct ike_beside *list, size_t n)
{
    struct ike_setup *s = x->setup;
    struct ike_beside kept[IKE_BESIDE_MAX], *old = ike_setup_beside(s);
    size_t n_old = ike_setup_n_beside(s);
    for (size_t i = 0; i < n; i++) {
        const struct ike_beside *was = has(old, n_old, list[i].suite.protocol);
        kept[i] = list[i];
        kept[i].spi_in = was ? was->spi_in : 0;
        kept[i].reserved = was && was->reserved;
    }
    struct ike_blob now = {NULL, 0};
    if (n && ike_blob_set(&x->e->core, &now, ike_bytes_of(kept, n * sizeof *kept)) != IKE_OK) {
        return IKE_ERR_NOMEM;
    }
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].reserved && !has(kept, n, old[i].suite.protocol)) {
            put_spi(x, old[i].suite.protocol, old[i].spi_in);
        }
    }
    ike_blob_free(&x->e->core, &s->beside);
    s->beside = now;
    return IKE_OK;
}

/* A CPI has 16 bits, of which the lowest and the highest are assigned or private (RFC 3173 section 3.3); of SPIs those below 256
 * are reserved (RFC 4303 section 2.1). */
static bool is_cpi(uint8_t protocol) { return IKE_WITH_BUNDLES && protocol == IKE_PROTO_IPCOMP; }
static bool usable_spi(uint8_t protocol, uint32_t spi) { return spi >= 256 && (!is_cpi(protocol) || spi <= 61439); }

static int draw_spi(struct ike_exchange *x, uint8_t protocol, uint32_t *spi)
{
    for (int tries = 0; tries < 16 && !usable_spi(protocol, *spi); tries++) {
        uint8_t raw[4];
        int r = ike_draw(&x->e->core, raw, sizeof raw);
        if (r != IKE_OK) {
            return r;
        }
        *spi = ike_child_by_spi_in(&x->e->db, ike_load32(raw)) ? 0 : ike_load32(raw);
        *spi &= is_cpi(protocol) ? 0xffff : UINT32_MAX;
    }
    return IKE_OK;
}

/* Compression is a wish: where the data plane has none the child is made without. A responder of IKEv1 has to answer a bundle as
 * it was offered (RFC 2408 section 4.2). */
static int without_ipcomp(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_beside kept[IKE_BESIDE_MAX];
    size_t n = 0;
    for (size_t i = 0; i < ike_setup_n_beside(s); i++) {
        if (ike_setup_beside(s)[i].suite.protocol != IKE_PROTO_IPCOMP) {
            kept[n++] = ike_setup_beside(s)[i];
        }
    }
    IKE_LOG(&x->e->core, IKE_LOG_CHILD, IKE_LOG_WARN, x->sa->id, "%s: the data plane has no IPComp: goes on without compression",
            ike_setup_child(s)->name);
    return ike_keep_beside(x, kept, n) == IKE_OK ? IKE_X_OK : ike_trouble(x, IKE_ERR_NOMEM);
}

/* The data plane's, as it owns the number space; else drawn. */
static int get_spi(struct ike_exchange *x, uint8_t protocol, uint32_t *to, bool *reserved)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const ike_path *path = ike_exchange_path(x);
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_SPI, &answered);
    int r = IKE_OK;
    uint32_t spi = 0;
    if (!q) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    if (answered) {
        r = q->result;
        spi = q->answer.spi;
    } else if (c->set.host.sadb.get_spi) {
        /* Where it is given back, should the path have changed by then. */
        s->spi_path = s->spi_reserved ? s->spi_path : *path;
        ike_hook_enter(c);
        r = c->set.host.sadb.get_spi(c->set.host.user, q->token, &s->spi_path, protocol, s->reqid, &spi);
        ike_hook_leave(c);
        if (ike_pending(r)) {
            return IKE_X_PENDING;
        }
    } else {
        r = draw_spi(x, protocol, &spi);
    }
    ike_answered(x);
    if (r == IKE_OK && !usable_spi(protocol, spi)) {
        r = IKE_ERR_HOST;
    }
    if (r != IKE_OK && is_cpi(protocol) && (x->role == IKE_INITIATOR || x->script->version == 2)) {
        return without_ipcomp(x);
    }
    if (r != IKE_OK) {
        ike_blame(c, IKE_FAIL_KERNEL, IKE_DECIDER_HOST)->error = r;
        ike_blame_expected(c, "an SPI from the data plane");
        return x->role == IKE_RESPONDER ? ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, 0) : IKE_X_REFUSE;
    }
    *to = spi;
    *reserved = true;
    return IKE_X_OK;
}

/* One after another: each may have to wait for its answer. */
static int get_spis(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    int r = s->spi_reserved ? IKE_X_OK : get_spi(x, ike_setup_protocol(s), &s->spi_in, &s->spi_reserved);
    for (size_t i = 0; r == IKE_X_OK && i < ike_setup_n_beside(s); i++) {
        struct ike_beside *b = &ike_setup_beside(s)[i];
        if (!b->reserved) {
            r = get_spi(x, b->suite.protocol, &b->spi_in, &b->reserved);
        }
    }
    return r;
}

/* What an initiator asks for. */
static int offer_beside(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_beside list[IKE_BESIDE_MAX] = {0};
    size_t n = 0;
    if (s->conf->child_around[s->index]) {
        list[n++].suite.protocol = IKE_PROTO_AH;
    }
    if (ike_setup_child(s)->compress) {
        list[n++].suite.protocol = IKE_PROTO_IPCOMP;
    }
    return ike_keep_beside(x, list, n);
}

/* Of the same entry, for the same host: it is rekeyed by IKEv1, or made anew on another IKE SA. NULL: none. */
static const struct ike_child *sibling(const struct ike_exchange *x)
{
    const char *name = ike_setup_child(x->setup)->name;
    const struct ike_peer *peer = x->sa->peer;
    for (struct ike_list *it = peer ? peer->children.next : NULL; it && it != &peer->children; it = it->next) {
        const struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (ike_sa_same_host(x->sa, &k->path) && strcmp(ike_child_conf(k)->name, name) == 0) {
            return k;
        }
    }
    return NULL;
}

/* All SAs of one child entry of one peer share a reqid, so that they share policies. It is chosen once and kept over changes of
 * address; where there are many peers each has its own. */
static uint32_t reqid_for(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    const struct ike_child *old = ike_child_by_id(x->e, s->old_child);
    struct ike_conn *conn = x->sa->conn;
    int i = ike_conf_child(conn->conf, ike_setup_child(s)->name);
    old = old ? old : sibling(x);
    if (old) {
        return old->reqid;
    }
    struct ike_want *want = i >= 0 && (size_t)i < conn->n_want ? &conn->want[i] : NULL;
    if (want && !want->reqid && ike_conn_is_single(conn)) {
        want->reqid = ++x->e->db.reqid;
    }
    return want && want->reqid ? want->reqid : ++x->e->db.reqid;
}

/* AH authenticates the addresses that a NAT changes, and no encapsulation of it is agreed (RFC 3947 section 1). */
static int refuse_nat(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_blame(c, IKE_FAIL_NAT, IKE_DECIDER_US);
    ike_blame_expected(c, "a path without NAT");
    ike_blame_received(c, "%s",
                       x->sa->nat_local    ? "a NAT before us"
                       : x->sa->nat_remote ? "a NAT before the peer"
                                           : "encapsulation in UDP, which was asked for here");
    ike_blame_remedy(c, "use ESP in place of AH on both sides%s",
                     x->sa->nat_local || x->sa->nat_remote ? "" : ", or set encap = no and backend = xfrm here");
    return x->role == IKE_RESPONDER ? ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, 0) : IKE_X_REFUSE;
}

/* Another round of the script, after INVALID_KE_PAYLOAD, keeps what is reserved. */
int ike_child_reserve(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    if (!s->with_child) {
        return IKE_X_OK;
    }
    if (IKE_WITH_BUNDLES && (ike_setup_protocol(s) == IKE_PROTO_AH || s->conf->child_around[s->index]) && ike_uses_encap(x->sa)) {
        return refuse_nat(x);
    }
    if ((x->role == IKE_INITIATOR || (IKE_WITH_V1 && x->script->version == 1)) && !s->rejection) {
        s->rejection = ike_alloc(&x->e->core, sizeof *s->rejection);
        if (!s->rejection) {
            return ike_trouble(x, IKE_ERR_NOMEM);
        }
    }
    if (!s->reqid) {
        s->reqid = reqid_for(x);
        if (x->role == IKE_INITIATOR) {
            int r = offer_ts(x, &s->local_ts, s->has_packet ? &s->packet_local : NULL, true);
            if (r == IKE_OK) {
                r = offer_ts(x, &s->remote_ts, s->has_packet ? &s->packet_remote : NULL, false);
            }
            if (r == IKE_ERR_AUTH) {
                return ike_blame_answer(x, IKE_FAIL_SELECTORS, "no address of `pool` at the peer that is within remote-net");
            }
            r = IKE_WITH_BUNDLES && r == IKE_OK ? offer_beside(x) : r;
            if (r != IKE_OK) {
                return ike_trouble(x, r);
            }
        }
    }
    return get_spis(x);
}

/* Not the one that is being replaced: a rekey at the limit must go through. */
uint32_t ike_children_of(const struct ike_sa *sa, ike_child_id but)
{
    uint32_t n = 0;
    IKE_LIST_LOOK (const struct ike_child, k, link, &sa->peer->children) {
        n += k->sa == sa->id && k->id != but;
    }
    return n;
}

/* The host's word: it may only refuse. */
int ike_child_decide(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    if (!IKE_WITH_QUESTIONS || !s->with_child || !c->set.host.hooks.child) {
        return IKE_X_OK;
    }
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_DONE, &answered);
    if (!q) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    int r = q->result;
    if (!answered) {
        ike_child_question ask = {
            .size = sizeof ask, .sa = x->sa->id, .conn = x->sa->conn->id, .child_name = ike_setup_child(s)->name};
        ask.initiator = x->role == IKE_INITIATOR;
        ask.protocol = ike_setup_protocol(s);
        ask.mode = s->mode;
        ask.encr = s->chosen.suite.encr;
        ask.encr_bits = s->chosen.suite.encr_bits;
        ask.integ = s->chosen.suite.integ;
        ask.ke = s->chosen.suite.ke;
        ask.esn = s->chosen.suite.esn != 0;
        if (IKE_WITH_BUNDLES) {
            const struct ike_beside *ah = ike_setup_has(s, IKE_PROTO_AH);
            ask.ah_integ = ah ? ah->suite.integ : 0;
            ask.compress = ike_setup_has(s, IKE_PROTO_IPCOMP) != NULL;
        }
        ask.local_ts = ike_ts_array(&s->local_ts);
        ask.remote_ts = ike_ts_array(&s->remote_ts);
        ask.n_local_ts = ike_ts_count(&s->local_ts);
        ask.n_remote_ts = ike_ts_count(&s->remote_ts);
        ike_hook_enter(c);
        r = c->set.host.hooks.child(c->set.host.user, q->token, &ask);
        ike_hook_leave(c);
        if (ike_pending(r)) {
            return IKE_X_PENDING;
        }
    }
    ike_answered(x);
    if (r == IKE_OK) {
        return IKE_X_OK;
    }
    return x->role == IKE_INITIATOR ? ike_blame_answer(x, IKE_FAIL_DENIED, "the decision hook's refusal")
                                    : ike_refuse(x, IKE_N_TS_UNACCEPTABLE, IKE_FAIL_DENIED);
}

/* Policy has been asked before this; what can still fail are limits, memory and the data plane. Its keys come next. */
int ike_child_make(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    if (!s->with_child) {
        return IKE_X_OK;
    }
    const struct ike_suite *suite = &s->chosen.suite;
    const ike_encr *encr = suite->encr ? ike_find_encr(e->core.crypto, suite->encr) : NULL;
    const ike_integ *integ = ike_suite_integ(suite) ? ike_find_integ(e->core.crypto, suite->integ) : NULL;
    if ((suite->encr && !encr) || (ike_suite_integ(suite) && !integ)) {
        return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_CHILD_PROPOSAL);
    }
    const ike_integ *ah = NULL;
    struct ike_beside *around = IKE_WITH_BUNDLES ? ike_setup_has(s, IKE_PROTO_AH) : NULL;
    if (around) {
        ah = ike_find_integ(e->core.crypto, around->suite.integ);
        if (!ah) {
            return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_CHILD_PROPOSAL);
        }
        around->key_a = ah->key_len;
    }
    uint16_t bits = suite->encr_bits || !encr ? suite->encr_bits : encr->key_bits[0];
    struct ike_child_parts parts = {ike_ts_array(&s->local_ts),
                                    ike_ts_array(&s->remote_ts),
                                    ike_ts_count(&s->local_ts),
                                    ike_ts_count(&s->remote_ts),
                                    (uint16_t)(encr ? bits / 8 + encr->salt_len : 0),
                                    integ ? integ->key_len : 0,
                                    ike_setup_beside(s),
                                    ike_setup_n_beside(s)};
    struct ike_child *k = ike_child_new(&e->db, x->sa->peer, s->conf, s->index, &parts);
    if (!k) {
        bool full = e->db.children.count >= e->core.set.max_children;
        return full ? ike_refuse(x, IKE_N_NO_ADDITIONAL_SAS, IKE_FAIL_LIMIT) : ike_trouble(x, IKE_ERR_NOMEM);
    }
    s->child = k;
    k->sa = x->sa->id;
    k->suite = *suite;
    k->suite.encr_bits = bits;
    k->initiator = x->role == IKE_INITIATOR;
    k->mode = s->mode;
    k->spi_in = s->spi_in;
    k->spi_out = ike_load32(s->chosen.spi);
    k->reqid = s->reqid;
    k->path = *ike_exchange_path(x);
    k->udp_encap = ike_uses_encap(x->sa);
    k->replaces = s->old_child;
    k->narrowed = s->narrowed;
    return IKE_X_OK;
}

/* The SAs have what was reserved. */
static void has_spis(struct ike_setup *s)
{
    s->spi_reserved = false;
    for (size_t i = 0; i < ike_setup_n_beside(s); i++) {
        ike_setup_beside(s)[i].reserved = false;
    }
}

ike_failure *ike_blame_add(struct ike_core *c, bool inbound, int r)
{
    const bool silent = ike_pending(r);
    ike_failure *f = ike_blame(c, silent ? IKE_FAIL_TIMEOUT : IKE_FAIL_KERNEL, IKE_DECIDER_HOST);
    f->error = silent ? IKE_OK : r;
    ike_blame_expected(c, "the data plane to take the %s SA", inbound ? "inbound" : "outbound");
    ike_blame_received(c, "%s", silent ? "no answer" : ike_strerror(r));
    ike_blame_remedy(c,
                     "see the local system's log: the kernel must support the algorithm and allow this process to install SAs");
    return f;
}

/* One direction, and perhaps a wait for the data plane. A refusal takes back what add() counted as installed. */
static int install(struct ike_exchange *x, bool inbound)
{
    struct ike_core *c = &x->e->core;
    struct ike_child *k = x->setup->child;
    if (!k) {
        return IKE_X_OK;
    }
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_DONE, &answered);
    if (!q) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    if (!answered && !inbound && k->out_installed) {
        ike_child_uninstall_out(&x->e->db, k); /* asked for by a message that was dropped for lack of memory */
    }
    int r = answered ? q->result : ike_child_add(&x->e->db, k, inbound, q->token);
    if (ike_pending(r)) {
        return IKE_X_PENDING;
    }
    ike_answered(x);
    if (inbound && r == IKE_OK) {
        has_spis(x->setup);
    }
    if (r != IKE_OK) {
        if (answered) {
            *(inbound ? &k->in_installed : &k->out_installed) = false;
        }
        (void)ike_blame_add(c, inbound, r);
        return x->role == IKE_RESPONDER ? ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, 0) : ike_blame_answer(x, IKE_FAIL_KERNEL, "");
    }
    return IKE_X_OK;
}

int ike_child_install_in(struct ike_exchange *x) { return install(x, true); }

/* The responder of a rekey goes on sending over the old SA: the initiator cannot receive on the new one before it has the
 * answer (RFC 7296 section 2.8). So does that of a child made anew on another IKE SA, but for a peer that has lost the old
 * one, or is somewhere else now. */
static bool sends_later(struct ike_exchange *x, struct ike_child *k)
{
    const struct ike_setup *s = x->setup;
    if (x->role != IKE_RESPONDER || ike_child_by_id(x->e, s->old_child)) {
        return x->role == IKE_RESPONDER;
    }
    const struct ike_child *elder = ike_child_elder(k);
    bool here = elder && ike_addr_same_ip(&elder->path.remote, &k->path.remote);
    if (here && !ike_sa_is_v1(x->sa) && x->sa->conf->s.unique && !s->initial_contact) {
        k->out_at = x->e->core.now + IKE_ELDER_ASKED;
        return true;
    }
    return false;
}

int ike_child_install_out(struct ike_exchange *x)
{
    struct ike_child *k = x->setup->child;
    if (k && sends_later(x, k)) {
        return IKE_X_OK;
    }
    int r = install(x, false);
    if (r == IKE_X_OK && k && x->role == IKE_INITIATOR && ike_deleted_early(x->setup)) {
        x->setup->reject = false; /* the peer has no SA any more that it would have to delete */
        return ike_blame_answer(x, IKE_FAIL_REPLACED, "a Delete for this SA before it was installed");
    }
    return r;
}

int ike_child_report_up(struct ike_exchange *x)
{
    struct ike_child *k = x->setup->child;
    if (k) {
        x->setup->child = NULL; /* from here on undo does not take it back */
        x->setup->reject = false;
        ike_child_up(x->e, k);
    }
    return IKE_X_OK;
}

/* Runs after a failure at any point: whatever is there is given back, the rest is NULL or false. A child that the peer has
 * made and we do not keep is deleted there, with the task that was allocated when memory was still there. */
void ike_child_undo(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    if (s->child) {
        if (s->child->in_installed) {
            has_spis(s); /* they go with the SAs */
        }
        s->child->quiet = true;
        ike_child_retire(&x->e->db, s->child);
        s->child = NULL;
    }
    if (s->spi_reserved) {
        put_spi(x, ike_setup_protocol(s), s->spi_in);
    }
    s->spi_reserved = false;
    if (IKE_WITH_BUNDLES) {
        (void)ike_keep_beside(x, NULL, 0); /* no memory is needed for nothing */
    }
    if (s->reject && !x->sa->dead && x->sa->peer) {
        *s->rejection = (struct ike_task){.purpose = IKE_DO_DELETE_CHILD, .protocol = ike_setup_protocol(s), .spi = s->spi_in};
        ike_queue_owned(x->e, x->sa, s->rejection);
        s->rejection = NULL;
        s->reject = false;
    }
}
