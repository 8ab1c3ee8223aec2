/* SPDX-License-Identifier: ISC
 *
 * Vendor ids: they only ever turn on what they name, and say nothing of who the peer is.
 */
#include "exchange/v1/v1.h"

enum what { NAT_T_RFC = IKE_V1_NAT_T_RFC, NAT_T_DRAFT = IKE_V1_NAT_T_DRAFT, DPD, FRAGMENTS, XAUTH };

/* The best of NAT traversal first: "RFC 3947", then drafts 3 and 2 of it, the last in two spellings. Of FRAGMENTATION the first
 * 16 octets; what may follow says for which modes. */
static const struct vid {
    uint8_t what, len;
    bool more; /* further octets may follow */
    uint8_t id[16];
} vids[] = {
    {NAT_T_RFC, 16, false, {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f}},
    {NAT_T_DRAFT, 16, false, {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56}},
    {NAT_T_DRAFT, 16, false, {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f}},
    {NAT_T_DRAFT, 16, false, {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48}},
    {DPD, 16, false, {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00}},
    {FRAGMENTS, 16, true, {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3}},
    {XAUTH, 8, false, {0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12}},
};

/* An initiator announces all it has; a responder of NAT traversal what it has taken, which the initiator goes by. */
void ike_v1_put_vids(struct ike_exchange *x)
{
    const struct ike_v1_sa *v = x->sa->v1;
    for (size_t i = 0; i < IKE_COUNT(vids); i++) {
        bool nat_t = vids[i].what == NAT_T_RFC || vids[i].what == NAT_T_DRAFT;
        if (vids[i].what == XAUTH ? x->sa->conf->s.xauth
                                  : x->role == IKE_INITIATOR || !nat_t || (v->nat_t && i == v->nat_t_vid)) {
            ike_put_payload(&x->chain, IKE_P1_VENDOR, ike_bytes_of(vids[i].id, vids[i].len));
        }
    }
}

static bool is(const struct vid *v, const struct ike_payload *p)
{
    return (p->len == v->len || (v->more && p->len > v->len)) && memcmp(p->body, v->id, v->len) == 0;
}

void ike_v1_take_vids(struct ike_exchange *x)
{
    struct ike_v1_sa *v = x->sa->v1;
    const struct ike_payload *p;
    v->nat_t = 0;
    v->dpd = v->fragments = false;
    for (size_t i = 0; i < IKE_COUNT(vids); i++) {
        bool there = false;
        for (unsigned k = 0; !there && (p = ike_message_find(x->msg, IKE_P1_VENDOR, k)) != NULL; k++) {
            there = is(&vids[i], p);
        }
        if (there && vids[i].what == DPD) {
            v->dpd = true;
        } else if (there && vids[i].what == FRAGMENTS) {
            v->fragments = true;
        } else if (there && !v->nat_t && vids[i].what != XAUTH) {
            v->nat_t = vids[i].what;
            v->nat_t_vid = (uint8_t)i;
        }
    }
    x->sa->no_nat_t = !v->nat_t;
}
