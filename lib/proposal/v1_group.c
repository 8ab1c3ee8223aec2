/* SPDX-License-Identifier: ISC
 *
 * The SA payload of New Group Mode: one transform, whose attributes are a group (RFC 2409 section 5.6 and appendix A).
 */
#include "proposal/v1_offer.h"

enum { TYPE_MODP = 1 };

void ike_v1_put_group(struct ike_chain *c, uint16_t id, ike_bytes prime, ike_bytes generator)
{
    uint8_t attrs[2 * IKE_GROUP_PRIME_MAX + 32];
    struct ike_wr w = ike_wr(attrs, sizeof attrs);
    struct ike_v1_choice one = {.number = 1, .transform_number = 1, .transform_id = IKE_KEY1_IKE};
    ike_v1_put_attr_uint(&w, IKE_A1_GROUP, id);
    ike_v1_put_attr_uint(&w, IKE_A1_GROUP_TYPE, TYPE_MODP);
    ike_v1_put_attr(&w, IKE_A1_PRIME, prime);
    ike_v1_put_attr(&w, IKE_A1_GENERATOR, generator);
    c->w.bad |= w.bad;
    one.attrs = ike_bytes_of(attrs, w.len);
    ike_v1_put_sa_answer(c, &one, IKE_PROTO1_ISAKMP, NULL, 0);
}

/* Each once, and no others: a lifetime of the group, or a second generator, would be something to agree on as well. */
static bool take(struct ike_v1_group *g, const struct ike_v1_attr *a, uint16_t *type)
{
    uint16_t *const number = a->type == IKE_A1_GROUP ? &g->id : a->type == IKE_A1_GROUP_TYPE ? type : NULL;
    ike_bytes *const big = a->type == IKE_A1_PRIME ? &g->prime : a->type == IKE_A1_GENERATOR ? &g->generator : NULL;
    if (number) {
        const bool good = a->tv && *number == 0;
        *number = good ? ike_load16(a->value.ptr) : *number;
        return good;
    }
    if (!big || big->len) {
        return false;
    }
    *big = a->value;
    return true;
}

int ike_v1_group_parse(struct ike_v1_group *g, const struct ike_payload *sa)
{
    struct ike_v1_walk w = ike_v1_walk(sa, false);
    struct ike_v1_transform t = {0}, more;
    struct ike_v1_attr a;
    uint16_t type = 0;
    bool good = ike_v1_walk_next(&w, &t) && !ike_v1_walk_next(&w, &more);
    memset(g, 0, sizeof *g);
    if (w.rc != IKE_OK) {
        return w.rc;
    }
    g->choice = t.x;
    struct ike_rd r = ike_rd(t.x.attrs.ptr, t.x.attrs.len);
    while (good && ike_v1_attr_next(&r, &a)) {
        good = take(g, &a, &type);
    }
    return good && t.protocol == IKE_PROTO1_ISAKMP && t.x.transform_id == IKE_KEY1_IKE && g->id >= IKE_KE_PRIVATE &&
                   type == TYPE_MODP && g->prime.len && g->generator.len
               ? IKE_OK
               : IKE_ERR_NOT_FOUND;
}
