/* SPDX-License-Identifier: ISC
 *
 * Help for the proposal tests of IKEv1: offers from text, SA payloads from the parts of their transforms.
 */
#ifndef TESTS_UNIT_PROPOSAL_V1_TEXT_H
#define TESTS_UNIT_PROPOSAL_V1_TEXT_H

#include "proposal/v1.h"
#include "unit/proposal_text.h"
#include "vectors/vectors.h"

#define V1_SPI 0xc0010203u

static const struct ike_v1_terms v1_psk = {.auth = 1, .life_s = 28800};
static const struct ike_v1_terms v1_tunnel = {.mode = IKE_MODE1_TUNNEL, .life_s = 3600};

/* Phase 2 with one protocol: a bundle of one. */
static inline void v1_put2(struct ike_chain *c, const struct ike_proposals *p, const struct ike_v1_terms *t, uint32_t spi,
                           uint16_t ke)
{
    const struct ike_v1_want w = {.main = p, .terms = *t};
    ike_v1_put_bundles(c, &w, (const uint32_t[IKE_V1_PLACES]){[IKE_V1_MAIN] = spi}, ke);
}
static inline int v1_select2(const struct ike_proposals *p, const struct ike_payload *sa, const struct ike_v1_terms *t,
                             uint16_t ke, struct ike_v1_choice *x)
{
    const struct ike_v1_want w = {.main = p, .terms = *t};
    struct ike_v1_bundle b;
    const int rc = ike_v1_select_bundle(&w, sa, ke, &b);
    *x = b.part[0];
    return rc;
}
static inline int v1_check2(const struct ike_proposals *p, const struct ike_payload *sa, const struct ike_v1_terms *t,
                            uint16_t ke, struct ike_v1_choice *x)
{
    const struct ike_v1_want w = {.main = p, .terms = *t};
    struct ike_v1_bundle b = {0};
    const int rc = ike_v1_check_bundle(&w, sa, ke, &b);
    *x = b.part[0];
    return rc;
}

/* What a peer with these proposals sends in phase 1, or in phase 2 with the group `ke`. buf must outlive the payload. */
static inline struct ike_payload v1_offer(const char *text, const struct ike_v1_terms *t, uint16_t only_ke, uint8_t *buf,
                                          size_t n)
{
    struct ike_proposals *p = from_text(text, IKE_PROTO_IKE);
    struct ike_chain c = ike_chain(buf, n);
    ike_v1_put_sa(&c, p, t, only_ke);
    forget(p);
    assert_int_equal(c.first, IKE_P1_SA);
    return only_payload(&c);
}
static inline struct ike_payload v1_offer2(const char *text, const struct ike_v1_terms *t, uint16_t ke, uint8_t *buf, size_t n)
{
    struct ike_proposals *p = from_text(text, IKE_PROTO_ESP);
    struct ike_chain c = ike_chain(buf, n);
    v1_put2(&c, p, t, V1_SPI, ke);
    forget(p);
    return only_payload(&c);
}

/* One transform: its id and its attributes in hex. */
struct v1_part {
    uint8_t number, protocol; /* of the proposal; transforms of the same one stand together and have `more` but the last */
    bool more;
    uint8_t id;
    const char *attrs;
};

/* An SA payload of such parts, each as it is told, good or bad. */
static inline struct ike_payload v1_sa(const struct v1_part *part, size_t n, uint8_t *buf, size_t cap)
{
    struct ike_wr w = ike_wr(buf, cap);
    ike_wr_u32(&w, 1);
    ike_wr_u32(&w, 1);
    for (size_t i = 0; i < n;) {
        const size_t at = w.len;
        size_t end = i;
        while (part[end].more) {
            end++;
        }
        ike_wr_u32(&w, end + 1 < n ? 2u << 24 : 0);
        ike_wr_u8(&w, part[i].number);
        ike_wr_u8(&w, part[i].protocol);
        ike_wr_u8(&w, part[i].protocol == 1 ? 0 : 4);
        ike_wr_u8(&w, (uint8_t)(end - i + 1));
        if (part[i].protocol != 1) {
            ike_wr_u32(&w, V1_SPI);
        }
        for (uint8_t k = 1; i <= end; i++, k++) {
            uint8_t attrs[128];
            const size_t len = vec_hex(part[i].attrs, attrs, sizeof attrs), start = w.len;
            assert_true(len != SIZE_MAX);
            ike_wr_u32(&w, part[i].more ? 3u << 24 : 0);
            ike_wr_u8(&w, k);
            ike_wr_u8(&w, part[i].id);
            ike_wr_u16(&w, 0);
            ike_wr_put(&w, attrs, len);
            ike_wr_fix16(&w, start + 2, w.len - start);
        }
        ike_wr_fix16(&w, at + 2, w.len - at);
    }
    assert_false(w.bad);
    return (struct ike_payload){.type = IKE_P1_SA, .body = buf, .len = (uint16_t)w.len};
}

#endif
