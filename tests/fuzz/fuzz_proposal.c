/* SPDX-License-Identifier: ISC
 *
 * The language of proposals. The first octet says for what; the rest is text, in two halves if there is a ';' in it: ours and a
 * peer's. What parses is written as text and parsed again, offered, and answered by an engine of the same mind.
 */
#include "fuzz.h"

#include "proposal/proposal.h"

#include <stdlib.h>

enum {
    ESP = 0x01,
    ANY_CRYPTO = 0x02,
    SKIP_MISSING = 0x04,
    WITHOUT_KE = 0x08 /* of ESP, as in IKE_AUTH */,
    PREFER = 0x10,
    SCANT = 0x20
};
enum { TEXT_MAX = 4096 };

static struct fuzz_host host;
static const ike_allocator mem = {fuzz_alloc, fuzz_release, &host};
static uint8_t wire[1 << 16];

static struct ike_proposals *parse(unsigned how, const char *text)
{
    struct ike_proposals *p = NULL;
    size_t at = 0;
    int r = ike_proposals_parse_for(&p, text, how & ESP ? IKE_PROTO_ESP : IKE_PROTO_IKE, how & ANY_CRYPTO ? NULL : fuzz_crypto(),
                                    (how & SKIP_MISSING) != 0, &mem, &at);
    fuzz_check((r == IKE_OK) == (p != NULL), "a result without proposals, or the other way round");
    fuzz_check(r != IKE_ERR_INVALID || at <= strlen(text), "an error behind the text");
    return p;
}

static void check_text(unsigned how, const struct ike_proposals *p)
{
    static char text[1 << 16], again[sizeof text];
    size_t n = ike_proposals_format(p, text, sizeof text);
    fuzz_check(n < sizeof text, "a text without end");
    struct ike_proposals *q = parse(how | ANY_CRYPTO, text);
    if (q) {
        (void)ike_proposals_format(q, again, sizeof again);
        fuzz_check(strcmp(text, again) == 0, "a text reads as something else");
    }
    fuzz_check(q || host.memory == 0, "a text of ours cannot be read");
    ike_proposals_free(q, &mem);
}

static struct ike_payload offer(const struct ike_proposals *p, uint8_t spi_len, bool with_ke, const struct ike_suite *first)
{
    static const uint8_t spi[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct ike_chain c = ike_chain(wire, sizeof wire);
    ike_put_sa(&c, p, spi, spi_len, with_ke, first);
    fuzz_check(!c.w.bad && c.w.len <= UINT16_MAX, "an offer that does not fit");
    return (struct ike_payload){.body = wire + 4, .len = (uint16_t)(c.w.len - 4), .type = IKE_P_SA};
}

static bool same(const struct ike_suite *a, const struct ike_suite *b)
{
    return a->protocol == b->protocol && a->encr == b->encr && a->encr_bits == b->encr_bits && a->prf == b->prf &&
           a->integ == b->integ && a->ke == b->ke && a->esn == b->esn;
}

static void answer(unsigned how, const struct ike_proposals *mine, const struct ike_proposals *peers, uint8_t spi_len)
{
    static uint8_t reply[1024];
    static const uint8_t spi[8] = {8, 7, 6, 5, 4, 3, 2, 1};
    struct ike_select_args args = {.spi_len = spi_len, .with_ke = !(how & ESP) || !(how & WITHOUT_KE)};
    struct ike_selection chosen, back;
    struct ike_mismatch why;
    char text[256];
    struct ike_payload sa = offer(peers, spi_len, args.with_ke, NULL);
    args.prefer_ke = how & PREFER ? ike_proposals_ke(mine) : 0;
    int r = ike_select(mine, &sa, &args, &chosen, &why);
    (void)ike_sa_payload_format(&sa, text, sizeof text);
    fuzz_check(r == IKE_OK || mine != peers, "one does not agree with oneself");
    if (r != IKE_OK) {
        return;
    }
    (void)ike_suite_format(&chosen.suite, text, sizeof text);
    args.prefer = &chosen.suite;
    fuzz_check(ike_select(mine, &sa, &args, &chosen, NULL) == IKE_OK, "a suite is lost once it is preferred");
    sa = offer(peers, spi_len, args.with_ke, &chosen.suite);
    fuzz_check(ike_select(mine, &sa, &args, &chosen, NULL) == IKE_OK, "a suite is lost once it comes first");
    struct ike_chain c = ike_chain(reply, sizeof reply);
    ike_put_sa_answer(&c, &chosen.suite, chosen.number, spi, spi_len);
    fuzz_check(!c.w.bad, "an answer that does not fit");
    struct ike_payload said = {.body = reply + 4, .len = (uint16_t)(c.w.len - 4), .type = IKE_P_SA};
    fuzz_check(ike_select_check(peers, &said, &args, &back) == IKE_OK, "an answer within the offer is refused");
    fuzz_check(same(&back.suite, &chosen.suite), "the answer says another suite");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[TEXT_MAX];
    unsigned how = n ? data[0] : 0;
    if (n == 0 || n > sizeof text) {
        return 0;
    }
    memcpy(text, data + 1, n - 1);
    text[n - 1] = 0;
    host = (struct fuzz_host){.memory = how & SCANT ? how >> 6 : FUZZ_PLENTY};
    char *other = strchr(text, ';');
    if (other) {
        *other++ = 0;
    }
    struct ike_proposals *mine = parse(how, text), *peers = other ? parse(how, other) : NULL;
    if (mine) {
        check_text(how, mine);
        answer(how, mine, mine, how & ESP ? 4 : 0);
        if (peers) {
            answer(how, mine, peers, how & ESP ? 4 : 8);
        }
    }
    ike_proposals_free(mine, &mem);
    ike_proposals_free(peers, &mem);
    fuzz_check(host.blocks == 0, "memory is left");
    return 0;
}
