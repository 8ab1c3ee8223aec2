/* SPDX-License-Identifier: ISC
 *
 * Help for the proposal tests: proposals from text, SA payloads from proposals or from octets.
 */
#ifndef TESTS_UNIT_PROPOSAL_TEXT_H
#define TESTS_UNIT_PROPOSAL_TEXT_H

#include <stdlib.h>

#include "proposal/proposal.h"

static inline void *text_get(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}
static inline void text_put(void *user, void *p, size_t n)
{
    (void)user, (void)n;
    free(p);
}
static const ike_allocator text_mem = {text_get, text_put, NULL};

static inline struct ike_proposals *from_text(const char *text, uint8_t protocol)
{
    struct ike_proposals *p = NULL;
    assert_int_equal(ike_proposals_parse(&p, text, protocol, NULL, &text_mem, NULL), IKE_OK);
    return p;
}

static inline void forget(struct ike_proposals *p) { ike_proposals_free(p, &text_mem); }

/* The payload in a chain that holds one. */
static inline struct ike_payload only_payload(const struct ike_chain *c)
{
    assert_false(c->w.bad);
    return (struct ike_payload){.type = c->first, .body = c->w.p + 4, .len = (uint16_t)(c->w.len - 4)};
}

static const uint8_t child_spi[4] = {0xc0, 1, 2, 3};

/* What a peer with these proposals sends. buf must outlive the payload. */
static inline struct ike_payload offer_of(const char *text, uint8_t protocol, uint8_t spi_len, bool with_ke, uint8_t *buf,
                                          size_t n)
{
    static const uint8_t ike_spi[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct ike_proposals *p = from_text(text, protocol);
    struct ike_chain c = ike_chain(buf, n);
    ike_put_sa(&c, p, spi_len == 4 ? child_spi : ike_spi, spi_len, with_ke, NULL);
    forget(p);
    return only_payload(&c);
}

#endif
