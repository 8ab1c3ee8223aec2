/* SPDX-License-Identifier: ISC
 *
 * A connection's settings inside the engine: an immutable deep copy in one allocation, with its proposals parsed.
 * Reference-counted, since attempts and SAs keep the settings they began with.
 */
#ifndef IKE_POLICY_CONF_H
#define IKE_POLICY_CONF_H

#include "core/core.h"
#include "crypto/key.h"
#include "proposal/proposal.h"

/* The proposals are allocations of their own; all else is in this one. It holds the secret, so it is wiped when the last
 * reference goes. */
struct ike_conf {
    uint32_t refs;
    uint16_t auth1; /* method of IKEv1 (RFC 2409 appendix A) */
    uint8_t family; /* of which the data plane was asked what it carries; 0: not known */
    size_t size;
    struct ike_proposals *proposals;
    struct ike_proposals **child_proposals; /* n_children: of ESP, or of AH where that is alone */
    struct ike_proposals **child_around;    /* n_children: of AH around ESP; NULL: none */
    ike_conn_settings s;                    /* pointers lead into this allocation */
    ike_conn_settings shown;                /* the same without the secret, for those who look */
    /* Signatures. The private key is the host's when local has no slot. */
    struct ike_key local, local_open, remote;
    uint8_t *cert; /* DER, to be sent; NULL: none */
    size_t cert_len, cert_room;
    const ike_prf *sign_prf; /* what is signed is made with it; NULL: with the negotiated one */
};
enum ike_auth1 {
    IKE_AUTH1_PSK = 1,
    IKE_AUTH1_DSS = 2,
    IKE_AUTH1_RSA = 3,
    IKE_AUTH1_ECDSA256 = 9, /* RFC 4754 */
    IKE_AUTH1_ECDSA384 = 10,
    IKE_AUTH1_ECDSA521 = 11
};

/* IKE_OK; IKE_ERR_INVALID, _EXISTS (two children of a name), _UNSUPPORTED or _LIMIT of the proposals, _CRYPTO (keys that cannot
 * be read or used, or do not go together), _NOMEM. */
int ike_conf_for(struct ike_core *c, const ike_conn_settings *s, uint8_t known, struct ike_conf **out);
static inline int ike_conf_new(struct ike_core *c, const ike_conn_settings *s, struct ike_conf **out)
{
    return ike_conf_for(c, s, 0, out);
}
/* A name that waits to be resolved keeps the address that the connection had. */
static inline bool ike_conf_keeps_remote(const ike_conn_settings *s)
{
    return s->size == sizeof *s && !s->remote.family && s->remote_unresolved;
}
/* The family of the path: `known` is that of the peer's present address, 0 where nobody has set one; without either that of the
 * settings, which may be 0. */
uint8_t ike_conf_family(const ike_conn_settings *s, uint8_t known);
static inline struct ike_conf *ike_conf_ref(struct ike_conf *f)
{
    f->refs++;
    return f;
}
void ike_conf_unref(struct ike_core *c, struct ike_conf *f);
static inline bool ike_conf_speaks(const struct ike_conf *f, uint8_t major)
{
    if (!IKE_WITH_V1) {
        return major == 2;
    }
    return f->s.version == IKE_SPEAKS_ANY || f->s.version == (major == 1 ? IKE_SPEAKS_V1 : IKE_SPEAKS_V2);
}
/* Index of a child by name, or -1. */
int ike_conf_child(const struct ike_conf *f, const char *name);
/* What a child asks for as text: "AH sha256 + ESP aes128-sha256 + deflate". snprintf-like. */
size_t ike_child_offer_format(const struct ike_conf *f, size_t index, char *out, size_t n);
/* Whether two child settings mean the same agreement: what a reload compares. */
bool ike_child_settings_same(const ike_child_settings *a, const ike_child_settings *b);

/* How well a peer's address fits: 0 not at all; the higher the more specific (1 any, 2 + prefix length). `remote` is the
 * peer's present address, which a host may have set anew. */
unsigned ike_conf_address_fit(const struct ike_conf *f, const ike_addr *remote, const ike_path *path);
/* The identity we use: the configured one, or the address of the path (written to buf[16]). */
ike_id ike_conf_local_id(const struct ike_conf *f, const ike_path *path, uint8_t buf[16]);
/* Type and octets; names without regard to case. Not in constant time: identities are no secrets. */
bool ike_id_equal(const ike_id *a, const ike_id *b);
bool ike_addr_same_ip(const ike_addr *a, const ike_addr *b);
bool ike_addr_equal(const ike_addr *a, const ike_addr *b); /* with port */
bool ike_path_equal(const ike_path *a, const ike_path *b);

#endif
