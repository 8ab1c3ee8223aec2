/* SPDX-License-Identifier: ISC
 *
 * A child's negotiation, as IKE_AUTH and CREATE_CHILD_SA share it: proposal, traffic selectors, mode, keys (RFC 7296 sections
 * 1.2, 1.3, 2.9, 2.17).
 */
#include "exchange/v2/v2.h"
#include "message/names.h"
#include <stdio.h>

/* IPCOMP_SUPPORTED: CPI, transform (RFC 7296 section 2.22). Of the transforms deflate is the one that is there. */
enum { IPCOMP_DEFLATE = 2 };

static void put_ipcomp(struct ike_exchange *x)
{
    const struct ike_beside *b = IKE_WITH_BUNDLES ? ike_setup_has(x->setup, IKE_PROTO_IPCOMP) : NULL;
    if (b) {
        uint8_t data[3] = {(uint8_t)(b->spi_in >> 8), (uint8_t)b->spi_in, IPCOMP_DEFLATE};
        ike_put_notify(&x->chain, IKE_N_IPCOMP_SUPPORTED, ike_bytes_of(data, sizeof data));
    }
}

/* The CPI on which the peer receives what deflate has packed; 0: it wants none, or names one that cannot be. There may be a
 * notify for each transform. */
static uint16_t find_ipcomp(const struct ike_message *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct ike_notify n;
        if (m->p[i].type == IKE_P_NOTIFY && ike_notify_parse(&n, &m->p[i]) == IKE_OK && n.type == IKE_N_IPCOMP_SUPPORTED &&
            n.data.len >= 3 && n.data.ptr[2] == IPCOMP_DEFLATE) {
            const uint16_t cpi = ike_load16(n.data.ptr);
            return cpi >= 256 && cpi <= 61439 ? cpi : 0;
        }
    }
    return 0;
}

/* With IPComp or without. */
static int take_ipcomp(struct ike_exchange *x, uint16_t cpi)
{
    if (!IKE_WITH_BUNDLES) {
        return IKE_X_OK;
    }
    const struct ike_beside b = {.suite.protocol = IKE_PROTO_IPCOMP, .spi_out = cpi};
    return ike_keep_beside(x, &b, cpi ? 1 : 0) == IKE_OK ? IKE_X_OK : ike_trouble(x, IKE_ERR_NOMEM);
}

static bool wants_transport(const struct ike_setup *s) { return IKE_WITH_BUNDLES && s->mode == IKE_MODE_TRANSPORT; }

/* No nonce and no KE in IKE_AUTH: those of IKE_SA_INIT serve (RFC 7296 section 2.17). The old suite first, which the peer has
 * already accepted once. */
void ike_put_child_request(struct ike_exchange *x, bool with_ke)
{
    struct ike_setup *s = x->setup;
    struct ike_child *old = ike_child_by_id(x->e, s->old_child);
    uint8_t spi[4];
    ike_store32(spi, s->spi_in);
    if (wants_transport(s)) {
        ike_put_notify(&x->chain, IKE_N_USE_TRANSPORT_MODE, ike_bytes_of(NULL, 0));
    }
    put_ipcomp(x);
    ike_put_sa(&x->chain, ike_setup_proposals(s), spi, 4, with_ke, old ? &old->suite : NULL);
    if (with_ke) {
        ike_put_nonce(x);
        ike_put_own_ke(x);
    }
    ike_put_ts(&x->chain, IKE_P_TSI, ike_ts_array(&s->local_ts), ike_ts_count(&s->local_ts));
    ike_put_ts(&x->chain, IKE_P_TSR, ike_ts_array(&s->remote_ts), ike_ts_count(&s->remote_ts));
}

/* An answer wider than what was asked for would open more than the policy does (RFC 7296 section 2.9). */
static int check_answer_ts(struct ike_exchange *x, struct ike_ts_list *local, struct ike_ts_list *remote)
{
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    if (ike_ts_payload_parse(local->ts, IKE_TS_MAX, &local->n, ike_message_find(x->msg, IKE_P_TSI, 0)) != IKE_OK ||
        ike_ts_payload_parse(remote->ts, IKE_TS_MAX, &remote->n, ike_message_find(x->msg, IKE_P_TSR, 0)) != IKE_OK) {
        return ike_blame_answer(x, IKE_FAIL_SYNTAX, "malformed traffic selectors");
    }
    if (wants_transport(s) && ike_uses_encap(sa)) {
        /* A NAT shows the peer other addresses than ours (RFC 7296 section 2.23.1). */
        ike_ts_substitute(local, &sa->path.local);
        ike_ts_substitute(remote, &sa->path.remote);
    }
    if (!local->n || !remote->n ||
        !ike_ts_all_within(local->ts, local->n, ike_ts_array(&s->local_ts), ike_ts_count(&s->local_ts)) ||
        !ike_ts_all_within(remote->ts, remote->n, ike_ts_array(&s->remote_ts), ike_ts_count(&s->remote_ts))) {
        char want[100], got[120];
        IKE_WORDS(ike_ts_list_format(ike_ts_array(&s->remote_ts), ike_ts_count(&s->remote_ts), want, sizeof want));
        IKE_WORDS(ike_ts_list_format(remote->ts, remote->n, got, sizeof got));
        ike_blame(&x->e->core, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
        ike_blame_expected(&x->e->core, "selectors within %s", want);
        return ike_blame_answer(x, IKE_FAIL_SELECTORS, got);
    }
    return IKE_X_OK;
}

/* The initiator has the last word: what it cannot accept exists at the peer already, so refusing means telling the peer to
 * delete it. */
int ike_child_take_answer(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const struct ike_payload *sa = ike_message_find(x->msg, IKE_P_SA, 0);
    struct ike_select_args args = {.spi_len = 4, .with_ke = x->script == &ike_v2_create_child};
    struct ike_ts_list *local = &x->e->ts.local, *remote = &x->e->ts.remote;
    struct ike_notify n;
    if (!s->with_child) {
        return IKE_X_OK;
    }
    s->reject = sa != NULL; /* until the child stands: the peer has it already */
    if (!sa || ike_select_check(ike_setup_proposals(s), sa, &args, &s->chosen) != IKE_OK) {
        return ike_blame_answer(x, IKE_FAIL_NO_CHILD_PROPOSAL, "an SA payload that is not one of our proposals");
    }
    if (ike_deleted_early(s)) {
        s->reject = false;
        return ike_blame_answer(x, IKE_FAIL_REPLACED, "a Delete for this SA before the answer that made it");
    }
    bool transport = ike_message_notify(x->msg, IKE_N_USE_TRANSPORT_MODE, &n);
    if (transport && !wants_transport(s)) {
        return ike_blame_answer(x, IKE_FAIL_MODE, "transport mode, which was not asked for");
    }
    if (!transport && wants_transport(s) && !ike_setup_child(s)->mode_fallback) {
        ike_blame_remedy(c, "allow transport mode on the peer, or set mode = tunnel here");
        return ike_blame_answer(x, IKE_FAIL_MODE, "tunnel mode");
    }
    s->mode = transport ? IKE_MODE_TRANSPORT : IKE_MODE_TUNNEL;
    uint16_t cpi = find_ipcomp(x->msg);
    if (cpi && (!IKE_WITH_BUNDLES || !ike_setup_has(s, IKE_PROTO_IPCOMP))) {
        return ike_blame_answer(x, IKE_FAIL_NO_CHILD_PROPOSAL, "IPComp, which was not asked for");
    }
    if (take_ipcomp(x, cpi) != IKE_X_OK) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    if (args.with_ke) {
        int r = s->chosen.suite.ke ? ike_take_ke(x, s->chosen.suite.ke) : IKE_X_OK;
        r = r == IKE_X_OK ? ike_take_nonce(x) : r;
        if (r != IKE_X_OK) {
            return r;
        }
    }
    int r = check_answer_ts(x, local, remote);
    if (r != IKE_X_OK) {
        return r;
    }
    s->narrowed = !ike_ts_all_within(ike_ts_array(&s->local_ts), ike_ts_count(&s->local_ts), local->ts, local->n) ||
                  !ike_ts_all_within(ike_ts_array(&s->remote_ts), ike_ts_count(&s->remote_ts), remote->ts, remote->n);
    return ike_keep_ts(x, local, remote);
}

/* ---- Responder -------------------------------------------------------------------------------------------------------- */

/* Its selectors are in the engine's scratch. */
struct offer {
    const struct ike_payload *sa;
    struct ike_select_args args;
    bool transport;
};

/* Of one side's selectors what policy allows. In transport mode behind a NAT they are for the address that the packet shows. */
static bool narrow(struct ike_ts_scratch *ts, const struct ike_ts_list *offered, const ike_addr *shown, const ike_ts *allowed,
                   size_t n, struct ike_ts_list *out)
{
    if (IKE_WITH_BUNDLES && shown) {
        ts->own = *offered;
        offered = &ts->own;
        if (!ike_ts_substitute(&ts->own, shown)) {
            return false;
        }
    }
    return ike_ts_narrow(offered->ts, offered->n, allowed, n, out);
}

/* What one child setting can have of the offer: e->ts.local and remote. Returns how far it came: 0 selectors, 1 mode,
 * 2 proposal, 3 all fits; -1 malformed. */
static int try_child(struct ike_exchange *x, struct offer *o, struct ike_conf *conf, uint16_t i, struct ike_mismatch *why)
{
    struct ike_ts_scratch *ts = &x->e->ts;
    const ike_child_settings *k = &conf->s.children[i];
    ike_ts lbuf, rbuf;
    size_t nl = k->n_local_ts, nr = k->n_remote_ts;
    const ike_ts *lt = ike_ts_configured(k->local_ts, &nl, &x->path.local, &lbuf),
                 *rt = ike_ts_configured(k->remote_ts, &nr, &x->path.remote, &rbuf);
    const bool wanted = IKE_WITH_BUNDLES && k->mode == IKE_MODE_TRANSPORT;
    bool transport = wanted && o->transport, translated = transport && ike_uses_encap(x->sa);
    if (!narrow(ts, &ts->tsi, translated ? &x->path.remote : NULL, rt, nr, &ts->remote) ||
        !narrow(ts, &ts->tsr, translated ? &x->path.local : NULL, lt, nl, &ts->local) || !ike_ts_pair(&ts->local, &ts->remote)) {
        return 0;
    }
    if (wanted && !o->transport && !k->mode_fallback) {
        return 1;
    }
    int r = ike_select(conf->child_proposals[i], o->sa, &o->args, &x->setup->chosen, why);
    if (r == IKE_ERR_PROTO) {
        return -1;
    }
    x->setup->mode = transport ? IKE_MODE_TRANSPORT : IKE_MODE_TUNNEL;
    return r == IKE_OK ? 3 : 2;
}

/* The reason that came nearest to fitting is the one to show; the peer gets its notify only. */
static int refuse_child(struct ike_exchange *x, const struct offer *o, int best, uint16_t best_index,
                        const struct ike_mismatch *why)
{
    struct ike_core *c = &x->e->core;
    struct ike_conf *conf = x->sa->conn->conf;
    char a[120], b[120], text[24];
    if (IKE_WITH_RECORDS && conf->s.n_children) {
        const ike_child_settings *k = &conf->s.children[best_index];
        snprintf(c->draft.child_name, sizeof c->draft.child_name, "%s", k->name);
        IKE_WORDS(ike_ts_list_format(k->local_ts, k->n_local_ts, a, sizeof a));
        IKE_WORDS(ike_ts_list_format(k->remote_ts, k->n_remote_ts, b, sizeof b));
    }
    if (best == 2) {
        char ours[200], theirs[200];
        ike_failure *f = ike_blame(c, IKE_FAIL_NO_CHILD_PROPOSAL, IKE_DECIDER_US);
        if (IKE_WITH_RECORDS) {
            f->transform = why->type;
            f->nearest = why->number;
        }
        IKE_WORDS(ike_proposals_format(conf->child_proposals[best_index], ours, sizeof ours));
        IKE_WORDS(ike_sa_payload_format(o->sa, theirs, sizeof theirs));
        ike_blame_expected(c, "%s", ours);
        ike_blame_received(c, "%s", theirs);
        IKE_WORDS(ike_transform_format(why->type, why->offered[0], why->offered_bits[0], text, sizeof text));
        ike_blame_remedy(c,
                         why->type && why->offered[0] ? "add %s to the child's `%s-proposals` here, or change the peer"
                                                      : "give both sides one child proposal in common",
                         text, conf->child_proposals[best_index]->protocol == IKE_PROTO_AH ? "ah" : "esp");
        return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_CHILD_PROPOSAL);
    }
    if (IKE_WITH_BUNDLES && best == 1) {
        ike_blame(c, IKE_FAIL_MODE, IKE_DECIDER_US);
        ike_blame_expected(c, "transport mode");
        ike_blame_received(c, "tunnel mode");
        ike_blame_remedy(c, "set mode = tunnel here, or transport on the peer");
        return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_MODE);
    }
    ike_blame(c, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
    if (conf->s.n_children) {
        ike_blame_expected(c, "here %s, at the peer %s", a[0] ? a : "our address", b[0] ? b : "the peer's address");
    } else {
        ike_blame_expected(c, "no child at all: none is configured");
    }
    IKE_WORDS(ike_ts_list_format(x->e->ts.tsr.ts, x->e->ts.tsr.n, a, sizeof a));
    IKE_WORDS(ike_ts_list_format(x->e->ts.tsi.ts, x->e->ts.tsi.n, b, sizeof b));
    ike_blame_received(c, "here %s, at the peer %s", a, b);
    ike_blame_remedy(c, "local-net on one side must be remote-net on the other: correct the side that is wrong");
    return ike_refuse(x, IKE_N_TS_UNACCEPTABLE, IKE_FAIL_SELECTORS);
}

static int take_offer(struct ike_exchange *x, struct offer *o)
{
    struct ike_ts_scratch *ts = &x->e->ts;
    struct ike_notify n;
    const struct ike_payload *tsi = ike_message_find(x->msg, IKE_P_TSI, 0), *tsr = ike_message_find(x->msg, IKE_P_TSR, 0);
    const struct ike_payload *ke = ike_message_find(x->msg, IKE_P_KE, 0);
    struct ike_child *old = ike_child_by_id(x->e, x->setup->old_child);
    ike_bytes value;
    o->sa = ike_message_find(x->msg, IKE_P_SA, 0);
    o->args =
        (struct ike_select_args){.spi_len = 4, .with_ke = x->script == &ike_v2_create_child, .prefer = old ? &old->suite : NULL};
    o->transport = IKE_WITH_BUNDLES && ike_message_notify(x->msg, IKE_N_USE_TRANSPORT_MODE, &n);
    int ri = ike_ts_payload_parse(ts->tsi.ts, IKE_TS_MAX, &ts->tsi.n, tsi),
        rr = ike_ts_payload_parse(ts->tsr.ts, IKE_TS_MAX, &ts->tsr.n, tsr);
    if (ri == IKE_ERR_LIMIT || rr == IKE_ERR_LIMIT) {
        return ike_refuse(x, IKE_N_TS_UNACCEPTABLE, IKE_FAIL_SELECTORS);
    }
    if (ri != IKE_OK || rr != IKE_OK) {
        return ike_fault(x, ri != IKE_OK ? IKE_P_TSI : IKE_P_TSR);
    }
    if (ke && o->args.with_ke && ike_ke_parse(&o->args.prefer_ke, &value, ke) != IKE_OK) {
        return ike_fault(x, IKE_P_KE);
    }
    return IKE_X_OK;
}

/* KE and nonce of IKE_AUTH were those of IKE_SA_INIT. */
static int accept(struct ike_exchange *x, uint16_t index)
{
    struct ike_setup *s = x->setup;
    bool with_ke = x->script == &ike_v2_create_child;
    s->with_child = true;
    ike_conf_unref(&x->e->core, s->conf); /* of a request that was dropped and comes again */
    s->conf = ike_conf_ref(x->sa->conn->conf);
    s->index = index;
    int r = with_ke && s->chosen.suite.ke ? ike_take_ke(x, s->chosen.suite.ke) : IKE_X_OK;
    r = r == IKE_X_OK && with_ke ? ike_take_nonce(x) : r;
    r = r == IKE_X_OK ? take_ipcomp(x, IKE_WITH_BUNDLES && ike_setup_child(s)->compress ? find_ipcomp(x->msg) : 0) : r;
    return r == IKE_X_OK ? ike_keep_ts(x, &x->e->ts.local, &x->e->ts.remote) : r;
}

/* Which of the connection's children the request is for: at a rekey the old one's first. */
int ike_child_choose(struct ike_exchange *x)
{
    struct offer o;
    struct ike_mismatch why, best_why = {0};
    struct ike_conf *conf = x->sa->conn->conf; /* the present settings, not those the IKE SA began with */
    struct ike_child *old = ike_child_by_id(x->e, x->setup->old_child);
    int best = -1, preferred = old ? ike_conf_child(conf, ike_child_conf(old)->name) : -1;
    uint16_t best_index = 0;
    if (!ike_message_find(x->msg, IKE_P_SA, 0)) {
        return IKE_X_OK; /* IKE_AUTH without a child */
    }
    int r = take_offer(x, &o);
    if (r != IKE_X_OK) {
        return r;
    }
    if (ike_children_of(x->sa, x->setup->old_child) >= conf->s.max_children) {
        return ike_refuse(x, IKE_N_NO_ADDITIONAL_SAS, IKE_FAIL_LIMIT);
    }
    for (size_t k = 0; k < conf->s.n_children + 1; k++) {
        int i = k == 0 ? preferred : (int)k - 1;
        if (i < 0 || (k > 0 && i == preferred)) {
            continue;
        }
        int far = try_child(x, &o, conf, (uint16_t)i, &why);
        if (far < 0) {
            return ike_fault(x, IKE_P_SA);
        }
        if (far == 3) {
            return accept(x, (uint16_t)i);
        }
        if (far > best) {
            best = far;
            best_index = (uint16_t)i;
            if (IKE_WITH_RECORDS) {
                best_why = why;
            }
        }
    }
    return refuse_child(x, &o, best, best_index, &best_why);
}

/* TSi is the initiator's side, so for us the remote one. */
void ike_put_child_answer(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    uint8_t spi[4];
    if (!s->with_child) {
        return;
    }
    if (wants_transport(s)) {
        ike_put_notify(&x->chain, IKE_N_USE_TRANSPORT_MODE, ike_bytes_of(NULL, 0));
    }
    put_ipcomp(x);
    ike_store32(spi, s->spi_in);
    ike_put_sa_answer(&x->chain, &s->chosen.suite, s->chosen.number, spi, 4);
    if (x->script == &ike_v2_create_child) {
        ike_put_nonce(x);
        if (s->chosen.suite.ke) {
            ike_put_own_ke(x);
        }
    }
    ike_put_ts(&x->chain, IKE_P_TSI, ike_ts_array(&s->remote_ts), ike_ts_count(&s->remote_ts));
    ike_put_ts(&x->chain, IKE_P_TSR, ike_ts_array(&s->local_ts), ike_ts_count(&s->local_ts));
}

/* ---- Both: keys ------------------------------------------------------------------------------------------------------- */

/* KEYMAT (RFC 7296 section 2.17). With PFS the new shared secret goes in; without, the nonces alone make it new. */
int ike_v2_child_keys(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    struct ike_child *k = s->child;
    uint8_t mat[2 * (IKE_KEY_MAX + IKE_HASH_MAX)];
    if (!k) {
        return IKE_X_OK;
    }
    size_t each = (size_t)k->key_e + k->key_a;
    bool pfs = x->script == &ike_v2_create_child && s->chosen.suite.ke;
    int r = pfs ? ike_compute_shared(c, s) : IKE_OK;
    if (r == IKE_OK) {
        r = ike_keymat(sa->prf, c->ctx, ike_key_d(&sa->layout, sa->keys),
                       pfs ? ike_blob_bytes(&s->shared) : ike_bytes_of(NULL, 0), ike_blob_bytes(&s->ni), ike_blob_bytes(&s->nr),
                       mat, 2 * each);
    }
    if (r == IKE_OK) {
        /* Initiator to responder first; for the initiator of this exchange that is outbound. */
        memcpy(ike_child_keys(k, x->role == IKE_RESPONDER), mat, each);
        memcpy(ike_child_keys(k, x->role == IKE_INITIATOR), mat + each, each);
    }
    ike_wipe(mat, sizeof mat);
    return r == IKE_OK ? IKE_X_OK : ike_keys_failed(x, r);
}

/* ---- Initiator: the peer does not want the child ---------------------------------------------------------------------- */

/* IKE_X_OK: the answer has a child in it. Errors of the peer's are shown with what we asked for. */
int ike_child_refused(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_notify n = {0};
    char text[200], more[100];
    if (ike_message_find(x->msg, IKE_P_SA, 0)) {
        return IKE_X_OK;
    }
    bool said = ike_message_error(x->msg, &n);
    const char *name = ike_word(IKE_REG_NOTIFY, n.type);
    uint16_t code = said ? ike_code_of(n.type, true) : IKE_FAIL_SYNTAX;
    int r = said ? ike_peer_said(x, &n, code, IKE_X_REFUSE) : IKE_X_REFUSE;
    if (!said) {
        ike_blame(c, code, IKE_DECIDER_US);
        ike_blame_received(c, "an answer with neither a child nor an error");
        return r;
    }
    ike_blame_received(c, "%s (%u)", name ? name : "error", (unsigned)n.type);
    if (code == IKE_FAIL_SELECTORS) {
        IKE_WORDS(ike_ts_list_format(ike_ts_array(&s->local_ts), ike_ts_count(&s->local_ts), text, sizeof text));
        IKE_WORDS(ike_ts_list_format(ike_ts_array(&s->remote_ts), ike_ts_count(&s->remote_ts), more, sizeof more));
        ike_blame_expected(c, "the peer to accept here %s, there %s", text, more);
        ike_blame_remedy(
            c, "local-net here must be remote-net there and the other way round: compare with the peer's configuration");
    } else if (code == IKE_FAIL_NO_CHILD_PROPOSAL) {
        IKE_WORDS(ike_proposals_format(ike_setup_proposals(s), text, sizeof text));
        ike_blame_expected(c, "one of our child proposals: %s", text);
        ike_blame_remedy(c, "put a proposal the peer has into the child's `%s-proposals` here, or one of ours there",
                         ike_setup_protocol(s) == IKE_PROTO_AH ? "ah" : "esp");
    }
    return r;
}
