/* SPDX-License-Identifier: ISC
 *
 * Who the peer is, and the proof of it (RFC 2409 section 5): HASH_I and HASH_R, as they are under a pre-shared key, or signed.
 */
#include "auth/auth.h"
#include "exchange/v1/v1.h"
#include "proposal/v1_map.h"

#define CERT_X509_SIGNATURE 4 /* RFC 2408 section 3.9 */

const char *ike_v1_auth_name(uint16_t auth)
{
    return auth == IKE_AUTH1_PSK   ? "a pre-shared key"
           : auth == IKE_AUTH1_RSA ? "RSA signatures"
           : auth == IKE_AUTH1_DSS ? "DSS signatures"
                                   : "ECDSA signatures";
}

/* HASH_I is the initiator's, HASH_R the responder's: one of them over its own view of the exchange. */
static int proof(struct ike_exchange *x, bool ours, uint8_t *out, size_t *len)
{
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    const ike_prf *prf = sa->conf->sign_prf ? sa->conf->sign_prf : sa->prf;
    ike_bytes id = ike_blob_bytes(ours ? &s->local_id : &s->remote_id);
    bool of_initiator = (x->role == IKE_INITIATOR) == ours;
    ike_bytes own = ike_blob_bytes(ours ? &s->ke_public : &s->ke_peer),
              other = ike_blob_bytes(ours ? &s->ke_peer : &s->ke_public);
    *len = prf->mac->len;
    return ike_v1_hash_auth(prf, x->e->core.ctx, ike_blob_bytes(&s->sk_p), own, other, of_initiator ? sa->spi_i : sa->spi_r,
                            of_initiator ? sa->spi_r : sa->spi_i, ike_blob_bytes(&s->sai), id, out);
}

/* ---- Ours ------------------------------------------------------------------------------------------------------------------ */

/* A signature by the host, which has the key. */
static int ask_sign(struct ike_exchange *x, ike_bytes hash, uint8_t *sig, size_t *len)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_SIGN, &answered);
    if (!q) {
        return IKE_ERR_NOMEM;
    }
    int r = q->result;
    if (answered) {
        *len = q->answer.octets.len;
        if (r == IKE_OK && *len && *len <= IKE_SIG_MAX) {
            memcpy(sig, q->answer.octets.ptr, *len);
        }
    } else {
        ike_sign_question ask = {.size = sizeof ask,
                                 .sa = sa->id,
                                 .conn = sa->conn->id,
                                 .local_id = ike_id_of_body(&x->setup->local_id),
                                 .kind = (uint8_t)sa->conf->local_open.alg->id,
                                 .data = hash};
        ike_hook_enter(c);
        r = c->set.host.hooks.sign(c->set.host.user, q->token, &ask, sig, len);
        ike_hook_leave(c);
        if (r == IKE_PENDING) {
            return r;
        }
    }
    ike_answered(x);
    return r == IKE_OK && (!*len || *len > IKE_SIG_MAX) ? IKE_ERR_HOST : r;
}

/* The proof that goes into the message, signed if need be; its own action, since a signature may take the host its time. */
int ike_v1_prove(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_conf *f = x->sa->conf;
    uint8_t hash[IKE_HASH_MAX], sig[IKE_SIG_MAX];
    size_t n, len = sizeof sig;
    int r = proof(x, true, hash, &n);
    ike_bytes data = ike_bytes_of(hash, n);
    if (r == IKE_OK && f->local.alg) {
        r = f->local.alg->sign(f->local.state, &c->rng, data, sig, &len);
    } else if (r == IKE_OK && ike_v1_signs(x)) {
        r = c->set.host.hooks.sign ? ask_sign(x, data, sig, &len) : IKE_ERR_NOT_FOUND;
    }
    if (r == IKE_OK) {
        r = ike_blob_set(c, &x->setup->proof, ike_v1_signs(x) ? ike_bytes_of(sig, len) : data);
    }
    if (r == IKE_OK || r == IKE_PENDING) {
        return r == IKE_OK ? IKE_X_OK : IKE_X_PENDING;
    }
    if (r == IKE_ERR_NOMEM || !ike_v1_signs(x)) {
        return ike_trouble(x, r);
    }
    ike_blame(c, IKE_FAIL_NO_SECRET, IKE_DECIDER_HOST)->error = r;
    ike_blame_expected(c, "a signature by our private key");
    ike_blame_remedy(c, "look at the key in `local-key`, or at what keeps it for the host");
    return ike_fatal(x, IKE_N1_AUTHENTICATION_FAILED, 0);
}

/* The certificate comes along without being asked for: who wants one mostly cannot do without, and not all ask. */
void ike_v1_put_proof(struct ike_exchange *x)
{
    struct ike_conf *f = x->sa->conf;
    if (ike_v1_signs(x) && f->cert) {
        size_t at = ike_chain_begin(&x->chain, IKE_P1_CERT);
        ike_wr_u8(&x->chain.w, CERT_X509_SIGNATURE);
        ike_wr_put(&x->chain.w, f->cert, f->cert_len);
        ike_chain_end(&x->chain, at);
    }
    ike_put_payload(&x->chain, ike_v1_signs(x) ? IKE_P1_SIG : IKE_P1_HASH, ike_blob_bytes(&x->setup->proof));
}

int ike_v1_put_auth(struct ike_exchange *x)
{
    uint8_t cookies[16];
    ike_put_payload(&x->chain, IKE_P1_ID, ike_blob_bytes(&x->setup->local_id));
    ike_v1_put_proof(x);
    if (x->role == IKE_INITIATOR && ike_first_contact(x)) {
        ike_v1_put_notify(&x->chain, IKE_PROTO1_ISAKMP, ike_v1_cookies(cookies, x->sa->spi_i, x->sa->spi_r),
                          IKE_N1_INITIAL_CONTACT, ike_bytes_of(NULL, 0));
    }
    if (x->script == &ike_v1_main && x->role == IKE_RESPONDER) {
        ike_v1_put_life(x);
    }
    return IKE_X_OK;
}

/* ---- The peer's ------------------------------------------------------------------------------------------------------------ */

/* The answer of Aggressive Mode is in clear. Who sees the first message can be faster than the peer with one that proves nothing,
 * but not end the attempt: the peer's own may follow for one more repetition interval. */
int ike_v1_unproved(struct ike_exchange *x, uint16_t notify)
{
    if (x->role == IKE_RESPONDER || x->script != &ike_v1_aggressive || x->step != 1) {
        return ike_fatal(x, notify, 0);
    }
    if (!x->noted) {
        ike_exchange_note(x);
    }
    x->rounds++;
    x->e->core.blamed = false;
    ike_blob_free(&x->e->core, &x->setup->shared);
    return IKE_X_DROP;
}

static int auth_failed(struct ike_exchange *x) { return ike_v1_unproved(x, IKE_N1_AUTHENTICATION_FAILED); }

/* Port and protocol are UDP and IKE's, or nothing (RFC 2407 section 4.6.2); 4500 is seen as well. */
int ike_v1_take_id(struct ike_exchange *x)
{
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P1_ID, 0);
    struct ike_v1_id id;
    struct ike_v1_notify n;
    if (ike_v1_id_parse(&id, p) != IKE_OK || (id.protocol && id.protocol != 17) ||
        (id.port && id.port != 500 && id.port != 4500)) {
        return ike_fault(x, IKE_P1_ID);
    }
    /* In clear anybody could have put it there, and no proof is over it (RFC 2407 section 4.6.3.3). */
    bool sealed = x->msg->h.flags & IKE_FLAG1_ENCRYPTED;
    x->setup->told_life_s = 0;
    for (unsigned i = 0; sealed && (p = ike_message_find(x->msg, IKE_P1_NOTIFY, i)) != NULL; i++) {
        if (ike_v1_notify_parse(&n, p) != IKE_OK) {
            continue;
        }
        x->setup->initial_contact |= n.type == IKE_N1_INITIAL_CONTACT;
        x->setup->told_life_s = ike_v1_told_life(x->sa, &n, x->setup->told_life_s);
    }
    p = ike_message_find(x->msg, IKE_P1_ID, 0);
    return ike_keep(x, &x->setup->remote_id, ike_bytes_of(p->body, p->len));
}

static bool allows(const struct ike_proposals *p, const struct ike_suite *chosen)
{
    for (unsigned i = 0; i < p->n; i++) {
        if (!ike_v1_fit(p, i, chosen)) {
            return true;
        }
    }
    return false;
}

/* The method was settled by the first message, and the peer's proof is there in that form. Settings may be changed meanwhile, and
 * the host may choose what it likes. */
static bool same_method(const struct ike_exchange *x, const struct ike_conn *conn)
{
    const struct ike_conf *f = conn->conf, *agreed = x->sa->conf;
    return f->auth1 == agreed->auth1 && f->s.xauth == agreed->s.xauth;
}

/* Whether the keys that are made are those of this connection, too. With signatures no secret is part of them, and in Aggressive
 * Mode it is not asked for yet; in Main Mode under a secret that was, and the peer proves that one: another connection must have
 * the same, or whoever knows one secret were let in by any. ask_host: where neither has one, it is the host's to know. */
static bool same_keys(const struct ike_exchange *x, const struct ike_conf *f, bool ask_host)
{
    ike_bytes theirs = f->s.secret, now = x->sa->conf->s.secret;
    return ike_v1_signs(x) || x->script == &ike_v1_aggressive ||
           (theirs.len == now.len && (theirs.len ? ike_ct_equal(theirs.ptr, now.ptr, now.len) : ask_host));
}

static bool fits(const void *user, const struct ike_conn *conn)
{
    const struct ike_exchange *x = user;
    ike_id remote = ike_id_of_body(&x->setup->remote_id);
    const ike_conn_settings *s = &conn->conf->s;
    bool ours = conn == x->sa->conn, mode = ours || x->script != &ike_v1_aggressive || s->aggressive;
    return same_method(x, conn) && same_keys(x, conn->conf, ours) && mode && !conn->removed && ike_conf_speaks(conn->conf, 1) &&
           (s->remote_id.type == IKE_ID_NONE || ike_id_equal(&s->remote_id, &remote)) &&
           allows(conn->conf->proposals, &x->sa->suite);
}

static int wrong_identity(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_id remote = ike_id_of_body(&x->setup->remote_id);
    char a[100], b[100];
    ike_id_format(&x->sa->conf->s.remote_id, a, sizeof a);
    ike_id_format(&remote, b, sizeof b);
    ike_blame(c, IKE_FAIL_IDENTITY, IKE_DECIDER_US);
    ike_blame_expected(c, "the peer to be %s", a);
    ike_blame_received(c, "%s", b);
    ike_blame_remedy(c, "set remote-id = %s here, or local-id = %s on the peer", b, a);
    return auth_failed(x);
}

/* The number IKEv2 has for it (RFC 7296 section 3.8). */
static uint8_t method2(uint16_t auth)
{
    switch (auth) {
    case IKE_AUTH1_RSA:
        return 1;
    case IKE_AUTH1_DSS:
        return 3;
    case IKE_AUTH1_PSK:
        return IKE_AUTH_SHARED_KEY;
    default:
        return (uint8_t)auth; /* ECDSA's are the same */
    }
}

/* The host's choice, but not what was agreed. */
static int not_agreed(struct ike_exchange *x, const struct ike_conn *conn)
{
    struct ike_core *c = &x->e->core;
    if (!same_method(x, conn)) {
        ike_blame(c, IKE_FAIL_AUTH_METHOD, IKE_DECIDER_US);
        ike_blame_expected(c, "a connection with %s", ike_v1_auth_name(x->sa->conf->auth1));
        ike_blame_received(c, "the host's choice of one with %s", ike_v1_auth_name(conn->conf->auth1));
    } else {
        ike_blame(c, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
        ike_blame_expected(c, "a connection with the secret of \"%s\", by whose address the keys were made", x->sa->conf->s.name);
        ike_blame_received(c, "the host's choice of \"%s\"", conn->conf->s.name);
        ike_blame_remedy(c, "give both the same secret, or use Aggressive Mode or signatures");
    }
    return auth_failed(x);
}

/* What goes out as our identity is the new one's. */
static int change_conn(struct ike_exchange *x, struct ike_conn *conn)
{
    ike_sa_bind(&x->e->db, x->sa, conn);
    ike_blob_free(&x->e->core, &x->setup->local_id);
    return ike_own_identity(x);
}

/* The responder may find that another connection with this address is meant, and the host may choose; an initiator has chosen
 * before. */
int ike_v1_choose_conn(struct ike_exchange *x)
{
    struct ike_conn *conn = fits(x, x->sa->conn) ? x->sa->conn : NULL;
    ike_id none = {0};
    if (x->role == IKE_INITIATOR) {
        return conn ? IKE_X_OK : wrong_identity(x);
    }
    if (!conn) {
        ike_id remote = ike_id_of_body(&x->setup->remote_id);
        conn = ike_conn_match_id(&x->e->db, &x->path, &remote, fits, x);
    }
    if (x->e->core.set.host.hooks.peer) {
        int r = ike_ask_peer(x, &conn, &none, method2(x->sa->conf->auth1));
        if (r != IKE_X_OK) {
            return r == IKE_ERR_AUTH ? auth_failed(x) : r;
        }
    }
    if (!conn) {
        return wrong_identity(x);
    }
    if (!same_method(x, conn) || !same_keys(x, conn->conf, true)) {
        return not_agreed(x, conn);
    }
    return conn != x->sa->conn || conn->conf != x->sa->conf ? change_conn(x, conn) : IKE_X_OK;
}

static int wrong_secret(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_blame(c, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
    ike_blame_expected(c, "proof of the secret configured here");
    ike_blame_received(c, "proof of another secret");
    ike_blame_remedy(c, "set the same `secret` on both sides (mind quotes, blanks and line ends)");
    return auth_failed(x);
}

static int wrong_signature(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_blame(c, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
    ike_blame_expected(c, "a signature by the key in `remote-cert` (%s, %u bits)", x->sa->conf->remote.alg->name,
                       x->sa->conf->remote.alg->bits(x->sa->conf->remote.state));
    ike_blame_received(c, "a signature that does not fit it");
    ike_blame_remedy(c, "copy the peer's present certificate to `remote-cert` here");
    return ike_v1_unproved(x, IKE_N1_INVALID_SIGNATURE);
}

int ike_v1_check_auth(struct ike_exchange *x)
{
    bool signs = ike_v1_signs(x);
    const struct ike_payload *p = ike_message_find(x->msg, signs ? IKE_P1_SIG : IKE_P1_HASH, 0);
    const struct ike_key *k = &x->sa->conf->remote;
    uint8_t hash[IKE_HASH_MAX];
    size_t n;
    int r = proof(x, false, hash, &n);
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    if (signs) {
        r = k->alg->verify(k->state, ike_bytes_of(hash, n), ike_bytes_of(p->body, p->len));
        return r == IKE_OK ? IKE_X_OK : wrong_signature(x);
    }
    return p->len == n && ike_ct_equal(hash, p->body, n) ? IKE_X_OK : wrong_secret(x);
}

int ike_v1_join(struct ike_exchange *x)
{
    if (x->setup->keep_private && !x->sa->peer) {
        ike_v1_log_keys(&x->e->core, x->sa);
    }
    int r = x->sa->peer ? IKE_X_OK : ike_join(x); /* there already when memory was short for the answer */
    if (r == IKE_X_OK) {
        ike_v1_proved(x);
    }
    return r == IKE_ERR_AUTH ? ike_fatal(x, IKE_N1_AUTHENTICATION_FAILED, 0) : r;
}
