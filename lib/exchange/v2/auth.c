/* SPDX-License-Identifier: ISC
 *
 * IKE_AUTH with a shared key (RFC 7296 sections 1.2, 2.15), and the first child along with it. A child that is refused
 * leaves the IKE SA up; any failure of authentication looks the same to the peer.
 */
#include "auth/auth.h"
#include "exchange/v2/v2.h"
#include "message/names.h"

/* What one side signs (RFC 7296 section 2.15): its own first message, the other's nonce, and its identity under its own SK_p,
 * so that neither proof can be handed back as the other's. of_initiator names the side by the SA's direction, which in
 * IKE_AUTH is also the exchange's. */
static struct ike_signed signed_octets(struct ike_exchange *x, bool of_initiator, const struct ike_blob *id)
{
    struct ike_setup *s = x->setup;
    size_t p = x->sa->layout.p;
    return (struct ike_signed){
        .prf = x->sa->prf,
        .ctx = x->e->core.ctx,
        .message = ike_blob_bytes(of_initiator ? &s->init_request : &s->init_response),
        .nonce = ike_blob_bytes(of_initiator ? &s->nr : &s->ni),
        .sk_p = ike_bytes_of(s->sk_p.ptr + (of_initiator ? 0 : p), p),
        .id = ike_blob_bytes(id),
    };
}

/* The notify alone and the same one for every reason (RFC 7296 section 2.21.2): which identities and secrets exist is nobody's
 * business. The record here has the reason. */
static int auth_failed(struct ike_exchange *x)
{
    return x->role == IKE_RESPONDER ? ike_fatal(x, IKE_N_AUTHENTICATION_FAILED, 0) : IKE_X_FATAL;
}

/* The work of a check that fails, so that time does not tell a responder's peer which identities and secrets exist. */
static void check_in_vain(struct ike_exchange *x)
{
    uint8_t none[IKE_HASH_MAX] = {0};
    if (x->role == IKE_RESPONDER) {
        struct ike_signed o = signed_octets(x, true, &x->setup->remote_id);
        (void)ike_auth_psk.check(&o, ike_bytes_of(none, 16), ike_bytes_of(none, x->sa->prf->mac->len));
    }
}

/* ---- The secret ------------------------------------------------------------------------------------------------------- */

/* The initiator does not know the peer's identity yet and asks by the configured one. To have none takes as long as a wrong one,
 * for the reason above. */
static int ask_secret(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    ike_id remote = x->role == IKE_INITIATOR ? sa->conf->s.remote_id : ike_id_of_body(&x->setup->remote_id);
    int r = ike_own_identity(x);
    r = r == IKE_X_OK ? ike_fetch_secret(x, &remote) : r;
    if (r == IKE_ERR_NOT_FOUND) {
        check_in_vain(x);
        return auth_failed(x);
    }
    return r;
}

/* ---- AUTH payload ----------------------------------------------------------------------------------------------------- */

/* A failure here is one of computing, not of proof. */
static int put_auth(struct ike_exchange *x)
{
    uint8_t auth[IKE_HASH_MAX];
    size_t len = 0;
    struct ike_signed o = signed_octets(x, x->role == IKE_INITIATOR, &x->setup->local_id);
    int r = ike_auth_psk.prove(&o, ike_blob_bytes(&x->setup->secret), auth, &len);
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    ike_put_auth(&x->chain, IKE_AUTH_SHARED_KEY, ike_bytes_of(auth, len));
    return IKE_X_OK;
}

/* Without AUTH the peer asks for EAP (RFC 7296 section 2.16). */
static int check_auth(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P_AUTH, 0);
    uint8_t method = 0;
    ike_bytes value = {NULL, 0};
    const struct ike_auth_method *m = p && ike_auth_parse(&method, &value, p) == IKE_OK ? ike_auth_method(method) : NULL;
    if (!m) {
        const char *name = ike_word(IKE_REG_AUTH_METHOD, method);
        ike_blame(c, IKE_FAIL_AUTH_METHOD, IKE_DECIDER_US);
        ike_blame_expected(c, "Shared Key Message Integrity Code (2)");
        ike_blame_received(c, "%s (%u)", p ? (name ? name : "an unknown method") : "no AUTH payload: the peer wants EAP",
                           (unsigned)method);
        ike_blame_remedy(c, "have the peer authenticate with the pre-shared key");
        return auth_failed(x);
    }
    /* The other side's octets, over its message as we saw it on the wire. */
    struct ike_signed o = signed_octets(x, x->role == IKE_RESPONDER, &x->setup->remote_id);
    int r = m->check(&o, ike_blob_bytes(&x->setup->secret), value);
    /* With a shared key it is the secret, most of the time; the identities that went into it have been checked before. */
    if (r == IKE_ERR_AUTH) {
        ike_blame(c, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
        ike_blame_expected(c, "proof of the secret configured here");
        ike_blame_received(c, "proof of another secret");
        ike_blame_remedy(c, "set the same `secret` on both sides (mind quotes, blanks and line ends)");
        return auth_failed(x);
    }
    return ike_outcome(x, r);
}

/* Runs only after check_auth. */
static int join(struct ike_exchange *x)
{
    int r = ike_join(x);
    return r == IKE_ERR_AUTH ? auth_failed(x) : r;
}

/* The IKE SA stands whatever becomes of the child (RFC 7296 section 1.2), so this comes before the child's actions. */
static int up(struct ike_exchange *x)
{
    ike_sa_up(x->e, x->sa);
    return IKE_X_OK;
}

static int settle_doubles(struct ike_exchange *x)
{
    ike_settle_doubles(x->e, x->sa, x->setup->initial_contact);
    return IKE_X_OK;
}

/* ---- Initiator: request ----------------------------------------------------------------------------------------------- */

/* IDr says which of several identities at one address is meant; without one configured any will do. */
static int put_request(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    const ike_id *wanted = &x->sa->conf->s.remote_id;
    ike_put_payload(&x->chain, IKE_P_IDI, ike_blob_bytes(&s->local_id));
    if (ike_first_contact(x)) {
        ike_put_notify(&x->chain, IKE_N_INITIAL_CONTACT, ike_bytes_of(NULL, 0));
    }
    if (wanted->type != IKE_ID_NONE) {
        ike_put_id(&x->chain, IKE_P_IDR, wanted);
    }
    int r = put_auth(x);
    if (r == IKE_X_OK && s->with_child) {
        ike_put_child_request(x, false);
    }
    return r;
}

/* ---- Responder: request ----------------------------------------------------------------------------------------------- */

/* Octet for octet as received, reserved octets included: AUTH is over them. */
static int take_ids(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    const struct ike_payload *idi = ike_message_find(x->msg, IKE_P_IDI, 0);
    struct ike_notify n;
    ike_id id;
    if (ike_id_payload_parse(&id, idi) != IKE_OK) {
        return ike_fault(x, IKE_P_IDI);
    }
    /* Noted now, acted on only when the peer has proved who it is: anybody could send it otherwise. */
    s->initial_contact = ike_message_notify(x->msg, IKE_N_INITIAL_CONTACT, &n);
    return ike_keep(x, &s->remote_id, ike_bytes_of(idi->body, idi->len));
}

struct who {
    const struct ike_exchange *x;
    ike_id remote, wanted; /* who the peer is, and whom it wants */
};

/* A connection must also allow the algorithms that IKE_SA_INIT agreed on: they may have been another's, which only the address
 * chose. */
static bool ids_fit(const void *user, const struct ike_conn *conn)
{
    const struct who *w = user;
    const struct ike_conf *f = conn->conf;
    uint8_t buf[16];
    ike_id local = ike_conf_local_id(f, &w->x->path, buf);
    return ike_conf_speaks(f, 2) && (f->s.remote_id.type == IKE_ID_NONE || ike_id_equal(&f->s.remote_id, &w->remote)) &&
           (w->wanted.type == IKE_ID_NONE || ike_id_equal(&w->wanted, &local)) &&
           (!IKE_WITH_PROPOSALS || ike_proposals_allow(f->proposals, &w->x->sa->suite));
}

/* Says which of the two identities is to be changed, and to what. The peer learns none of it. */
static int identity_mismatch(struct ike_exchange *x, const ike_id *wanted)
{
    struct ike_core *c = &x->e->core;
    struct ike_conf *f = x->sa->conf;
    char theirs[100], asked[100] = "", ours[100], own[100];
    uint8_t buf[16];
    ike_id remote = ike_id_of_body(&x->setup->remote_id), local = ike_conf_local_id(f, &x->path, buf);
    IKE_WORDS(ike_id_format(&remote, theirs, sizeof theirs));
    IKE_WORDS(ike_id_format(&local, own, sizeof own));
    ike_blame(c, IKE_FAIL_IDENTITY, IKE_DECIDER_US);
    bool remote_fits = f->s.remote_id.type == IKE_ID_NONE || ike_id_equal(&f->s.remote_id, &remote);
    if (remote_fits && wanted->type != IKE_ID_NONE) {
        IKE_WORDS(ike_id_format(wanted, asked, sizeof asked));
        ike_blame_expected(c, "to be asked for as %s", own);
        ike_blame_received(c, "a peer that wants to talk to %s", asked);
        ike_blame_remedy(c, "set local-id = %s here, or remote-id = %s on the peer", asked, own);
    } else {
        IKE_WORDS(ike_id_format(&f->s.remote_id, ours, sizeof ours));
        ike_blame_expected(c, "the peer to be %s", ours);
        ike_blame_received(c, "%s", theirs);
        ike_blame_remedy(c, "set remote-id = %s here, or local-id = %s on the peer", theirs, ours);
    }
    check_in_vain(x);
    return auth_failed(x);
}

/* The one that IKE_SA_INIT took by address first, then by how specific they are: now that the identity is known, another may
 * be meant. */
static struct ike_conn *find_conn(struct ike_exchange *x, const ike_id *wanted)
{
    struct who w = {x, ike_id_of_body(&x->setup->remote_id), *wanted};
    if (!x->sa->conn->removed && ids_fit(&w, x->sa->conn)) {
        return x->sa->conn;
    }
    return ike_conn_match_id(&x->e->db, &x->path, &w.remote, ids_fit, &w);
}

/* Before the proof, since the secret is the connection's. What the host or the identities choose here counts for nothing until
 * check_auth. */
static int choose_conn(struct ike_exchange *x)
{
    const struct ike_payload *idr = ike_message_find(x->msg, IKE_P_IDR, 0);
    ike_id wanted = {0};
    if (idr && ike_id_payload_parse(&wanted, idr) != IKE_OK) {
        return ike_fault(x, IKE_P_IDR);
    }
    /* The setup may come from a request that was dropped half-way, for a connection that is another one now. */
    ike_blob_free(&x->e->core, &x->setup->local_id);
    x->setup->reqid = 0;
    struct ike_conn *conn = find_conn(x, &wanted);
    /* Asked even when nothing fits here: the host may know better. */
    if (IKE_WITH_QUESTIONS && x->e->core.set.host.hooks.peer) {
        int r = ike_ask_peer(x, &conn, &wanted, IKE_AUTH_SHARED_KEY);
        if (r == IKE_ERR_AUTH) {
            check_in_vain(x);
            return auth_failed(x);
        }
        if (r != IKE_X_OK) {
            return r;
        }
    }
    if (!conn) {
        return identity_mismatch(x, &wanted);
    }
    if (conn != x->sa->conn || conn->conf != x->sa->conf) { /* the settings of now, not those of IKE_SA_INIT */
        ike_sa_bind(&x->e->db, x->sa, conn);
    }
    return IKE_X_OK;
}

/* Also in a refusal of the child: the IKE SA is up all the same, and the initiator needs our proof for it. */
static int put_identity(struct ike_exchange *x)
{
    ike_put_payload(&x->chain, IKE_P_IDR, ike_blob_bytes(&x->setup->local_id));
    return put_auth(x);
}

static int put_child(struct ike_exchange *x)
{
    ike_put_child_answer(x);
    return IKE_X_OK;
}

/* ---- Initiator: response ---------------------------------------------------------------------------------------------- */

/* A response without AUTH is a refusal, and believed: it is protected with keys that only the two ends of IKE_SA_INIT have.
 * Whoever that other end is, there will be no SA with it. */
static int take_refusal(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_notify n;
    if (ike_message_find(x->msg, IKE_P_AUTH, 0)) {
        return IKE_X_OK;
    }
    if (!ike_message_error(x->msg, &n)) {
        return ike_fault(x, IKE_P_AUTH);
    }
    const char *name = ike_word(IKE_REG_NOTIFY, n.type);
    int r = ike_peer_said(x, &n, ike_code_of(n.type, true), IKE_X_FATAL);
    ike_blame_received(c, "%s (%u)", name ? name : "error", (unsigned)n.type);
    return r;
}

/* Before the proof: a peer that is somebody else need not prove that it is. */
static int take_idr(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    const struct ike_payload *idr = ike_message_find(x->msg, IKE_P_IDR, 0);
    const ike_id *want = &x->sa->conf->s.remote_id;
    ike_id id;
    if (!idr || ike_id_payload_parse(&id, idr) != IKE_OK) {
        return ike_fault(x, IKE_P_IDR);
    }
    if (want->type != IKE_ID_NONE && !ike_id_equal(want, &id)) {
        char a[100], b[100];
        IKE_WORDS(ike_id_format(want, a, sizeof a));
        IKE_WORDS(ike_id_format(&id, b, sizeof b));
        ike_blame(c, IKE_FAIL_IDENTITY, IKE_DECIDER_US);
        ike_blame_expected(c, "the peer to be %s", a);
        ike_blame_received(c, "%s", b);
        ike_blame_remedy(c, "set remote-id = %s here, or local-id = %s on the peer", b, a);
        return IKE_X_FATAL;
    }
    return ike_keep(x, &x->setup->remote_id, ike_bytes_of(idr->body, idr->len));
}

/* IKE_X_REFUSE leaves the IKE SA up, as this runs after it. */
static int take_child_refusal(struct ike_exchange *x) { return x->setup->with_child ? ike_child_refused(x) : IKE_X_OK; }

static bool no_auth(const struct ike_exchange *x) { return ike_message_find(x->msg, IKE_P_AUTH, 0) == NULL; }

/* AUTH is optional, so that a peer that wants EAP is told AUTHENTICATION_FAILED and not INVALID_SYNTAX. A child comes whole or
 * not at all. */
static const struct ike_payload_rule request_rules[] = {
    {IKE_P_IDI, 1, 1}, {IKE_P_IDR, 0, 1}, {IKE_P_AUTH, 0, 1}, {IKE_P_SA, 0, 1}, {IKE_P_TSI, 0, 1}, {IKE_P_TSR, 0, 1}, {0, 0, 0}};
static const struct ike_payload_rule child_rules[] = {{IKE_P_IDI, 1, 1}, {IKE_P_IDR, 0, 1}, {IKE_P_AUTH, 0, 1}, {IKE_P_SA, 1, 1},
                                                      {IKE_P_TSI, 1, 1}, {IKE_P_TSR, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule response_rules[] = {{IKE_P_IDR, 1, 1}, {IKE_P_AUTH, 1, 1}, {IKE_P_SA, 0, 1},
                                                         {IKE_P_TSI, 0, 1}, {IKE_P_TSR, 0, 1},  {0, 0, 0}};
static const struct ike_payload_rule response_child_rules[] = {{IKE_P_IDR, 1, 1}, {IKE_P_AUTH, 1, 1}, {IKE_P_SA, 1, 1},
                                                               {IKE_P_TSI, 1, 1}, {IKE_P_TSR, 1, 1},  {0, 0, 0}};
static const struct ike_payload_rule refusal_rules[] = {{IKE_P_AUTH, 0, 0}, {0, 0, 0}};
static bool has_sa(const struct ike_exchange *x) { return ike_message_find(x->msg, IKE_P_SA, 0) != NULL; }
static const struct ike_form request_forms[] = {{has_sa, child_rules}, {NULL, request_rules}, {NULL, NULL}};
static const struct ike_form response_forms[] = {
    {no_auth, refusal_rules}, {has_sa, response_child_rules}, {NULL, response_rules}, {NULL, NULL}};

static ike_action *const request_build[] = {ask_secret, ike_child_reserve, put_request, NULL};
/* The proof comes before anything is reserved or installed, and the child's parts in the order in which undo takes them back. */
static ike_action *const request_handle[] = {take_ids,
                                             choose_conn,
                                             ask_secret,
                                             check_auth,
                                             join,
                                             ike_child_choose,
                                             ike_child_decide,
                                             ike_child_reserve,
                                             ike_child_make,
                                             ike_v2_child_keys,
                                             ike_child_install_in,
                                             ike_child_install_out,
                                             NULL};
static ike_action *const response_build[] = {put_identity, put_child, NULL};
static ike_action *const response_refuse[] = {put_identity, NULL};
/* After sending: an answer that did not leave must not bring anything up; the peer repeats its request. */
static ike_action *const response_sent[] = {up, settle_doubles, ike_child_report_up, NULL};
/* The IKE SA is up before the child is looked at, so that a refused child cannot take it along. */
static ike_action *const response_handle[] = {take_refusal,
                                              take_idr,
                                              check_auth,
                                              join,
                                              up,
                                              settle_doubles,
                                              take_child_refusal,
                                              ike_child_take_answer,
                                              ike_child_decide,
                                              ike_child_make,
                                              ike_v2_child_keys,
                                              ike_child_install_in,
                                              ike_child_install_out,
                                              ike_child_report_up,
                                              NULL};

static const struct ike_step steps[] = {
    {"IKE_AUTH request", IKE_INITIATOR, NULL, request_forms, request_handle, request_build, NULL, NULL},
    {"IKE_AUTH response", IKE_RESPONDER, NULL, response_forms, response_handle, response_build, response_refuse, response_sent},
};
const struct ike_script ike_v2_auth = {"IKE_AUTH", 2, IKE_X_AUTH, &ike_v2_delivery, steps, 2, 0, NULL, ike_child_undo, NULL};
