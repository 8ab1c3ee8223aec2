/* SPDX-License-Identifier: ISC
 *
 * XAUTH (draft-beaulieu-ike-xauth-02): behind phase 1 the server asks who the user is, and says whether it believes it. Of four
 * messages in one exchange here; there are peers that say the last two in an exchange of their own.
 */
#include "exchange/v1/v1.h"

#define BIT(attr) ((uint16_t)(1u << ((attr)-IKE_XAUTH_TYPE)))

/* What a client can fill in. */
static const uint16_t known = BIT(IKE_XAUTH_TYPE) | BIT(IKE_XAUTH_USER_NAME) | BIT(IKE_XAUTH_USER_PASSWORD) |
                              BIT(IKE_XAUTH_PASSCODE) | BIT(IKE_XAUTH_MESSAGE) | BIT(IKE_XAUTH_DOMAIN);

/* As text for a record: printable, cut. */
static const char *shown(ike_bytes b, char *out, size_t n)
{
    size_t len = b.len < n - 1 ? b.len : n - 1;
    for (size_t i = 0; i < len; i++) {
        out[i] = b.ptr[i] >= ' ' && b.ptr[i] <= '~' ? (char)b.ptr[i] : '?';
    }
    out[len] = 0;
    return out;
}

/* ---- Server: the question, and the answer's judgement --------------------------------------------------------------------- */

static int put_request(struct ike_exchange *x)
{
    struct ike_wr *w = &x->chain.w;
    size_t at = ike_v1_attr_begin(x, IKE_CFG1_REQUEST);
    ike_v1_put_attr_uint(w, IKE_XAUTH_TYPE, 0); /* generic: a name and a password */
    ike_v1_put_attr(w, IKE_XAUTH_USER_NAME, ike_bytes_of(NULL, 0));
    ike_v1_put_attr(w, IKE_XAUTH_USER_PASSWORD, ike_bytes_of(NULL, 0));
    return ike_v1_attr_end(x, at);
}

static int keep(struct ike_exchange *x, struct ike_blob *to, const struct ike_v1_config *c, uint16_t type)
{
    struct ike_v1_attr a;
    if (!ike_v1_config_find(c, type, &a) || a.value.len > IKE_SECRET_MAX) {
        ike_blob_free(&x->e->core, to);
        return IKE_OK; /* one who says nothing is not let in */
    }
    return ike_blob_set(&x->e->core, to, a.value);
}

static int take_reply(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_v1_config c;
    int r = ike_v1_attr_take(x, IKE_CFG1_REPLY, &c);
    if (r != IKE_X_OK) {
        return r;
    }
    r = keep(x, &s->user, &c, IKE_XAUTH_USER_NAME);
    r = r == IKE_OK ? keep(x, &s->secret, &c, IKE_XAUTH_USER_PASSWORD) : r;
    return ike_outcome(x, r);
}

/* Octets and length, in a time that tells neither. */
static bool same_secret(ike_bytes a, ike_bytes b)
{
    uint8_t x[2 * IKE_SECRET_MAX] = {0};
    size_t n = a.len < IKE_SECRET_MAX ? a.len : IKE_SECRET_MAX, m = b.len < IKE_SECRET_MAX ? b.len : IKE_SECRET_MAX;
    if (n) {
        memcpy(x, a.ptr, n);
    }
    if (m) {
        memcpy(x + IKE_SECRET_MAX, b.ptr, m);
    }
    bool same = ike_ct_equal(x, x + IKE_SECRET_MAX, IKE_SECRET_MAX) & (a.len == b.len) & (a.len != 0);
    ike_wipe(x, sizeof x);
    return same;
}

/* A user who is not there takes as long as a wrong password. */
static bool listed(const ike_conn_settings *s, ike_bytes name, ike_bytes password)
{
    ike_bytes want = {NULL, 0};
    for (size_t i = 0; i < s->n_users; i++) {
        if (ike_bytes_equal(name, ike_bytes_of(s->users[i].name, strlen(s->users[i].name)))) {
            want = s->users[i].secret;
        }
    }
    return same_secret(want, password);
}

/* IKE_OK, IKE_PENDING, or an error: of memory, or the user's. */
static int ask_user(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_DONE, &answered);
    if (!q) {
        return IKE_ERR_NOMEM;
    }
    int r = q->result;
    if (!answered) {
        ike_user_question ask = {.size = sizeof ask,
                                 .sa = x->sa->id,
                                 .conn = x->sa->conn->id,
                                 .remote_id = x->sa->peer->remote_id,
                                 .name = ike_blob_bytes(&s->user),
                                 .password = ike_blob_bytes(&s->secret)};
        ike_hook_enter(c);
        r = c->set.host.hooks.user(c->set.host.user, q->token, &ask);
        ike_hook_leave(c);
    }
    if (r != IKE_PENDING) {
        ike_answered(x);
    }
    return r;
}

/* What is wrong is not told apart: the peer learns yes or no. */
static int judge(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_guard *guard = &x->e->guard;
    bool hooked = x->e->core.set.host.hooks.user;
    s->talk.unseen = !x->question && !ike_guard_looks_at(guard, x->sa, ike_blob_bytes(&s->user));
    int r = !s->user.len || s->talk.unseen                                                  ? IKE_ERR_AUTH
            : hooked                                                                        ? ask_user(x)
            : listed(&x->sa->conf->s, ike_blob_bytes(&s->user), ike_blob_bytes(&s->secret)) ? IKE_OK
                                                                                            : IKE_ERR_AUTH;
    if (r == IKE_PENDING) {
        return IKE_X_PENDING;
    }
    if (r == IKE_ERR_NOMEM) {
        return ike_trouble(x, r);
    }
    if (r != IKE_OK && !s->talk.unseen) {
        ike_guard_wrong(guard, x->sa, ike_blob_bytes(&s->user));
    }
    s->talk.status = true;
    s->talk.granted = r == IKE_OK;
    ike_blob_free(&x->e->core, &s->secret);
    return IKE_X_OK;
}

static int put_status(struct ike_exchange *x)
{
    x->setup->talk.identifier++;
    size_t at = ike_v1_attr_begin(x, IKE_CFG1_SET);
    ike_v1_put_attr_uint(&x->chain.w, IKE_XAUTH_STATUS, x->setup->talk.granted);
    return ike_v1_attr_end(x, at);
}

/* A peer that is refused has one interval to say that it knows. */
static int refused(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    char name[64];
    if (!x->setup->talk.granted) {
        c->blamed = false;
        ike_blame(c, IKE_FAIL_USER, IKE_DECIDER_US);
        ike_blame_expected(c, "name and password of a user who may connect");
        ike_blame_received(c, x->setup->talk.unseen  ? "user \"%s\" after too many wrong passwords (password-tries)"
                              : x->setup->user.len ? "user \"%s\" with a password that is not his"
                                                   : "no name%s",
                           shown(ike_blob_bytes(&x->setup->user), name, sizeof name));
        ike_blame_remedy(c, x->setup->talk.unseen
                                ? "wait a minute; look for who guesses, or raise password-tries"
                                : "correct name or password at the peer, or give that user a [user NAME] section here");
        ike_exchange_note(x);
        c->blamed = false;
    }
    return IKE_X_OK;
}

/* From here on the user is part of who the peer is. */
static int enter(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    struct ike_peer *was = sa->peer,
                    *peer = ike_peer_get(&x->e->db, sa->conn, &was->local_id, &was->remote_id, ike_blob_bytes(&x->setup->user));
    if (!peer) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    ike_sa_join(&x->e->db, sa, peer);
    sa->v1->user_known = true;
    return IKE_X_OK;
}

/* The note is the record of the exchange now that it ends. */
static int take_ack(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_v1_config cfg;
    int r = ike_v1_attr_take(x, IKE_CFG1_ACK, &cfg);
    if (r != IKE_X_OK || x->setup->talk.granted) {
        return r == IKE_X_OK ? enter(x) : r;
    }
    if (x->note) {
        c->draft = *x->note;
        c->blamed = true;
    }
    return ike_fatal(x, 0, IKE_FAIL_USER);
}

/* ---- Client ---------------------------------------------------------------------------------------------------------------- */

/* An exchange that still waits for the server's word is settled by this one, which is about the same user. */
static int supersede(struct ike_exchange *x)
{
    IKE_LIST_EACH (it, tmp, &x->sa->outstanding) {
        struct ike_exchange *y = IKE_OF(it, struct ike_exchange, link);
        if (y != x && y->role == IKE_RESPONDER && y->script == &ike_v1_xauth) {
            if (!x->setup->user.len) {
                x->setup->user = y->setup->user;
                y->setup->user = (struct ike_blob){NULL, 0};
            }
            ike_exchange_abort(y, IKE_X_DROP);
        }
    }
    return IKE_X_OK;
}

static int take_request(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_v1_config cfg;
    struct ike_v1_attr a;
    int r = ike_v1_attr_take(x, IKE_CFG1_REQUEST, &cfg);
    if (r != IKE_X_OK) {
        return r;
    }
    if (x->sa->conf->s.xauth != IKE_XAUTH_CLIENT) {
        ike_blame(c, IKE_FAIL_AUTH_METHOD, IKE_DECIDER_US);
        ike_blame_expected(c, "no further authentication behind phase 1");
        ike_blame_received(c, "a request for a user name (XAUTH)");
        ike_blame_remedy(c, "set xauth = client and xauth-user here, or turn XAUTH off on the peer");
        return ike_refuse(x, IKE_N1_ATTRIBUTES_NOT_SUPPORTED, 0);
    }
    struct ike_rd attrs = ike_rd(cfg.attrs.ptr, cfg.attrs.len);
    x->setup->talk.asked = 0;
    while (ike_v1_attr_next(&attrs, &a)) {
        if (a.type >= IKE_XAUTH_TYPE && a.type <= IKE_XAUTH_ANSWER) {
            x->setup->talk.asked |= BIT(a.type);
        }
    }
    return IKE_X_OK;
}

/* Other kinds than a name and a password, such as one-time passwords and new PINs, are declined. */
static bool declines(const struct ike_exchange *x)
{
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P1_ATTR, 0);
    struct ike_v1_config cfg;
    struct ike_v1_attr a;
    uint64_t type = 0;
    bool generic = ike_v1_config_parse(&cfg, p) == IKE_OK &&
                   (!ike_v1_config_find(&cfg, IKE_XAUTH_TYPE, &a) || (ike_v1_attr_uint(&a, &type) && type == 0));
    return !generic || (x->setup->talk.asked & ~known);
}

static int hook_login(struct ike_exchange *x, struct ike_question *q)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const ike_conn_settings *set = &x->sa->conf->s;
    struct ike_v1_config cfg;
    struct ike_v1_attr a;
    uint8_t name[IKE_SECRET_MAX], password[IKE_SECRET_MAX];
    size_t n = sizeof name, m = sizeof password;
    ike_login_question ask = {
        .size = sizeof ask, .sa = x->sa->id, .conn = x->sa->conn->id, .name = set->n_users ? set->users[0].name : NULL};
    if (ike_v1_config_parse(&cfg, ike_message_find(x->msg, IKE_P1_ATTR, 0)) == IKE_OK &&
        ike_v1_config_find(&cfg, IKE_XAUTH_MESSAGE, &a)) {
        ask.message = a.value;
    }
    ike_hook_enter(c);
    int r = c->set.host.hooks.login(c->set.host.user, q->token, &ask, name, &n, password, &m);
    ike_hook_leave(c);
    if (r == IKE_OK) {
        bool fits = n <= sizeof name && m <= sizeof password;
        r = fits ? ike_blob_set(c, &s->user, ike_bytes_of(name, n)) : IKE_ERR_HOST;
        r = r == IKE_OK ? ike_blob_set(c, &s->secret, ike_bytes_of(password, m)) : r;
    }
    ike_wipe(name, sizeof name);
    ike_wipe(password, sizeof password);
    return r;
}

static int ask_login(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_LOGIN, &answered);
    if (!q) {
        return IKE_ERR_NOMEM;
    }
    int r = answered ? q->result : hook_login(x, q);
    if (r == IKE_PENDING) {
        return r;
    }
    if (answered && r == IKE_OK) {
        const uint8_t *p = q->answer.octets.ptr;
        size_t n = q->answer.octets.name_len;
        r = ike_blob_set(c, &s->user, ike_bytes_of(p, n));
        r = r == IKE_OK ? ike_blob_set(c, &s->secret, ike_bytes_of(p + n, q->answer.octets.len - n)) : r;
    }
    ike_answered(x);
    return r;
}

static int configured(struct ike_exchange *x, const ike_user_settings *u)
{
    int r = ike_blob_set(&x->e->core, &x->setup->user, ike_bytes_of(u->name, strlen(u->name)));
    return r == IKE_OK ? ike_blob_set(&x->e->core, &x->setup->secret, u->secret) : r;
}

static int no_password(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_blame(c, IKE_FAIL_USER, IKE_DECIDER_US);
    ike_blame_expected(c, "a user name and a password for the peer's question");
    ike_blame_received(c, "none");
    ike_blame_remedy(c, "set xauth-user = NAME, and secret in a section [user NAME]");
    return ike_fatal(x, IKE_N1_AUTHENTICATION_FAILED, 0);
}

static int login(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    const ike_conn_settings *set = &x->sa->conf->s;
    const ike_user_settings *u = set->n_users ? &set->users[0] : NULL;
    s->talk.declined = declines(x);
    if (s->talk.declined) {
        return IKE_X_OK;
    }
    int r = u && u->secret.len ? configured(x, u) : x->e->core.set.host.hooks.login != NULL ? ask_login(x) : IKE_ERR_NOT_FOUND;
    if (r == IKE_PENDING) {
        return IKE_X_PENDING;
    }
    return r == IKE_OK && s->user.len ? IKE_X_OK : r == IKE_ERR_NOMEM ? ike_trouble(x, r) : no_password(x);
}

/* Not more than was asked for. TYPE only if it was in the request (section 7.2). */
static int put_reply(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_wr *w = &x->chain.w;
    uint16_t asked = s->talk.asked;
    size_t at = ike_v1_attr_begin(x, IKE_CFG1_REPLY);
    if (s->talk.declined) {
        ike_v1_put_attr_uint(w, IKE_XAUTH_STATUS, 0);
        return ike_v1_attr_end(x, at);
    }
    if (asked & BIT(IKE_XAUTH_TYPE)) {
        ike_v1_put_attr_uint(w, IKE_XAUTH_TYPE, 0);
    }
    for (uint16_t a = IKE_XAUTH_USER_NAME; a <= IKE_XAUTH_DOMAIN; a++) {
        ike_bytes v = a == IKE_XAUTH_USER_NAME ? ike_blob_bytes(&s->user)
                      : a == IKE_XAUTH_DOMAIN  ? ike_bytes_of(NULL, 0)
                                               : ike_blob_bytes(&s->secret);
        if ((asked & BIT(a)) && a != IKE_XAUTH_MESSAGE && a != IKE_XAUTH_CHALLENGE) {
            ike_v1_put_attr(w, a, v);
        }
    }
    return ike_v1_attr_end(x, at);
}

/* Sent: the octets of the message are kept for repetition, encrypted; the password is not. */
static int forget(struct ike_exchange *x)
{
    ike_wipe(x->chain.w.p, x->chain.w.len);
    ike_blob_free(&x->e->core, &x->setup->secret);
    return IKE_X_OK;
}

/* One with no request before it says that we are known already. */
static int take_status(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_v1_config cfg;
    struct ike_v1_attr a;
    uint64_t status = 0;
    int r = ike_v1_attr_take(x, IKE_CFG1_SET, &cfg);
    if (r != IKE_X_OK) {
        return r;
    }
    if (!ike_v1_config_find(&cfg, IKE_XAUTH_STATUS, &a) || !ike_v1_attr_uint(&a, &status)) {
        return ike_fault(x, IKE_P1_ATTR);
    }
    s->talk.status = true;
    s->talk.granted = status == 1;
    return s->talk.granted && s->user.len && !x->sa->established ? enter(x) : IKE_X_OK;
}

static int put_ack(struct ike_exchange *x)
{
    size_t at = ike_v1_attr_begin(x, IKE_CFG1_ACK);
    ike_v1_put_attr(&x->chain.w, IKE_XAUTH_STATUS, ike_bytes_of(NULL, 0));
    return ike_v1_attr_end(x, at);
}

/* When our word that we know it has left. */
static int settle(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    char name[64];
    if (x->setup->talk.granted) {
        x->sa->v1->user_known = true;
    } else {
        c->blamed = false;
        ike_blame(c, IKE_FAIL_USER, IKE_DECIDER_PEER);
        ike_blame_expected(c, "the peer to let user \"%s\" in", shown(ike_blob_bytes(&x->setup->user), name, sizeof name));
        ike_blame_received(c, x->setup->talk.declined ? "a request for more than a name and a password, and then a refusal"
                                                      : "a refusal");
        ike_blame_remedy(c, "correct xauth-user, or the secret in its section [user NAME]");
        ike_exchange_blame(x);
    }
    return IKE_X_OK;
}

static ike_action *const request_build[] = {ike_v1_begin, put_request, NULL};
static ike_action *const request_handle[] = {ike_v1_transaction_check, supersede, take_request, login, NULL};
static ike_action *const reply_build[] = {put_reply, NULL};
static ike_action *const reply_sent[] = {forget, NULL};
static ike_action *const reply_handle[] = {ike_v1_transaction_check, take_reply, judge, NULL};
static ike_action *const status_build[] = {put_status, NULL};
static ike_action *const status_sent[] = {refused, NULL};
static ike_action *const status_handle[] = {ike_v1_transaction_check, supersede, take_status, NULL};
static ike_action *const ack_build[] = {put_ack, NULL};
static ike_action *const ack_sent[] = {settle, NULL};
static ike_action *const ack_handle[] = {ike_v1_transaction_check, take_ack, NULL};

#define FORMS ike_v1_transaction_forms
static const struct ike_step steps[] = {
    {"XAUTH request", IKE_INITIATOR, NULL, FORMS, request_handle, request_build, NULL, NULL},
    {"XAUTH reply", IKE_RESPONDER, NULL, FORMS, reply_handle, reply_build, NULL, reply_sent},
    {"XAUTH status", IKE_INITIATOR, NULL, FORMS, status_handle, status_build, NULL, status_sent},
    {"XAUTH acknowledgement", IKE_RESPONDER, NULL, FORMS, ack_handle, ack_build, NULL, ack_sent},
};
const struct ike_script ike_v1_xauth = {"XAUTH", 1, IKE_X1_TRANSACTION, &ike_v1_delivery, steps, 4, 0, ike_v1_next, NULL, NULL};
const struct ike_script ike_v1_xauth_status = {
    "XAUTH status", 1, IKE_X1_TRANSACTION, &ike_v1_delivery, steps + 2, 2, 0, ike_v1_next, NULL, NULL};
