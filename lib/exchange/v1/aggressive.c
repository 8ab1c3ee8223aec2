/* SPDX-License-Identifier: ISC
 *
 * Aggressive Mode (RFC 2409 section 5.4): three messages. Identities go in clear, and whoever asks gets a proof against which
 * secrets can be tried at leisure; but the peer is known by its identity, wherever it comes from. Only where a connection says
 * so.
 */
#include "exchange/v1/v1.h"

/* All transforms have the group of the value that goes with them. */
static int pick_ke(struct ike_exchange *x)
{
    uint16_t group = ike_v1_ke(x->sa->conf->proposals, 0);
    x->setup->ke = group ? ike_find_ke(x->e->core.crypto, group) : NULL;
    x->setup->keep_private = true; /* the first answer may be a forger's */
    return x->setup->ke ? IKE_X_OK : ike_refuse(x, 0, IKE_FAIL_KE_GROUP);
}

static int put_id(struct ike_exchange *x)
{
    ike_put_payload(&x->chain, IKE_P1_ID, ike_blob_bytes(&x->setup->local_id));
    return IKE_X_OK;
}

static int put_last(struct ike_exchange *x)
{
    ike_v1_put_proof(x);
    ike_v1_put_nat_d(x);
    return IKE_X_OK;
}

static int take_last(struct ike_exchange *x)
{
    ike_v1_detect_nat(x);
    return IKE_X_OK;
}

/* After the answer has been taken for where the peer is: it came from port 500. A NAT that is only claimed the peer learns of by
 * the last message, which goes to the other port already. */
static int float_ports(struct ike_exchange *x)
{
    x->sa->ours_fake_nat = x->sa->conf->s.encap;
    return ike_float_ports(x);
}

static const struct ike_payload_rule first_rules[] = {
    {IKE_P1_SA, 1, 1}, {IKE_P1_KE, 1, 1}, {IKE_P1_NONCE, 1, 1}, {IKE_P1_ID, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule answer_rules[] = {{IKE_P1_SA, 1, 1}, {IKE_P1_KE, 1, 1},   {IKE_P1_NONCE, 1, 1},
                                                       {IKE_P1_ID, 1, 1}, {IKE_P1_HASH, 1, 1}, {IKE_P1_NAT_D, 0, 16},
                                                       {0, 0, 0}};
static const struct ike_payload_rule answer_sig_rules[] = {{IKE_P1_SA, 1, 1}, {IKE_P1_KE, 1, 1},  {IKE_P1_NONCE, 1, 1},
                                                           {IKE_P1_ID, 1, 1}, {IKE_P1_SIG, 1, 1}, {IKE_P1_NAT_D, 0, 16},
                                                           {0, 0, 0}};
static const struct ike_payload_rule last_rules[] = {{IKE_P1_HASH, 1, 1}, {IKE_P1_NAT_D, 0, 16}, {0, 0, 0}};
static const struct ike_payload_rule last_sig_rules[] = {{IKE_P1_SIG, 1, 1}, {IKE_P1_NAT_D, 0, 16}, {0, 0, 0}};
static const struct ike_form first_forms[] = {{NULL, first_rules}, {NULL, NULL}};
static const struct ike_form answer_forms[] = {{ike_v1_signs, answer_sig_rules}, {NULL, answer_rules}, {NULL, NULL}};
static const struct ike_form last_forms[] = {{ike_v1_signs, last_sig_rules}, {NULL, last_rules}, {NULL, NULL}};

static ike_action *const first_build[] = {pick_ke,      ike_own_identity, ike_make_nonce, ike_make_ke,
                                          ike_v1_offer, ike_v1_put_ke,    put_id,         NULL};
/* The identity before the secret: it says whose. */
static ike_action *const first_handle[] = {ike_v1_choose,      ike_v1_take_ke, ike_v1_take_id,
                                           ike_v1_choose_conn, ike_v1_secret,  NULL};
static ike_action *const answer_build[] = {ike_make_nonce,   ike_make_ke,     ike_v1_keys,
                                           ike_own_identity, ike_v1_prove,    ike_v1_answer,
                                           ike_v1_put_ke,    ike_v1_put_auth, NULL};
static ike_action *const answer_handle[] = {
    ike_v1_take_answer, ike_v1_take_ke,    ike_v1_take_id, ike_v1_choose_conn, ike_v1_secret,
    ike_v1_keys,        ike_v1_check_auth, ike_v1_join,    float_ports,        NULL};
static ike_action *const last_build[] = {ike_v1_prove, put_last, NULL};
static ike_action *const last_handle[] = {ike_v1_check_auth, take_last, ike_v1_join, NULL};

static const struct ike_step steps[] = {
    {"Aggressive Mode 1", IKE_INITIATOR, NULL, first_forms, first_handle, first_build, NULL, NULL},
    {"Aggressive Mode 2", IKE_RESPONDER, NULL, answer_forms, answer_handle, answer_build, NULL, NULL},
    {"Aggressive Mode 3", IKE_INITIATOR, NULL, last_forms, last_handle, last_build, NULL, NULL},
};
const struct ike_script ike_v1_aggressive = {
    "Aggressive Mode", 1, IKE_X1_AGGRESSIVE, &ike_v1_delivery, steps, 3, 0, ike_v1_next, NULL, NULL};
