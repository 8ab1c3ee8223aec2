/* SPDX-License-Identifier: ISC
 *
 * Main Mode (RFC 2409 section 5): six messages. Proposals, then values, then, under keys, identities and proofs.
 */
#include "exchange/v1/v1.h"

static const struct ike_payload_rule sa_rules[] = {{IKE_P1_SA, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule ke_rules[] = {{IKE_P1_KE, 1, 1}, {IKE_P1_NONCE, 1, 1}, {IKE_P1_NAT_D, 0, 16}, {0, 0, 0}};
static const struct ike_payload_rule sig_rules[] = {{IKE_P1_ID, 1, 1}, {IKE_P1_SIG, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule hash_rules[] = {{IKE_P1_ID, 1, 1}, {IKE_P1_HASH, 1, 1}, {0, 0, 0}};
static const struct ike_form sa_forms[] = {{NULL, sa_rules}, {NULL, NULL}};
static const struct ike_form ke_forms[] = {{NULL, ke_rules}, {NULL, NULL}};
static const struct ike_form auth_forms[] = {{ike_v1_signs, sig_rules}, {NULL, hash_rules}, {NULL, NULL}};

static ike_action *const offer[] = {ike_v1_offer, NULL};
static ike_action *const choose[] = {ike_v1_choose, NULL};
static ike_action *const answer[] = {ike_v1_answer, NULL};
static ike_action *const take_answer[] = {ike_v1_take_answer, NULL};
static ike_action *const values_i[] = {ike_make_nonce, ike_make_ke, ike_v1_put_ke, NULL};
static ike_action *const take_values_r[] = {ike_v1_take_ke, NULL};
/* The secret is there before the answer leaves; what it costs to compute the keys is spent when the fifth message comes. */
static ike_action *const values_r[] = {ike_v1_secret, ike_make_nonce, ike_make_ke, ike_v1_put_ke, NULL};
static ike_action *const take_values_i[] = {ike_v1_take_ke, ike_v1_secret, ike_v1_keys, ike_float_ports, NULL};
static ike_action *const prove[] = {ike_own_identity, ike_v1_prove, ike_v1_put_auth, NULL};
static ike_action *const check[] = {ike_v1_take_id, ike_v1_choose_conn, ike_v1_check_auth, ike_v1_join, NULL};

static const struct ike_step steps[] = {
    {"Main Mode 1 (SA)", IKE_INITIATOR, NULL, sa_forms, choose, offer, NULL, NULL},
    {"Main Mode 2 (SA)", IKE_RESPONDER, NULL, sa_forms, take_answer, answer, NULL, NULL},
    {"Main Mode 3 (KE)", IKE_INITIATOR, NULL, ke_forms, take_values_r, values_i, NULL, NULL},
    {"Main Mode 4 (KE)", IKE_RESPONDER, NULL, ke_forms, take_values_i, values_r, NULL, NULL},
    {"Main Mode 5 (ID)", IKE_INITIATOR, NULL, auth_forms, check, prove, NULL, NULL},
    {"Main Mode 6 (ID)", IKE_RESPONDER, NULL, auth_forms, check, prove, NULL, NULL},
};
const struct ike_script ike_v1_main = {"Main Mode", 1, IKE_X1_MAIN, &ike_v1_delivery, steps, 6, 0, ike_v1_next, NULL, NULL};
