/* SPDX-License-Identifier: ISC
 *
 * How long SAs live (RFC 2407 sections 4.5 and 4.6.3.1, RFC 2409 appendix A). The initiator offers, and the answer repeats it. A
 * responder that has less for it says so in a notify; for one whose settings name a range, what is within it is agreed on, and
 * the rest was refused.
 */
#include "exchange/v1/v1.h"
#include "proposal/v1_map.h"
#include "proposal/v1_offer.h"

/* A peer cannot make us renew more often than that, nor with large numbers make us count wrong. No volume that is meant is as
 * small: IOS, for one, can be set to 2560 KiB and more. */
#define LIFE_MIN     60
#define LIFE_MAX     (10 * 366 * 86400u)
#define LIFE_MIN_KIB 1024

struct life {
    uint64_t s, kb; /* 0: none */
};

static uint32_t bounded(uint64_t life_s)
{
    return life_s < LIFE_MIN ? LIFE_MIN : life_s > LIFE_MAX ? LIFE_MAX : (uint32_t)life_s;
}
static uint64_t bounded_kb(uint64_t kb) { return kb && kb < LIFE_MIN_KIB ? LIFE_MIN_KIB : kb; }
static uint32_t cap(uint64_t v) { return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX; }
static uint64_t shorter(uint64_t a, uint64_t b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* What comes of the peer's offer. */
static uint64_t agree_s(const struct ike_v1_terms *offer, uint64_t own, uint64_t max)
{
    const uint64_t s = ike_v1_life_offered(offer);
    return max ? s : shorter(own, s ? bounded(s) : 0);
}
static struct life agree_child(const struct ike_v1_terms *offer, const ike_child_settings *k)
{
    return (struct life){.s = agree_s(offer, k->life_s, k->life_max_s),
                         .kb = k->life_max_bytes ? offer->life_kb
                                                 : shorter(ike_v1_kilobytes(k->life_bytes), bounded_kb(offer->life_kb))};
}

static bool is_less(uint64_t agreed, uint64_t offered) { return agreed != 0 && (offered == 0 || agreed < offered); }

/* ---- Notify -------------------------------------------------------------------------------------------------------------- */

/* The classes of phase 1 and of phase 2 have numbers of their own. For an IKE SA peers send either. */
static struct life read_life(const struct ike_v1_notify *n)
{
    struct ike_rd r = ike_rd(n->data.ptr, n->data.len);
    struct ike_v1_attr a;
    struct life out = {0};
    uint64_t v, unit = 0;
    while (ike_v1_attr_next(&r, &a) && ike_v1_attr_uint(&a, &v)) {
        if (a.type == IKE_A2_LIFE_TYPE || a.type == IKE_A1_LIFE_TYPE) {
            unit = v;
        } else if (a.type == IKE_A2_LIFE || a.type == IKE_A1_LIFE) {
            out.s = unit == IKE_LIFE1_SECONDS ? v : out.s;
            out.kb = unit == IKE_LIFE1_KILOBYTES ? v : out.kb;
            unit = 0;
        }
    }
    return out;
}

static void put_one(struct ike_wr *w, bool phase1, uint16_t unit, uint64_t v)
{
    ike_v1_put_attr_uint(w, phase1 ? IKE_A1_LIFE_TYPE : IKE_A2_LIFE_TYPE, unit);
    ike_v1_put_attr_uint(w, phase1 ? IKE_A1_LIFE : IKE_A2_LIFE, v);
}

/* What we give less of than was asked for; empty: nothing. room: 40 octets. */
static ike_bytes less_than_offered(const struct ike_exchange *x, uint8_t *room)
{
    const struct ike_v1_terms *offer = &x->setup->v1.terms;
    struct ike_wr w = ike_wr(room, 40);
    struct life l;
    if (ike_v1_phase1(x)) {
        const ike_conn_settings *s = &x->sa->conf->s;
        l = (struct life){.s = agree_s(offer, s->life_s, s->life_max_s)}; /* kilobytes are not counted */
    } else {
        l = agree_child(offer, ike_setup_child(x->setup));
    }
    if (is_less(l.s, ike_v1_life_offered(offer))) {
        put_one(&w, ike_v1_phase1(x), IKE_LIFE1_SECONDS, l.s);
    }
    if (is_less(l.kb, offer->life_kb)) {
        put_one(&w, ike_v1_phase1(x), IKE_LIFE1_KILOBYTES, l.kb);
    }
    return ike_bytes_of(room, w.len);
}

void ike_v1_put_life(struct ike_exchange *x)
{
    uint8_t room[40], spi[16];
    const ike_bytes data = less_than_offered(x, room);
    if (data.len == 0) {
        return;
    }
    if (ike_v1_phase1(x)) {
        ike_v1_put_notify(&x->chain, IKE_PROTO1_ISAKMP, ike_v1_cookies(spi, x->sa->spi_i, x->sa->spi_r),
                          IKE_N1_RESPONDER_LIFETIME, data);
    } else {
        ike_store32(spi, x->setup->spi_in);
        ike_v1_put_notify(&x->chain, x->setup->v1.suite.protocol, ike_bytes_of(spi, 4), IKE_N1_RESPONDER_LIFETIME, data);
    }
}

void ike_v1_tell_life(struct ike_exchange *x)
{
    uint8_t room[40];
    ike_v1_say(x, IKE_N1_RESPONDER_LIFETIME, less_than_offered(x, room));
}

static bool names(const struct ike_v1_notify *n, const struct ike_sa *sa)
{
    return n->protocol == IKE_PROTO1_ISAKMP && n->spi_len == 16 && ike_load64(n->spi) == sa->spi_i &&
           ike_load64(n->spi + 8) == sa->spi_r;
}

uint32_t ike_v1_told_life(const struct ike_sa *sa, const struct ike_v1_notify *n, uint32_t before)
{
    const uint64_t s = n->type == IKE_N1_RESPONDER_LIFETIME && names(n, sa) ? read_life(n).s : 0;
    return s ? bounded(s) : before;
}

/* Only the responder may say so, and only of what it agreed to. */
void ike_v1_take_life(struct ike_exchange *x, const struct ike_v1_notify *n)
{
    struct ike_sa *sa = x->sa;
    const uint64_t s = read_life(n).s;
    struct ike_child *k = n->spi_len == 4 && sa->peer ? ike_child_by_spi_out(sa->peer, n->protocol, ike_load32(n->spi)) : NULL;
    if (s != 0 && names(n, sa) && sa->initiator) {
        ike_sa_shorten(x->e, sa, bounded(s));
    } else if (s != 0 && k && k->initiator) {
        ike_child_shorten(x->e, k, bounded(s));
    }
}

/* ---- Agreeing ------------------------------------------------------------------------------------------------------------ */

bool ike_v1_agree(struct ike_exchange *x)
{
    const ike_conn_settings *s = &x->sa->conf->s;
    const struct ike_setup *setup = x->setup;
    struct ike_v1_sa *v = x->sa->v1;
    if (x->role == IKE_INITIATOR) {
        v->life_s = cap(shorter(s->life_s, setup->told_life_s));
        return false;
    }
    v->life_s = cap(agree_s(&setup->v1.terms, s->life_s, s->life_max_s));
    v->peers_life = v->life_s != s->life_s;
    return is_less(v->life_s, ike_v1_life_offered(&setup->v1.terms));
}

int ike_v1_child_agree(struct ike_exchange *x)
{
    const ike_child_settings *s = ike_setup_child(x->setup);
    struct ike_child *k = x->setup->child;
    const struct ike_payload *p;
    struct ike_v1_notify n;
    if (x->role == IKE_RESPONDER) {
        const struct life l = agree_child(&x->setup->v1.terms, s);
        k->life_s = cap(l.s);
        k->peers_life = l.s != s->life_s;
        k->life_kb = l.kb == ike_v1_kilobytes(s->life_bytes) ? 0 : cap(l.kb);
        return IKE_X_OK;
    }
    for (unsigned i = 0; (p = ike_message_find(x->msg, IKE_P1_NOTIFY, i)) != NULL; i++) {
        if (ike_v1_notify_parse(&n, p) == IKE_OK && n.type == IKE_N1_RESPONDER_LIFETIME && n.protocol == k->suite.protocol &&
            n.spi_len == 4 && ike_load32(n.spi) == k->spi_out) {
            const struct life l = read_life(&n);
            k->life_s = cap(shorter(k->life_s, l.s ? bounded(l.s) : 0));
            k->life_kb = is_less(bounded_kb(l.kb), ike_v1_kilobytes(s->life_bytes)) ? cap(bounded_kb(l.kb)) : 0;
        }
    }
    return IKE_X_OK;
}

/* Of the first transform, as the others mostly have the same. If both are out of range, of kilobytes. */
void ike_v1_blame_life(struct ike_core *c, const struct ike_v1_terms *want, const struct ike_payload *sa, bool phase2)
{
    struct ike_v1_walk w = ike_v1_walk(sa, phase2);
    struct ike_v1_transform t;
    if (ike_v1_walk_next(&w, &t)) {
        const struct ike_v1_terms kb_alone = {.min_kb = want->min_kb, .max_kb = want->max_kb};
        const bool kb = !ike_v1_life_fits(&t.x.terms, &kb_alone);
        ike_blame_expected(c, "a lifetime of %llu to %llu %s", (unsigned long long)(kb ? want->min_kb : want->min_s),
                           (unsigned long long)(kb ? want->max_kb : want->max_s), kb ? "KiB" : "s");
        ike_blame_received(c, "%llu %s", (unsigned long long)(kb ? t.x.terms.life_kb : ike_v1_life_offered(&t.x.terms)),
                           kb ? "KiB" : "s");
        ike_blame_remedy(c, "set `%s` on both sides so that each lies within the other's range",
                         kb ? "esp-lifetime-bytes" : phase2 ? "esp-lifetime" : "lifetime");
    }
}
