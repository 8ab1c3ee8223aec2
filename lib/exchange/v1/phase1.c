/* SPDX-License-Identifier: ISC
 *
 * The actions phase 1 is made of (RFC 2409 section 5): proposals, key exchange, keys; proofs are in proof.c. The modes differ in
 * which message has what.
 */
#include "exchange/v1/v1.h"
#include "message/names.h"

/* ---- SA payloads --------------------------------------------------------------------------------------------------------- */

/* Methods with XAUTH behind them come in pairs from 65001 on: for the initiator to show who it is, and for the responder. */
static uint16_t with_xauth(const struct ike_exchange *x, const struct ike_conf *f, uint16_t method)
{
    bool initiator = (f->s.xauth == IKE_XAUTH_CLIENT) == x->sa->initiator;
    return f->s.xauth ? (uint16_t)(64999 + 2 * method + !initiator) : method;
}

static struct ike_v1_terms terms_of(const struct ike_exchange *x, const struct ike_conf *f)
{
    return (struct ike_v1_terms){
        .auth = with_xauth(x, f, f->auth1), .life_s = f->s.life_s,
        .min_s = f->s.life_min_s, .max_s = f->s.life_max_s};
}

/* The group that a value was sent for along with the offer; 0: none yet. */
static uint16_t only_ke(const struct ike_exchange *x) { return x->script == &ike_v1_aggressive ? x->setup->ke->id : 0; }

/* The body of what was just put into the chain as its first payload: both proofs are over it. */
int ike_v1_offer(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_v1_terms t = terms_of(x, x->sa->conf);
    if (!ike_v1_ke(x->sa->conf->proposals, 0)) {
        char ours[200];
        ike_proposals_format(x->sa->conf->proposals, ours, sizeof ours);
        ike_blame(c, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
        ike_blame_expected(c, "a proposal that IKEv1 has numbers for: a block cipher, a hash, and a group of MODP or ECP");
        ike_blame_received(c, "%s", ours);
        ike_blame_remedy(c, "put one such as aes256-sha256-modp2048 into `proposals`");
        return IKE_X_REFUSE;
    }
    ike_v1_put_sa(&x->chain, x->sa->conf->proposals, &t, only_ke(x));
    int r = x->chain.w.bad ? IKE_ERR_NOMEM
                           : ike_blob_set(c, &x->setup->sai, ike_bytes_of(x->chain.w.p + 4, x->chain.w.len - 4));
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    ike_v1_put_vids(x);
    return IKE_X_OK;
}

/* What is kept of the keys: SKEYID_d, SKEYID_a, and the cipher's. */
static int set_suite(struct ike_exchange *x, const struct ike_suite *suite)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    /* An answer that is heard once more, after short memory, may be another one: keys go by the layout they were made for. */
    ike_free_secret(c, sa->keys, ike_key_kept(&sa->layout));
    sa->keys = NULL;
    sa->suite = *suite;
    sa->encr = ike_find_encr(c->crypto, suite->encr);
    sa->prf = ike_find_prf(c->crypto, suite->prf);
    x->setup->ke = ike_find_ke(c->crypto, suite->ke);
    if (!sa->encr || !sa->prf || !x->setup->ke || !ike_v1_hash_of(c->crypto, sa->prf)) {
        return IKE_ERR_UNSUPPORTED;
    }
    size_t bits = suite->encr_bits ? suite->encr_bits : sa->encr->key_bits[0];
    sa->layout = (struct ike_key_layout){.d = (uint16_t)(2u * sa->prf->mac->len + bits / 8)};
    return IKE_OK;
}

/* Strangers learn no more than that nothing fits. */
static int refuse_offer(struct ike_exchange *x, struct ike_conn *first, const struct ike_payload *sa,
                        const struct ike_mismatch *why)
{
    bool method = why->type == IKE_T1_AUTH; /* nothing but how the peers authenticate */
    struct ike_core *c = &x->e->core;
    char ours[200], theirs[200], from[64];
    ike_guard_refused(&x->e->guard);
    if (first) {
        ike_sa_bind(&x->e->db, x->sa, first);
        if (why->type == IKE_T1_LIFE) {
            ike_blame(c, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
            const struct ike_v1_terms want = terms_of(x, first->conf);
            ike_v1_blame_life(c, &want, sa, false);
            return ike_fatal(x, IKE_N1_NO_PROPOSAL_CHOSEN, 0);
        }
        ike_blame(c, method ? IKE_FAIL_AUTH_METHOD : IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
        ike_proposals_format(first->conf->proposals, ours, sizeof ours);
        ike_v1_sa_format(sa, false, theirs, sizeof theirs);
        ike_blame_expected(c, "%s, with %s%s", ours, ike_v1_auth_name(first->conf->auth1),
                           first->conf->s.xauth ? " and XAUTH" : "");
        ike_blame_received(c, "%s", theirs);
        if (method) {
            ike_blame_remedy(c, "let both sides show who they are in the same way: a secret, or keys of one kind (local-key, "
                                "remote-cert); with xauth on both or on none");
        }
        ike_blame_remedy(
            c, "give both sides one proposal in common: add one of the received to `proposals` here, or change the peer");
        return ike_fatal(x, IKE_N1_NO_PROPOSAL_CHOSEN, 0);
    }
    ike_addr_format(&x->path.remote, true, from, sizeof from);
    ike_blame(c, IKE_FAIL_NO_CONNECTION, IKE_DECIDER_US);
    ike_blame_received(c, "an IKEv1 %s from %s", x->script->name, from);
    ike_blame_remedy(c, "add a connection with `remote` = that address, or one with `remote = any`, and `version = ikev1`%s",
                     x->script == &ike_v1_aggressive ? " and `aggressive = yes`, or let the peer begin in Main Mode" : "");
    /* Whoever speaks no IKEv1 says nothing to it. */
    ike_exchange_blame(x);
    return IKE_X_DROP;
}

/* The first connection, most specific first, that speaks IKEv1 and can have one of the peer's transforms. */
int ike_v1_choose(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    const struct ike_payload *sa = ike_message_find(x->msg, IKE_P1_SA, 0);
    struct ike_conn *first = NULL, *conn = ike_conn_match(&e->db, &x->path, NULL);
    struct ike_mismatch why, first_why = {0};
    for (; conn; conn = ike_conn_match(&e->db, &x->path, conn)) {
        struct ike_v1_terms t = terms_of(x, conn->conf);
        if (!ike_conf_speaks(conn->conf, 1) || (x->script == &ike_v1_aggressive && !conn->conf->s.aggressive)) {
            continue;
        }
        int r = ike_v1_select(conn->conf->proposals, sa, &t, &s->v1, &why);
        if (r == IKE_ERR_PROTO) {
            return ike_fault(x, IKE_P1_SA);
        }
        if (r == IKE_OK) {
            break;
        }
        first_why = first ? first_why : why;
        first = first ? first : conn;
    }
    if (!conn) {
        return refuse_offer(x, first, sa, &first_why);
    }
    ike_sa_bind(&e->db, x->sa, conn);
    if (set_suite(x, &s->v1.suite) != IKE_OK) {
        return ike_fatal(x, IKE_N1_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_PROPOSAL);
    }
    int r = ike_blob_set(&e->core, &s->sai, ike_bytes_of(sa->body, sa->len));
    r = r == IKE_OK ? ike_blob_set(&e->core, &s->chosen_attrs, s->v1.attrs) : r;
    s->v1.attrs = ike_blob_bytes(&s->chosen_attrs);
    ike_v1_take_vids(x);
    return ike_outcome(x, r);
}

int ike_v1_answer(struct ike_exchange *x)
{
    ike_v1_put_sa_answer(&x->chain, &x->setup->v1, IKE_PROTO1_ISAKMP, NULL, 0);
    ike_v1_put_vids(x);
    return IKE_X_OK;
}

#define ANSWERS_MAX 16 /* that are heard in one attempt, of which at most one is the peer's */

/* Not authenticated: what does not fit may be a forgery, and a better answer may follow. The responder's cookie becomes known
 * here, and must differ from ours, or the answer may be our own message thrown back. */
int ike_v1_take_answer(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    struct ike_v1_terms t = terms_of(x, sa->conf);
    uint64_t spi_r = x->msg->h.spi_r;
    /* Each answer of Aggressive Mode costs a key exchange. */
    if (x->rounds >= ANSWERS_MAX) {
        return IKE_X_DROP;
    }
    if (!spi_r || spi_r == sa->spi_i ||
        ike_v1_select_check(sa->conf->proposals, ike_message_find(x->msg, IKE_P1_SA, 0), &t, only_ke(x), &x->setup->v1) !=
            IKE_OK ||
        set_suite(x, &x->setup->v1.suite) != IKE_OK) {
        return IKE_X_DROP;
    }
    x->setup->v1.attrs = ike_bytes_of(NULL, 0); /* a view of this message */
    sa->spi_r = spi_r;
    ike_v1_take_vids(x);
    return IKE_X_OK;
}

/* What a peer said in clear, with what it may mean. */
void ike_v1_note(struct ike_exchange *x, uint16_t notify)
{
    struct ike_core *c = &x->e->core;
    const char *name = ike_name(IKE_REG_NOTIFY_V1, notify);
    char offer[220];
    bool auth = notify == IKE_N1_AUTHENTICATION_FAILED || notify == IKE_N1_INVALID_SIGNATURE;
    uint16_t code = notify == IKE_N1_NO_PROPOSAL_CHOSEN ? IKE_FAIL_NO_PROPOSAL
                    : auth                              ? IKE_FAIL_PEER_REFUSED_AUTH
                                                        : IKE_FAIL_PEER_ERROR;
    c->blamed = false;
    ike_blame(c, code, IKE_DECIDER_PEER)->notify = notify;
    ike_blame_received(c, "%s (%u)", name ? name : "error", (unsigned)notify);
    if (notify == IKE_N1_NO_PROPOSAL_CHOSEN) {
        ike_proposals_format(x->sa->conf->proposals, offer, sizeof offer);
        ike_blame_expected(c, "one of our proposals: %s", offer);
        ike_blame_remedy(c, "put a proposal the peer has into `proposals` here, or one of ours there");
    }
    if (x->step > 1) {
        ike_exchange_doubt(x);
    } else {
        ike_exchange_note(x);
    }
}

/* ---- Key exchange, NAT detection (RFC 3947 section 3.2) ------------------------------------------------------------------ */

static bool hash_address(struct ike_exchange *x, const ike_addr *a, uint8_t out[IKE_HASH_MAX])
{
    struct ike_core *c = &x->e->core;
    const ike_hash *hash = ike_v1_hash_of(c->crypto, x->sa->prf);
    uint8_t buf[34];
    struct ike_wr w = ike_wr(buf, sizeof buf);
    ike_wr_u64(&w, x->sa->spi_i);
    ike_wr_u64(&w, x->sa->spi_r);
    ike_wr_put(&w, a->ip, a->family == 4 ? 4 : 16);
    ike_wr_u16(&w, a->port);
    hash->init(c->ctx);
    hash->update(c->ctx, buf, w.len);
    hash->final(c->ctx, out);
    return true;
}

static uint8_t nat_d(const struct ike_sa *sa) { return sa->v1->nat_t == IKE_V1_NAT_T_DRAFT ? IKE_P1_NAT_D_DRAFT : IKE_P1_NAT_D; }

/* The peer's address comes first, then ours. */
void ike_v1_put_nat_d(struct ike_exchange *x)
{
    const ike_path *path = ike_exchange_path(x);
    size_t n = x->sa->prf->mac->len;
    uint8_t hash[IKE_HASH_MAX];
    if (x->sa->no_nat_t) {
        return;
    }
    hash_address(x, &path->remote, hash);
    ike_put_payload(&x->chain, nat_d(x->sa), ike_bytes_of(hash, n));
    hash_address(x, &path->local, hash);
    if (x->sa->conf->s.encap) {
        hash[0] ^= 0xff; /* an address nobody has: the peer takes us to be behind a NAT */
        x->sa->ours_fake_nat = true;
    }
    ike_put_payload(&x->chain, nat_d(x->sa), ike_bytes_of(hash, n));
}

void ike_v1_detect_nat(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    size_t n = sa->prf->mac->len;
    uint8_t own[IKE_HASH_MAX], peer[IKE_HASH_MAX];
    const struct ike_payload *p = ike_message_find(x->msg, nat_d(sa), 0);
    if (!p && x->script == &ike_v1_aggressive && x->step != 1) {
        return; /* the first message knows no hash yet; the last may leave them out */
    }
    hash_address(x, &x->path.local, own);
    hash_address(x, &x->path.remote, peer);
    if (!p || sa->no_nat_t) {
        sa->no_nat_t = true; /* a peer that does not detect cannot traverse either */
        return;
    }
    sa->nat_local = p->len != n || memcmp(p->body, own, n) != 0;
    sa->nat_remote = true;
    for (unsigned i = 1; (p = ike_message_find(x->msg, nat_d(sa), i)) != NULL; i++) {
        sa->nat_remote &= p->len != n || memcmp(p->body, peer, n) != 0;
    }
}

int ike_v1_put_ke(struct ike_exchange *x)
{
    ike_put_payload(&x->chain, IKE_P1_KE, ike_blob_bytes(&x->setup->ke_public));
    ike_put_payload(&x->chain, IKE_P1_NONCE, ike_blob_bytes(ike_own_nonce(x)));
    if (ike_v1_phase1(x) && x->step > 0) {
        ike_v1_put_nat_d(x);
    }
    return IKE_X_OK;
}

/* Anybody could have sent it: what is bad is dropped. */
int ike_v1_take_ke(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    const struct ike_payload *ke = ike_message_find(x->msg, IKE_P1_KE, 0), *no = ike_message_find(x->msg, IKE_P1_NONCE, 0);
    if (no->len < IKE_V1_NONCE_MIN || no->len > IKE_NONCE_MAX || !ike_nonce_fresh(x, no)) {
        return ike_fault(x, IKE_P1_NONCE);
    }
    int r = ike_take_public(x, ike_bytes_of(ke->body, ke->len));
    if (r == IKE_ERR_PROTO) {
        return ike_fault(x, IKE_P1_KE);
    }
    r = r == IKE_OK ? ike_blob_set(c, ike_peer_nonce(x), ike_bytes_of(no->body, no->len)) : r;
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    ike_v1_detect_nat(x);
    return IKE_X_OK;
}

/* ---- Keys ------------------------------------------------------------------------------------------------------------------ */

/* In Main Mode by the configured identity: the peer's comes only under the keys that the secret is part of (RFC 2409 section
 * 5.4). In Aggressive Mode by the one it gives. With signatures there is none. */
int ike_v1_secret(struct ike_exchange *x)
{
    const struct ike_blob *given = &x->setup->remote_id;
    ike_id remote = given->len ? ike_id_of_body(given) : x->sa->conf->s.remote_id;
    int r = ike_own_identity(x);
    r = r == IKE_X_OK && !ike_v1_signs(x) ? ike_fetch_secret(x, &remote) : r;
    return r == IKE_ERR_NOT_FOUND ? ike_v1_unproved(x, IKE_N1_AUTHENTICATION_FAILED) : r;
}

void ike_v1_log_keys(struct ike_core *c, const struct ike_sa *sa)
{
    if (c->set.host.keys) {
        struct ike_v1_seal k = ike_v1_key(sa);
        ike_keylog log = {.version = 1, .spi_i = sa->spi_i, .spi_r = sa->spi_r, .encr = sa->suite.encr};
        log.encr_bits = sa->suite.encr_bits;
        log.sk_ei = k.key;
        ike_hook_enter(c);
        c->set.host.keys(c->set.host.user, &log);
        ike_hook_leave(c);
    }
}

/* SKEYID stays in the setup until both proofs are done. */
int ike_v1_derive(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    bool began = x->role == IKE_INITIATOR;
    size_t n = sa->prf->mac->len, kept = ike_key_kept(&sa->layout);
    uint8_t all[3 * IKE_HASH_MAX];
    ike_bytes g_i = ike_blob_bytes(began ? &s->ke_public : &s->ke_peer),
              g_r = ike_blob_bytes(began ? &s->ke_peer : &s->ke_public);
    if (sa->keys) {
        return IKE_OK;
    }
    int r = ike_compute_shared(c, s);
    r = r == IKE_OK ? ike_blob_room(c, &s->sk_p, n) : r;
    ike_bytes ni = ike_blob_bytes(&s->ni), nr = ike_blob_bytes(&s->nr), shared = ike_blob_bytes(&s->shared);
    if (r == IKE_OK) {
        r = ike_v1_signs(x) ? ike_v1_skeyid_sig(sa->prf, c->ctx, ni, nr, shared, s->sk_p.ptr)
                            : ike_v1_skeyid_psk(sa->prf, c->ctx, ike_blob_bytes(&s->secret), ni, nr, s->sk_p.ptr);
    }
    if (r == IKE_OK) {
        r = ike_v1_skeyids(sa->prf, c->ctx, ike_blob_bytes(&s->sk_p), shared, sa->spi_i, sa->spi_r, all);
    }
    uint8_t *keys = r == IKE_OK ? ike_alloc(c, kept) : NULL;
    if (r == IKE_OK && !keys) {
        r = IKE_ERR_NOMEM;
    }
    if (r == IKE_OK) {
        memcpy(keys, all, 2 * n);
        r = ike_v1_cipher_key(sa->prf, c->ctx, ike_bytes_of(all + 2 * n, n), sa->encr, keys + 2 * n, kept - 2 * n);
    }
    if (r == IKE_OK) {
        ike_v1_iv(ike_v1_hash_of(c->crypto, sa->prf), c->ctx, g_i, g_r, x->iv, sa->encr->block);
        sa->keys = keys;
        if (!s->keep_private) { /* else they may be a forger's until there is a proof */
            ike_v1_log_keys(c, sa);
        }
    } else {
        ike_free_secret(c, keys, kept);
    }
    ike_wipe(all, sizeof all);
    return r;
}

int ike_v1_keys(struct ike_exchange *x)
{
    int r = ike_v1_derive(x);
    /* A value that gives no secret: anybody can send one, the peer's may follow. */
    return r == IKE_OK ? IKE_X_OK : r == IKE_ERR_CRYPTO ? IKE_X_DROP : ike_trouble(x, r);
}
