/* SPDX-License-Identifier: ISC
 *
 * Shared Key Message Integrity Code: AUTH = prf(prf(secret, "Key Pad for IKEv2"), SignedOctets), RFC 7296 section 2.15.
 */
#include "auth/auth.h"
#include "keys/keys.h"

/* The inner prf allows a host to keep prf(secret, pad) instead of the secret, and ties its use to IKEv2 (section 2.15). The
 * ID enters under SK_p of its own side, so one side's AUTH reflected to it is never its peer's. */
static int compute(const struct ike_signed *s, ike_bytes secret, uint8_t out[IKE_HASH_MAX])
{
    static const char pad[] = "Key Pad for IKEv2";
    uint8_t key[IKE_HASH_MAX], mac_id[IKE_HASH_MAX];
    size_t n = s->prf->mac->len;
    /* 17 ASCII octets, no NUL. */
    ike_bytes pad_part = {(const uint8_t *)pad, sizeof pad - 1};
    ike_bytes octets[] = {s->message, s->nonce, {mac_id, n}};
    int r = ike_prf_parts(s->prf, s->ctx, s->sk_p, &s->id, 1, mac_id);
    if (r == IKE_OK) {
        r = ike_prf_parts(s->prf, s->ctx, secret, &pad_part, 1, key);
    }
    if (r == IKE_OK) {
        r = ike_prf_parts(s->prf, s->ctx, ike_bytes_of(key, n), octets, 3, out);
    }
    /* `key` is as good as the secret itself. */
    ike_wipe(key, sizeof key);
    return r;
}

static int prove(const struct ike_signed *s, ike_bytes secret, uint8_t *out, size_t *len)
{
    *len = s->prf->mac->len;
    return compute(s, secret, out);
}

/* Computed before anything is looked at: a wrong length takes as long as a wrong value. */
static int check(const struct ike_signed *s, ike_bytes secret, ike_bytes auth)
{
    uint8_t want[IKE_HASH_MAX];
    int r = compute(s, secret, want);
    if (r == IKE_OK && (auth.len != s->prf->mac->len || !ike_ct_equal(want, auth.ptr, auth.len))) {
        r = IKE_ERR_AUTH;
    }
    /* It would prove the peer's identity to us. */
    ike_wipe(want, sizeof want);
    return r;
}

const struct ike_auth_method ike_auth_psk = {IKE_AUTH_SHARED_KEY, "pre-shared key", prove, check};
