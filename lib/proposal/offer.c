/* SPDX-License-Identifier: ISC
 *
 * Proposal and transform substructures (RFC 7296 sections 3.3.1 to 3.3.5).
 */
#include "proposal/offer.h"
#include "proposal/keywords.h"
#include "proposal/proposal.h"
#include "proposal/substructure.h"

enum { ATTR_TV = 0x8000, ATTR_KEY_LENGTH = 14 };

/* The attributes of one transform. False: not even their lengths make sense, which spoils the payload. What is unknown or
 * malformed otherwise makes this transform unusable, the others stay (RFC 7296 section 3.3.6). */
static bool take_attributes(struct ike_rd *r, struct ike_offer_transform *t)
{
    unsigned key_lengths = 0;
    t->bits = 0;
    t->usable = true;
    while (r->left != 0) {
        const uint16_t type = ike_rd_u16(r), value = ike_rd_u16(r);
        if (type == (ATTR_TV | ATTR_KEY_LENGTH)) {
            t->bits = value;
            key_lengths++;
            continue;
        }
        /* Key Length is the only attribute there is; as TLV it is malformed (section 3.3.5). */
        t->usable = false;
        /* The second number of a TLV is its length, of a TV the value itself. */
        if (!(type & ATTR_TV)) {
            ike_rd_take(r, value);
        }
        if (r->bad) {
            return false;
        }
    }
    if (r->bad) {
        return false;
    }
    /* A key length belongs to ciphers of variable key size, once, and is never 0. An unknown cipher has no traits, so
     * whether its key is of fixed size is open: it is not usable anyway. */
    const unsigned traits = t->type == IKE_T_ENCR ? ike_encr_traits(t->id) : 0;
    const bool fixed = t->type != IKE_T_ENCR || (traits & IKE_ENCR_FIXED_KEY);
    if (key_lengths > 1 || (key_lengths == 1 && (fixed || t->bits == 0)) || (key_lengths == 0 && !fixed && traits != 0)) {
        t->usable = false;
    }
    return true;
}

/* Appends to the one array all proposals share: a payload of 64 KiB can hold thousands of transforms, and what is counted
 * here bounds the work of every comparison that follows. */
static int take_transforms(struct ike_offer *o, struct ike_offer_proposal *p, struct ike_rd *r, unsigned count)
{
    p->first = o->n_transforms;
    p->n = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint8_t last = ike_rd_u8(r);
        ike_rd_u8(r);
        const uint16_t len = ike_rd_u16(r);
        /* 8 octets are the transform without attributes. A shorter length becomes one that cannot be there. */
        struct ike_rd body = ike_rd_sub(r, len < 8 ? SIZE_MAX : (size_t)len - 4);
        /* The chain and the count must agree: readers who trust only one of them would see different offers. */
        if (body.bad || last != (i + 1 < count ? IKE_SUB_TRANSFORMS : IKE_SUB_LAST)) {
            return IKE_ERR_PROTO;
        }
        if (o->n_transforms >= IKE_OFFER_TRANSFORMS) {
            return IKE_ERR_NOT_FOUND;
        }
        struct ike_offer_transform *t = &o->t[o->n_transforms];
        t->type = ike_rd_u8(&body);
        ike_rd_u8(&body);
        t->id = ike_rd_u16(&body);
        if (!take_attributes(&body, t)) {
            return IKE_ERR_PROTO;
        }
        o->n_transforms++;
        p->n++;
    }
    /* Nothing may stand behind the last transform. */
    return ike_rd_done(r) ? IKE_OK : IKE_ERR_PROTO;
}

/* Structure only. The tables are views into the payload and plain numbers: they need no release, and hold as long as the
 * message. */
int ike_offer_parse(struct ike_offer *o, const struct ike_payload *sa, bool answer)
{
    struct ike_rd r = ike_rd(sa->body, sa->len);
    o->n = 0;
    o->n_transforms = 0;
    do {
        const uint8_t last = ike_rd_u8(&r);
        ike_rd_u8(&r);
        const uint16_t len = ike_rd_u16(&r);
        struct ike_rd body = ike_rd_sub(&r, len < 8 ? SIZE_MAX : (size_t)len - 4);
        /* Here the length of the payload says how many there are, and the Last octet has to agree. */
        if (body.bad || last != (r.left != 0 ? IKE_SUB_PROPOSALS : IKE_SUB_LAST)) {
            return IKE_ERR_PROTO;
        }
        if (o->n >= IKE_OFFER_PROPOSALS) {
            return IKE_ERR_NOT_FOUND;
        }
        struct ike_offer_proposal *p = &o->p[o->n];
        p->number = ike_rd_u8(&body);
        p->protocol = ike_rd_u8(&body);
        p->spi_len = ike_rd_u8(&body);
        const uint8_t count = ike_rd_u8(&body);
        p->spi = ike_rd_take(&body, p->spi_len);
        if (body.bad || count == 0 || p->number == 0 || (!answer && p->number != o->n + 1)) {
            return IKE_ERR_PROTO;
        }
        /* Far above what any peer needs. An answer, not a drop: a peer with a long list should learn why it fails. */
        if (count > IKE_OFFER_PER_PROPOSAL) {
            return IKE_ERR_NOT_FOUND;
        }
        /* Counted before its transforms are read, so that a message about a fault can show them. */
        o->n++;
        int rc = take_transforms(o, p, &body, count);
        if (rc != IKE_OK) {
            return rc;
        }
    } while (r.left != 0);
    return IKE_OK;
}
