/* SPDX-License-Identifier: ISC
 *
 * IKEv1's numbers of algorithms beside IKEv2's. What has no row cannot be negotiated with IKEv1.
 */
#include "proposal/keywords.h"
#include "proposal/v1_map.h"

struct pair {
    uint16_t v1, v2;
};

static const struct pair encr[] = {{1, 2}, {3, 7}, {5, 3}, {6, 6}, {7, 12}, {8, 23}};
static const struct pair hash[] = {{1, 1}, {2, 2}, {4, 5}, {5, 6}, {6, 7}};
/* Camellia and GMAC are what differs. */
static const struct pair esp[] = {{2, 2},   {3, 3},   {6, 6},   {7, 7},   {11, 11}, {12, 12}, {13, 13}, {14, 14},
                                  {15, 15}, {16, 16}, {18, 18}, {19, 19}, {20, 20}, {22, 23}, {23, 21}};
static const struct pair auth[] = {{1, 1}, {2, 2}, {5, 12}, {6, 13}, {7, 14}, {9, 5}};
static const struct pair ah[] = {{2, 1}, {3, 2}, {5, 12}, {6, 13}, {7, 14}, {9, 5}};
/* Both versions share the numbers of groups. X25519 and X448 (31, 32) nobody has assigned in IKEv1: peers that have them use
 * these. */
static const struct pair ke[] = {{1, 1},   {2, 2},   {3, 3},   {4, 4},   {5, 5},   {14, 14}, {15, 15}, {16, 16},
                                 {17, 17}, {18, 18}, {19, 19}, {20, 20}, {21, 21}, {22, 22}, {23, 23}, {24, 24},
                                 {25, 25}, {26, 26}, {27, 27}, {28, 28}, {29, 29}, {30, 30}, {31, 31}, {32, 32}};

static const struct {
    const struct pair *row;
    size_t n;
} maps[IKE_M1_MAPS] = {
    [IKE_M1_ENCR] = {encr, IKE_COUNT(encr)}, [IKE_M1_HASH] = {hash, IKE_COUNT(hash)}, [IKE_M1_ESP] = {esp, IKE_COUNT(esp)},
    [IKE_M1_AUTH] = {auth, IKE_COUNT(auth)}, [IKE_M1_AH] = {ah, IKE_COUNT(ah)},       [IKE_M1_KE] = {ke, IKE_COUNT(ke)},
};

/* Groups that two peers agreed on have the same number for both, and no meaning to anybody else. */
static bool private_group(enum ike_v1_map m, uint16_t id) { return m == IKE_M1_KE && id >= IKE_KE_PRIVATE; }

uint16_t ike_v1_number(enum ike_v1_map m, uint16_t v2)
{
    if (private_group(m, v2)) {
        return v2;
    }
    for (size_t i = 0; i < maps[m].n; i++) {
        if (maps[m].row[i].v2 == v2) {
            return maps[m].row[i].v1;
        }
    }
    return 0;
}

uint16_t ike_v1_meaning(enum ike_v1_map m, uint16_t v1)
{
    if (private_group(m, v1)) {
        return v1;
    }
    for (size_t i = 0; i < maps[m].n; i++) {
        if (maps[m].row[i].v1 == v1) {
            return maps[m].row[i].v2;
        }
    }
    return 0;
}

/* The integrity algorithm of an IKE proposal stands for the hash. A group of 0 is none. */
static bool has_number(uint8_t protocol, const struct ike_keyword *k)
{
    const bool ike = protocol == IKE_PROTO_IKE;
    switch (k->type) {
    case IKE_T_ENCR:
        return ike_v1_number(ike ? IKE_M1_ENCR : IKE_M1_ESP, k->id);
    case IKE_T_PRF:
        return ike_v1_number(IKE_M1_HASH, k->id);
    case IKE_T_INTEG:
        return ike ? ike_v1_number(IKE_M1_HASH, ike_prf_of_integ(k->id))
                   : ike_v1_number(protocol == IKE_PROTO_AH ? IKE_M1_AH : IKE_M1_AUTH, k->id);
    case IKE_T_KE:
        return k->id == 0 || ike_v1_number(IKE_M1_KE, k->id);
    default:
        return true;
    }
}

int ike_proposals_check_v1(const char *text, uint8_t protocol, size_t *at)
{
    static const char between[] = "-, \t\r\n";
    size_t pos = strspn(text, between), n;
    for (; (n = strcspn(text + pos, between)) != 0; pos += n, pos += strspn(text + pos, between)) {
        const struct ike_keyword *k = ike_keyword_find(text + pos, n);
        if (k && !has_number(protocol, k)) {
            if (at) {
                *at = pos;
            }
            return IKE_ERR_UNSUPPORTED;
        }
    }
    return IKE_OK;
}

const char *ike_v1_word(uint8_t type, uint16_t value)
{
    static const struct {
        uint8_t type;
        uint16_t value;
        const char *word;
    } words[] = {
        {IKE_T1_AUTH, 1, "psk"},
        {IKE_T1_AUTH, 2, "dss"},
        {IKE_T1_AUTH, 3, "rsa"},
        {IKE_T1_AUTH, 4, "rsa-encryption"},
        {IKE_T1_AUTH, 5, "revised-rsa-encryption"},
        {IKE_T1_AUTH, 9, "ecdsa256"},
        {IKE_T1_AUTH, 10, "ecdsa384"},
        {IKE_T1_AUTH, 11, "ecdsa521"},
        {IKE_T1_AUTH, 64221, "hybrid-rsa"},
        {IKE_T1_AUTH, 65001, "xauth-psk"},
        {IKE_T1_AUTH, 65005, "xauth-rsa"},
        {IKE_T1_MODE, IKE_MODE1_TUNNEL, "tunnel"},
        {IKE_T1_MODE, IKE_MODE1_TRANSPORT, "transport"},
        {IKE_T1_MODE, IKE_MODE1_UDP_TUNNEL, "udp-tunnel"},
        {IKE_T1_MODE, IKE_MODE1_UDP_TRANSPORT, "udp-transport"},
        {IKE_T1_MODE, IKE_MODE1_UDP_TUNNEL_DRAFT, "udp-tunnel-draft"},
        {IKE_T1_MODE, IKE_MODE1_UDP_TRANSPORT_DRAFT, "udp-transport-draft"},
    };
    for (size_t i = 0; i < IKE_COUNT(words); i++) {
        if (words[i].type == type && words[i].value == value) {
            return words[i].word;
        }
    }
    return NULL;
}

/* In the order of the bits. */
uint8_t ike_v1_type_of(unsigned differences)
{
    static const uint8_t types[] = {IKE_T_ENCR, IKE_T_PRF,   IKE_T_INTEG,      IKE_T_KE,
                                    IKE_T_ESN,  IKE_T1_AUTH, IKE_T1_ATTRIBUTE, IKE_T1_LIFE};
    for (size_t i = 0; i < IKE_COUNT(types); i++) {
        if (differences & 1u << i) {
            return types[i];
        }
    }
    return 0;
}

/* The integrity algorithm of an IKE proposal protects SK payloads, and IKEv1 has none. */
unsigned ike_v1_fit(const struct ike_proposals *p, unsigned i, const struct ike_suite *s)
{
    const bool phase1 = p->protocol == IKE_PROTO_IKE;
    unsigned bad = 0;
    bad |= ike_proposal_allows(p, i, IKE_T_ENCR, s->encr, s->encr_bits) ? 0u : IKE_D1_ENCR;
    bad |= ike_proposal_allows(p, i, IKE_T_PRF, s->prf, 0) ? 0u : IKE_D1_PRF;
    bad |= phase1 || ike_proposal_allows(p, i, IKE_T_INTEG, s->integ, 0) ? 0u : IKE_D1_INTEG;
    bad |= ike_proposal_allows(p, i, IKE_T_KE, s->ke, 0) ? 0u : IKE_D1_KE;
    bad |= ike_proposal_allows(p, i, IKE_T_ESN, s->esn, 0) ? 0u : IKE_D1_ESN;
    return bad;
}

/* Peers that do not know the attribute would refuse the whole offer (RFC 2407 section 4.5). */
uint16_t ike_v1_esn(const struct ike_proposals *p, unsigned i) { return !ike_proposal_allows(p, i, IKE_T_ESN, 0, 0); }
