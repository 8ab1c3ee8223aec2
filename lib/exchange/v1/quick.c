/* SPDX-License-Identifier: ISC
 *
 * Quick Mode (RFC 2409 section 5.5): a child, with or without a key exchange of its own. A rekey is a Quick Mode like any other;
 * the old child goes when the new one stands.
 */
#include "base/sabotage.h"
#include "exchange/v1/v1.h"
#include "message/names.h"
#include "proposal/v1_map.h"

/* ---- What is asked for ---------------------------------------------------------------------------------------------------- */

/* Encapsulation modes (RFC 2407 section 4.5, RFC 3947 section 5.1). */
static uint16_t wire_mode(const struct ike_sa *sa, uint8_t mode)
{
    bool tunnel = mode == IKE_MODE_TUNNEL;
    if (!ike_uses_encap(sa)) {
        return tunnel ? IKE_MODE1_TUNNEL : IKE_MODE1_TRANSPORT;
    }
    if (sa->v1->nat_t == IKE_V1_NAT_T_DRAFT) {
        return tunnel ? IKE_MODE1_UDP_TUNNEL_DRAFT : IKE_MODE1_UDP_TRANSPORT_DRAFT;
    }
    return tunnel ? IKE_MODE1_UDP_TUNNEL : IKE_MODE1_UDP_TRANSPORT;
}

static struct ike_v1_want want_of(const struct ike_exchange *x, const struct ike_conf *conf, size_t index)
{
    const ike_child_settings *k = &conf->s.children[index];
    return (struct ike_v1_want){.main = conf->child_proposals[index],
                                .around = conf->child_around[index],
                                .compress = k->compress,
                                .private_ke = ike_sa_private_ke(x->sa),
                                .terms = {.mode = wire_mode(x->sa, k->mode),
                                          .life_s = k->life_s,
                                          .life_kb = ike_v1_kilobytes(k->life_bytes),
                                          .min_s = k->life_min_s,
                                          .max_s = k->life_max_s,
                                          .min_kb = ike_v1_kilobytes(k->life_min_bytes),
                                          .max_kb = ike_v1_kilobytes(k->life_max_bytes)}};
}

/* SPIs of ours, by place. */
static void own_spis(const struct ike_setup *s, uint32_t spi[IKE_V1_PLACES])
{
    const struct ike_beside *around = ike_setup_has(s, IKE_PROTO_AH), *inside = ike_setup_has(s, IKE_PROTO_IPCOMP);
    spi[IKE_V1_MAIN] = s->spi_in;
    spi[IKE_V1_AROUND] = around ? around->spi_in : 0;
    spi[IKE_V1_INSIDE] = inside ? inside->spi_in : 0;
}

/* One pair of selectors is all that a Quick Mode can have: the first that the packet is in, or simply the first. */
static int one_pair(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_blob *both[] = {&s->local_ts, &s->remote_ts};
    const ike_ts *packet[] = {&s->packet_local, &s->packet_remote};
    for (size_t i = 0; s->with_child && i < 2; i++) {
        const ike_ts *ts = ike_ts_array(both[i]);
        size_t n = ike_ts_count(both[i]), at = s->has_packet ? 1 : 0; /* the packet's own selector comes first */
        while (s->has_packet && at < n && !ike_ts_within(packet[i], &ts[at])) {
            at++;
        }
        ike_ts one = ts[at < n ? at : 0];
        int r = ike_blob_set(&x->e->core, both[i], ike_bytes_of(&one, sizeof one));
        if (r != IKE_OK) {
            return ike_trouble(x, r);
        }
    }
    return IKE_X_OK;
}

/* Also one of the IKE SA's own. */
static const ike_ke *find_ke(const struct ike_exchange *x, uint16_t group)
{
    return group && group == ike_sa_private_ke(x->sa) ? &x->sa->v1->group->ke : ike_find_ke(x->e->core.crypto, group);
}

/* PFS when the proposals name a group. All transforms of an offer have the same one: that of New Group Mode, or of the IKE SA, or
 * the first. */
static int pick_ke(struct ike_exchange *x)
{
    uint16_t group = ike_v1_ke(ike_setup_proposals(x->setup), x->sa->suite.ke), own = ike_sa_private_ke(x->sa);
    group = group && own ? own : group;
    x->setup->ke = group ? find_ke(x, group) : NULL;
    return !group || x->setup->ke ? IKE_X_OK : ike_refuse(x, 0, IKE_FAIL_KE_GROUP);
}

static int put_ids(struct ike_exchange *x, const struct ike_blob *i, const struct ike_blob *r)
{
    if (!ike_v1_put_ts(&x->chain, ike_ts_array(i)) || !ike_v1_put_ts(&x->chain, ike_ts_array(r))) {
        ike_blame(&x->e->core, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
        ike_blame_expected(&x->e->core, "selectors with one port, or any: IKEv1 has no others");
        return IKE_X_REFUSE;
    }
    return IKE_X_OK;
}

static void put_values(struct ike_exchange *x)
{
    ike_put_payload(&x->chain, IKE_P1_NONCE, ike_blob_bytes(ike_own_nonce(x)));
    if (x->setup->ke) {
        ike_put_payload(&x->chain, IKE_P1_KE, ike_blob_bytes(&x->setup->ke_public));
    }
}

static int put_request(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_v1_want w = want_of(x, s->conf, s->index);
    uint32_t spi[IKE_V1_PLACES];
    own_spis(s, spi);
    w.compress = spi[IKE_V1_INSIDE] != 0; /* the data plane may have none */
    ike_v1_hash_begin(x);
    ike_v1_put_bundles(&x->chain, &w, spi, s->ke ? s->ke->id : 0);
    if (x->chain.w.bad) {
        ike_blame(&x->e->core, IKE_FAIL_NO_CHILD_PROPOSAL, IKE_DECIDER_US);
        ike_blame_expected(&x->e->core, "child proposals that IKEv1 has numbers for, with one group for all");
        return IKE_X_REFUSE;
    }
    put_values(x);
    int r = put_ids(x, &s->local_ts, &s->remote_ts);
    if (ike_uses_encap(x->sa) && s->mode == IKE_MODE_TRANSPORT) {
        ike_v1_put_originals(x);
    }
    return r == IKE_X_OK ? ike_exchange_seal(x) : r;
}

/* ---- Both: values --------------------------------------------------------------------------------------------------------- */

/* A KE payload and a group in the proposal go together (RFC 2409 section 5.5). */
static int take_values(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const struct ike_payload *ke = ike_message_find(x->msg, IKE_P1_KE, 0), *no = ike_message_find(x->msg, IKE_P1_NONCE, 0);
    if (no->len < IKE_V1_NONCE_MIN || no->len > IKE_NONCE_MAX || !ike_nonce_fresh(x, no)) {
        return ike_fault(x, IKE_P1_NONCE);
    }
    if (!ke != !s->v1.suite.ke) {
        return ike_refuse(x, IKE_N1_NO_PROPOSAL_CHOSEN, IKE_FAIL_KE_GROUP);
    }
    if (x->role == IKE_RESPONDER) {
        s->ke = ke ? find_ke(x, s->v1.suite.ke) : NULL;
    }
    int r = ke ? ike_take_public(x, ike_bytes_of(ke->body, ke->len)) : IKE_OK;
    if (r == IKE_ERR_PROTO) {
        return ike_refuse(x, IKE_N1_INVALID_KEY_INFORMATION, IKE_FAIL_KEY_EXCHANGE);
    }
    r = r == IKE_OK ? ike_blob_set(c, ike_peer_nonce(x), ike_bytes_of(no->body, no->len)) : r;
    return ike_outcome(x, r);
}

/* What the shared steps of making a child go by. */
static int take_choice(struct ike_exchange *x, const struct ike_v1_bundle *b)
{
    struct ike_setup *s = x->setup;
    struct ike_beside list[IKE_BESIDE_MAX];
    size_t n = 0;
    for (unsigned place = 0; place < IKE_V1_PLACES; place++) {
        for (unsigned i = 0; i < b->n; i++) {
            if (b->place[i] == place && place != IKE_V1_MAIN) {
                list[n++] = (struct ike_beside){.suite = b->part[i].suite, .spi_out = ike_load32(b->part[i].spi)};
            } else if (b->place[i] == place) {
                s->v1 = b->part[i];
            }
        }
    }
    s->v1.attrs = ike_bytes_of(NULL, 0);
    s->chosen = (struct ike_selection){.suite = s->v1.suite, .number = s->v1.number, .spi_len = 4};
    memcpy(s->chosen.spi, s->v1.spi, 4);
    /* An offer without a mode leaves it to the host (RFC 2407 section 4.5): it was taken for the one that is configured. */
    s->mode = s->v1.terms.mode == 0 ? ike_setup_child(s)->mode : s->v1.terms.mode % 2 ? IKE_MODE_TUNNEL : IKE_MODE_TRANSPORT;
    return ike_keep_beside(x, list, n);
}

/* The attributes have to be answered as they came: what is chosen outlives the message. */
static int keep_choice(struct ike_exchange *x, const struct ike_v1_bundle *b)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_v1_bundle kept = *b;
    size_t len = 0;
    for (unsigned i = 0; i < b->n; i++) {
        len += b->part[i].attrs.len;
    }
    int r = ike_blob_room(c, &s->chosen_attrs, len);
    uint8_t *at = s->chosen_attrs.ptr;
    for (unsigned i = 0; r == IKE_OK && i < b->n; i++) {
        memcpy(at, b->part[i].attrs.ptr, b->part[i].attrs.len);
        kept.part[i].attrs.ptr = at;
        at += b->part[i].attrs.len;
    }
    return r == IKE_OK ? ike_blob_set(c, &s->bundle, ike_bytes_of(&kept, sizeof kept)) : r;
}

/* ---- Responder ------------------------------------------------------------------------------------------------------------ */

/* Both or none; none means the addresses of the peers (RFC 2409 section 5.5). */
static int take_ids(struct ike_exchange *x)
{
    struct ike_ts_scratch *t = &x->e->ts;
    const struct ike_payload *i = ike_message_find(x->msg, IKE_P1_ID, 0), *r = ike_message_find(x->msg, IKE_P1_ID, 1);
    t->tsi.n = t->tsr.n = 1;
    if (!i) {
        t->tsi.ts[0] = ike_ts_of_addr(&x->path.remote);
        t->tsr.ts[0] = ike_ts_of_addr(&x->path.local);
        return IKE_X_OK;
    }
    if (!r || ike_v1_ts_parse(&t->tsi.ts[0], i) != IKE_OK || ike_v1_ts_parse(&t->tsr.ts[0], r) != IKE_OK) {
        return ike_refuse(x, IKE_N1_INVALID_ID_INFORMATION, IKE_FAIL_SELECTORS);
    }
    ike_v1_through_nat(x, &t->tsr.ts[0], &t->tsi.ts[0]);
    return IKE_X_OK;
}

/* A responder cannot narrow: what is asked for lies within policy as a whole, or is refused. */
static bool within(const struct ike_exchange *x, const ike_child_settings *k)
{
    ike_ts lbuf, rbuf;
    size_t nl, nr;
    const ike_ts *lt = ike_ts_side(x->sa, k, true, &x->path, &nl, &lbuf);
    const ike_ts *rt = ike_ts_side(x->sa, k, false, &x->path, &nr, &rbuf);
    const struct ike_ts_scratch *t = &x->e->ts;
    return ike_ts_all_within(t->tsr.ts, 1, lt, nl) && ike_ts_all_within(t->tsi.ts, 1, rt, nr);
}

/* Of a bundle the mode of the main protocol counts. */
static void blame_mode(struct ike_core *c, uint16_t want, const struct ike_v1_bundle *b)
{
    unsigned i = 0;
    while (b->place[i] != IKE_V1_MAIN) {
        i++;
    }
    const uint16_t got = b->part[i].terms.mode;
    const char *word = ike_v1_word(IKE_T1_MODE, got);
    const bool other = want % 2 != got % 2; /* the numbers of tunnel mode are odd, with UDP and without */
    if (other) {
        c->draft.code = IKE_FAIL_MODE;
    }
    ike_blame_expected(c, "%s mode", ike_v1_word(IKE_T1_MODE, want));
    ike_blame_received(c, "%s mode", word ? word : "another");
    ike_blame_remedy(c, "%s",
                     other ? "set the same `mode` on both sides"
                           : "one side takes a NAT to be there (udp) and the other does not: compare what both sides announce");
}

/* What keeps the nearest child from being taken: nothing but its lifetime, its mode, or its algorithms. */
static int refuse_proposals(struct ike_exchange *x, size_t nearest, const struct ike_payload *sa, uint16_t ke)
{
    struct ike_core *c = &x->e->core;
    struct ike_conf *conf = x->sa->conn->conf;
    const struct ike_v1_want w = want_of(x, conf, nearest);
    struct ike_v1_want more = w;
    struct ike_v1_bundle bundle;
    char a[200], b[200];
    ike_blame(c, IKE_FAIL_NO_CHILD_PROPOSAL, IKE_DECIDER_US);
    more.terms.max_s = more.terms.max_kb = 0;
    if (ike_v1_select_bundle(&more, sa, ke, &bundle) == IKE_OK) {
        ike_v1_blame_life(c, &w.terms, sa, true);
        return ike_refuse(x, IKE_N1_NO_PROPOSAL_CHOSEN, 0);
    }
    more = w;
    more.terms.mode = 0;
    if (ike_v1_select_bundle(&more, sa, ke, &bundle) == IKE_OK) {
        blame_mode(c, w.terms.mode, &bundle);
        return ike_refuse(x, IKE_N1_NO_PROPOSAL_CHOSEN, 0);
    }
    ike_child_offer_format(conf, nearest, a, sizeof a);
    ike_v1_sa_format(sa, true, b, sizeof b);
    ike_blame_expected(c, "%s", a);
    ike_blame_received(c, "%s", b);
    ike_blame_remedy(c, "give both sides one child proposal in common: the same algorithms, and the same group for PFS or none");
    return ike_refuse(x, IKE_N1_NO_PROPOSAL_CHOSEN, 0);
}

static int refuse_selectors(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    char a[200], b[200];
    ike_blame(c, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
    ike_ts_list_format(x->e->ts.tsr.ts, 1, a, sizeof a);
    ike_ts_list_format(x->e->ts.tsi.ts, 1, b, sizeof b);
    struct ike_lease *l = x->sa->peer->lease;
    if (x->sa->conn->conf->s.pool.family && !l) {
        ike_blame_expected(c, "the peer to ask for an address first (Mode-Config), as it is given one of `pool`");
    }
    ike_blame_expected(c, "selectors within a child of this connection%s",
                       l && !l->ours ? ", at the peer its address of `pool`" : "");
    ike_blame_received(c, "here %s, at the peer %s", a, b);
    ike_blame_remedy(c, "local-net on one side must be remote-net on the other: correct the side that is wrong");
    return ike_refuse(x, IKE_N1_INVALID_ID_INFORMATION, 0);
}

static int choose(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_conf *conf = x->sa->conn->conf;
    const struct ike_payload *sa = ike_message_find(x->msg, IKE_P1_SA, 0);
    struct ike_v1_bundle bundle;
    int nearest = -1, found = -1;
    uint16_t ke = ike_message_find(x->msg, IKE_P1_KE, 0) ? 1 : 0;
    if (ike_children_of(x->sa, 0) >= conf->s.max_children) {
        return ike_refuse(x, IKE_N1_NO_PROPOSAL_CHOSEN, IKE_FAIL_LIMIT);
    }
    for (size_t i = 0; i < conf->s.n_children && found < 0; i++) {
        struct ike_v1_want w = want_of(x, conf, i);
        if (!within(x, &conf->s.children[i])) {
            continue;
        }
        int r = ike_v1_select_bundle(&w, sa, ke, &bundle);
        if (r == IKE_ERR_PROTO) {
            return ike_fault(x, IKE_P1_SA);
        }
        found = r == IKE_OK ? (int)i : -1;
        nearest = nearest < 0 ? (int)i : nearest;
    }
    if (found < 0) {
        return nearest < 0 ? refuse_selectors(x) : refuse_proposals(x, (size_t)nearest, sa, ke);
    }
    s->with_child = true;
    ike_conf_unref(&x->e->core, s->conf);
    s->conf = ike_conf_ref(conf);
    s->index = (uint16_t)found;
    int r = take_choice(x, &bundle);
    r = r == IKE_OK ? keep_choice(x, &bundle) : r;
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    return ike_keep_ts(x, &x->e->ts.tsr, &x->e->ts.tsi);
}

/* The identities octet by octet as they came, when they came: there are peers that compare. */
static int put_response(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    const struct ike_payload *id;
    uint32_t spi[IKE_V1_PLACES];
    own_spis(s, spi);
    ike_v1_hash_begin(x);
    ike_v1_put_bundle_answer(&x->chain, (const struct ike_v1_bundle *)(const void *)s->bundle.ptr, spi);
    put_values(x);
    for (unsigned i = 0; (id = ike_message_find(x->msg, IKE_P1_ID, i)) != NULL; i++) {
        ike_put_payload(&x->chain, IKE_P1_ID, ike_bytes_of(id->body, id->len));
    }
    if (ike_uses_encap(x->sa) && s->mode == IKE_MODE_TRANSPORT) {
        ike_v1_put_originals(x);
    }
    ike_v1_put_life(x);
    return ike_v1_hash_end(x, ike_blob_bytes(&s->ni));
}

static int check_hash3(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P1_HASH, 0);
    uint8_t hash[IKE_HASH_MAX];
    size_t n = sa->prf->mac->len;
    if (x->authentic) {
        return IKE_X_OK;
    }
    if (ike_v1_hash3(sa->prf, x->e->core.ctx, ike_v1_key_a(sa), x->mid, ike_blob_bytes(&s->ni), ike_blob_bytes(&s->nr), hash) !=
            IKE_OK ||
        p->len != n || !ike_ct_equal(hash, p->body, n)) {
        return IKE_X_DROP;
    }
    ike_v1_proved(x);
    return IKE_X_OK;
}

/* ---- Initiator ------------------------------------------------------------------------------------------------------------ */

static int check_hash2(struct ike_exchange *x) { return ike_v1_hash_check(x, ike_blob_bytes(&x->setup->ni)); }

/* Exactly one of our transforms, and what was asked for: wider would open more than the policy does. */
static int take_answer(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_v1_want w = want_of(x, s->conf, s->index);
    w.terms.max_s = w.terms.max_kb = 0; /* the range is for offers of others; an answer repeats ours */
    struct ike_v1_bundle bundle;
    const struct ike_payload *i = ike_message_find(x->msg, IKE_P1_ID, 0), *r = ike_message_find(x->msg, IKE_P1_ID, 1);
    ike_ts own, peer;
    if (ike_v1_check_bundle(&w, ike_message_find(x->msg, IKE_P1_SA, 0), s->ke ? s->ke->id : 0, &bundle) != IKE_OK ||
        (!ike_setup_has(s, IKE_PROTO_IPCOMP) && bundle.n > 1u + (w.around != NULL))) {
        ike_blame_answer(x, IKE_FAIL_NO_CHILD_PROPOSAL, "an SA payload that is not one of our proposals");
        return ike_refuse(x, IKE_N1_NO_PROPOSAL_CHOSEN, 0);
    }
    if (take_choice(x, &bundle) != IKE_OK) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    if (ike_deleted_early(s)) {
        return ike_blame_answer(x, IKE_FAIL_REPLACED, "a Delete for this SA before the answer that made it");
    }
    own = i ? (ike_ts){0} : ike_ts_of_addr(&x->path.local);
    peer = i ? (ike_ts){0} : ike_ts_of_addr(&x->path.remote);
    bool whole = !i || (r && ike_v1_ts_parse(&own, i) == IKE_OK && ike_v1_ts_parse(&peer, r) == IKE_OK);
    ike_v1_through_nat(x, &own, &peer);
    if (!whole || !ike_ts_within(&own, ike_ts_array(&s->local_ts)) || !ike_ts_within(&peer, ike_ts_array(&s->remote_ts)) ||
        !ike_ts_within(ike_ts_array(&s->local_ts), &own) || !ike_ts_within(ike_ts_array(&s->remote_ts), &peer)) {
        ike_blame_answer(x, IKE_FAIL_SELECTORS, "other identities than were asked for");
        return ike_refuse(x, IKE_N1_INVALID_ID_INFORMATION, 0);
    }
    return IKE_X_OK;
}

static int put_hash3(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    uint8_t hash[IKE_HASH_MAX];
    int r = ike_v1_hash3(sa->prf, x->e->core.ctx, ike_v1_key_a(sa), x->mid, ike_blob_bytes(&s->ni), ike_blob_bytes(&s->nr), hash);
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    ike_put_payload(&x->chain, IKE_P1_HASH, ike_bytes_of(hash, sa->prf->mac->len));
    return IKE_X_OK;
}

/* ---- Both: keys, and taking over ------------------------------------------------------------------------------------------ */

/* Each protocol has keys of its own, and each direction's hang on the SPI of who receives with them. */
static int keys(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    struct ike_child *k = s->child;
    int r = s->ke ? ike_compute_shared(c, s) : IKE_OK;
    ike_bytes shared = s->ke ? ike_blob_bytes(&s->shared) : ike_bytes_of(NULL, 0);
    for (int in = 0; r == IKE_OK && in < 2; in++) {
        r = ike_v1_keymat(sa->prf, c->ctx, ike_v1_key_d(sa), shared, k->suite.protocol, in ? k->spi_in : k->spi_out,
                          ike_blob_bytes(&s->ni), ike_blob_bytes(&s->nr), ike_child_keys(k, in), (size_t)k->key_e + k->key_a);
        for (size_t i = 0; r == IKE_OK && i < k->n_beside; i++) {
            const struct ike_beside *b = &ike_child_beside(k)[i];
            r = b->key_a
                    ? ike_v1_keymat(sa->prf, c->ctx, ike_v1_key_d(sa), shared, b->suite.protocol, in ? b->spi_in : b->spi_out,
                                    ike_blob_bytes(&s->ni), ike_blob_bytes(&s->nr), ike_child_keys_beside(k, i, in), b->key_a)
                    : IKE_OK;
        }
    }
    return r == IKE_OK           ? IKE_X_OK
           : r == IKE_ERR_CRYPTO ? ike_refuse(x, IKE_N1_INVALID_KEY_INFORMATION, IKE_FAIL_KEY_EXCHANGE)
                                 : ike_trouble(x, r);
}

static bool same_ts(const ike_ts *a, const ike_ts *b) { return ike_ts_within(a, b) && ike_ts_within(b, a); }

/* Of the same name, for the same traffic, up by then. */
static bool alike(const struct ike_child *k, const struct ike_child *other, ike_time by)
{
    return other != k && other->established && other->established <= by &&
           strcmp(ike_child_conf(other)->name, ike_child_conf(k)->name) == 0 &&
           same_ts(ike_child_local(other), ike_child_local(k)) && same_ts(ike_child_remote(other), ike_child_remote(k));
}

/* Another whose place nobody has taken yet. NULL: none. */
static struct ike_child *twin_of(const struct ike_child *k, ike_time by)
{
    IKE_LIST_EACH (it, tmp, &k->peer->children) {
        struct ike_child *old = IKE_OF(it, struct ike_child, link);
        if (alike(k, old, by) && !old->rekeyed && old->state != IKE_CHILD_DELETING) {
            return old;
        }
    }
    return NULL;
}

/* The one with which the peer has replaced k already: k's last message comes behind those of the next, which the peer began when
 * k was up there. NULL: none. */
static const struct ike_child *overtook(const struct ike_child *k)
{
    const struct ike_child *next = NULL;
    IKE_LIST_EACH (it, tmp, &k->peer->children) {
        const struct ike_child *later = IKE_OF(it, struct ike_child, link);
        bool made = later->number > k->number && !later->initiator && !k->initiator;
        next = made && alike(k, later, IKE_NEVER) ? later : next;
    }
    return next;
}

/* The child that the new one takes the place of. No message says so; it was there before its initiator began. */
static int find_old(struct ike_exchange *x)
{
    struct ike_child *k = x->setup->child, *old = twin_of(k, x->role == IKE_INITIATOR ? x->first_sent : x->e->core.now);
    k->replaces = old ? old->id : 0;
    return IKE_X_OK;
}

/* Who deletes the old one does it late: the peer sends on it until our last message has reached it, perhaps at the third try. A
 * Delete is not answered and may be lost: then the other does it. */
#define OVERLAP (30 * IKE_SEC)
#define LOST    (180 * IKE_SEC)

static void supersede(struct ike_engine *e, struct ike_child *old, bool ours_to_delete)
{
    ike_time at = e->core.now + (IKE_SABOTAGED(V1_OLD_FIRST) ? 0 : ours_to_delete ? OVERLAP : LOST);
    old->rekeyed = true;
    old->state = IKE_CHILD_REKEYED;
    old->rekey_at = IKE_NEVER;
    old->expires_at = at < old->expires_at ? at : old->expires_at;
    ike_child_schedule(e, old);
}

static uint32_t first_spi(const struct ike_child *k) { return k->initiator ? k->spi_in : k->spi_out; }

/* Both sides have made one at once, and see the same two: that of the lower SPI of the one who began it goes, and he deletes
 * it. Each may have taken another for the newer, so neither sends on it from now on. */
static void settle_twins(struct ike_engine *e, struct ike_child *k)
{
    struct ike_child *other = k->rekeyed || k->state == IKE_CHILD_DELETING || k->dead ? NULL : twin_of(k, IKE_NEVER);
    if (!other) {
        return;
    }
    IKE_WITNESS(ike_witness_met(IKE_MET_TWINS));
    struct ike_child *goes = first_spi(k) < first_spi(other) ? k : other, *stays = goes == k ? other : k;
    supersede(e, goes, goes->initiator);
    ike_child_uninstall_out(&e->db, goes);
    IKE_LIST_EACH (it, tmp, &k->peer->children) {
        struct ike_child *old = IKE_OF(it, struct ike_child, link);
        old->replaced_by = old->replaced_by == goes->id ? stays->id : old->replaced_by;
    }
}

/* The peer was faster, so that our own Quick Mode for the same child need not come to its end. The peer may have answered it: it
 * is told that nothing comes of it. */
static void give_way(struct ike_exchange *x, const struct ike_child *old)
{
    IKE_LIST_EACH (it, tmp, &x->sa->outstanding) {
        struct ike_exchange *own = IKE_OF(it, struct ike_exchange, link);
        if (own != x && own->role == IKE_INITIATOR && own->script == &ike_v1_quick && own->child == old->id) {
            IKE_WITNESS(ike_witness_met(IKE_MET_GAVE_WAY));
            own->setup->reject = own->setup->spi_in != 0;
            ike_exchange_abort(own, IKE_X_DROP);
            break;
        }
    }
}

static int replace(struct ike_exchange *x)
{
    struct ike_child *k = x->setup->child, *old = ike_child_by_id(x->e, k->replaces);
    const struct ike_child *next = overtook(k);
    bool taken = old && old->rekeyed; /* by another, meanwhile */
    if (next) {
        k->replaces = 0;
        k->replaced_by = next->id;
        k->contested = true; /* nobody hears of it */
        (void)ike_child_report_up(x);
        supersede(x->e, k, false);
        ike_child_uninstall_out(&x->e->db, k);
        return IKE_X_OK;
    }
    if (taken) {
        k->replaces = 0;
    } else if (old) {
        old->replaced_by = k->id;
        supersede(x->e, old, x->role == IKE_INITIATOR);
        give_way(x, old);
    }
    int r = ike_child_report_up(x);
    settle_twins(x->e, k);
    return r;
}

/* ---- The commit bit (RFC 2408 section 3.1) --------------------------------------------------------------------------------- */

/* A responder that sets it says CONNECTED when it can receive. Few do, and of those not all say it where they should: after a
 * while it is taken as said. */
#define COMMIT_WAIT (5 * IKE_SEC)

static int install_out(struct ike_exchange *x)
{
    if (!(x->msg->h.flags & IKE_FLAG1_COMMIT)) {
        return ike_child_install_out(x);
    }
    x->setup->child->out_at = x->e->core.now + COMMIT_WAIT;
    return IKE_X_OK;
}

/* What comes late sends nothing any more; unless the data plane has been asked already. */
static int last_out(struct ike_exchange *x)
{
    x->setup->reject = true; /* until the child stands: the peer has it already, and hears no answer */
    return !x->question && overtook(x->setup->child) ? IKE_X_OK : ike_child_install_out(x);
}

/* HASH(4) is made as HASH(1) is. It may be a replay: then it says again what was said, and nothing of where the peer is. */
static int take_connected(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    const struct ike_payload *p = &x->msg->p[0];
    struct ike_v1_notify n;
    uint8_t hash[IKE_HASH_MAX];
    size_t len = sa->prf->mac->len;
    if (p->type != IKE_P1_HASH || p->len != len ||
        ike_v1_hash(sa->prf, x->e->core.ctx, ike_v1_key_a(sa), x->mid, ike_bytes_of(NULL, 0),
                    ike_v1_behind(p, x->inner, x->inner_len), hash) != IKE_OK ||
        !ike_ct_equal(hash, p->body, len)) {
        x->e->core.count.bad_icv++;
        return IKE_X_DROP;
    }
    p = ike_message_find(x->msg, IKE_P1_NOTIFY, 0);
    if (p && ike_v1_notify_parse(&n, p) == IKE_OK && n.type == IKE_N1_CONNECTED) {
        ike_v1_take_connected(x, &n);
    }
    return IKE_X_OK;
}

static void undo(struct ike_exchange *x)
{
    struct ike_child *old = ike_child_by_id(x->e, x->child);
    ike_child_undo(x);
    if (x->role == IKE_INITIATOR && old && old->state == IKE_CHILD_REKEYING) {
        old->state = IKE_CHILD_INSTALLED;
    }
}

static const struct ike_payload_rule value_rules[] = {{IKE_P1_HASH, 1, 1}, {IKE_P1_SA, 1, 1}, {IKE_P1_NONCE, 1, 1},
                                                      {IKE_P1_KE, 0, 1},   {IKE_P1_ID, 0, 2}, {0, 0, 0}};
static const struct ike_payload_rule hash_rules[] = {{IKE_P1_HASH, 1, 1}, {0, 0, 0}};
static const struct ike_form value_forms[] = {{NULL, value_rules}, {NULL, NULL}};
static const struct ike_form hash_forms[] = {{NULL, hash_rules}, {NULL, NULL}};

static ike_action *const request_build[] = {ike_v1_begin,   ike_child_reserve, one_pair,    pick_ke,
                                            ike_make_nonce, ike_make_ke,       put_request, NULL};
/* The hash before anything is believed; policy before anything is computed. */
static ike_action *const request_handle[] = {ike_exchange_check, take_ids,          choose, take_values,
                                             ike_child_decide,   ike_child_reserve, NULL};
static ike_action *const response_build[] = {ike_make_nonce, ike_make_ke,          ike_child_make, keys, ike_v1_child_agree,
                                             find_old,       ike_child_install_in, put_response,   NULL};
static ike_action *const response_handle[] = {check_hash2, take_answer,        take_values, ike_child_decide,     ike_child_make,
                                              keys,        ike_v1_child_agree, find_old,    ike_child_install_in, install_out,
                                              NULL};
static ike_action *const last_build[] = {put_hash3, NULL};
/* Only now is the peer known to have the answer: from here on it can receive. */
static ike_action *const last_handle[] = {check_hash3, last_out, replace, NULL};
static ike_action *const last_sent[] = {replace, NULL};

static const struct ike_step steps[] = {
    {"Quick Mode 1", IKE_INITIATOR, NULL, value_forms, request_handle, request_build, NULL, NULL},
    {"Quick Mode 2", IKE_RESPONDER, NULL, value_forms, response_handle, response_build, NULL, NULL},
    {"Quick Mode 3", IKE_INITIATOR, NULL, hash_forms, last_handle, last_build, NULL, last_sent},
};
static const struct ike_payload_rule connected_rules[] = {{IKE_P1_HASH, 1, 1}, {0, 0, 0}};
static const struct ike_form connected_forms[] = {{NULL, connected_rules}, {NULL, NULL}};
static ike_action *const connected_handle[] = {take_connected, NULL};
static const struct ike_step connected_steps[] = {
    {"Quick Mode 4 (CONNECTED)", IKE_INITIATOR, NULL, connected_forms, connected_handle, NULL, NULL, NULL}};
const struct ike_script ike_v1_connected = {"Quick Mode", 1,    IKE_X1_QUICK, &ike_v1_delivery, connected_steps, 1, 0,
                                            NULL,         NULL, NULL};
const struct ike_script ike_v1_quick = {"Quick Mode", 1, IKE_X1_QUICK, &ike_v1_delivery, steps, 3, 0, NULL, undo, NULL};
