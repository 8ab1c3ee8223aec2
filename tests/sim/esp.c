/* SPDX-License-Identifier: ISC
 *
 * Packets through a pair of SAs as the engines installed them, with the library's own ESP: each one is preceded by a damaged copy
 * that claims a number of its own, and followed by a second one.
 */
#include "sim.h"
#include <ike/esp.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS 4
#define OCTETS  60

static void *esp_alloc(void *user, size_t n)
{
    (void)user;
    return sim_alloc(n);
}

static void esp_release(void *user, void *p, size_t n)
{
    (void)user;
    (void)n;
    free(p);
}

static int esp_random(void *user, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(sim_draw(user) >> 56);
    }
    return IKE_OK;
}

static ike_esp_sa *make(const struct sim_ksa *k, uint64_t *rng)
{
    static const ike_allocator memory = {esp_alloc, esp_release, NULL};
    ike_esp_config c;
    ike_esp_sa *sa = NULL;
    ike_esp_config_init(&c);
    c.inbound = k->inbound;
    c.mode = IKE_MODE_TRANSPORT; /* what is inside does not matter here */
    c.spi = k->spi;
    c.esn = k->esn;
    for (const ike_encr *const *e = ike_crypto_default()->encr; *e; e++) {
        c.encr = (*e)->id == k->encr ? *e : c.encr;
    }
    for (const ike_integ *const *m = ike_crypto_default()->integ; k->integ && *m; m++) {
        c.integ = (*m)->id == k->integ ? *m : c.integ;
    }
    c.encr_key = (ike_bytes){k->key, k->key_len};
    c.integ_key = (ike_bytes){k->integ_key, k->integ_key_len};
    c.random = (ike_random){esp_random, rng};
    return ike_esp_create(&c, &memory, &sa) == IKE_OK ? sa : NULL;
}

/* One bit at least is another one; mostly the number is as well, so that it is ahead of the window. */
static void damage(uint8_t *p, size_t n, uint64_t *rng)
{
    if (sim_below(rng, 3)) {
        p[6] ^= (uint8_t)(1 + sim_below(rng, 3));
    }
    p[8 + sim_below(rng, (uint32_t)n - 8)] ^= (uint8_t)(1u << sim_below(rng, 8));
}

static const char *try_packets(ike_esp_sa *out, ike_esp_sa *in, uint64_t *rng)
{
    uint8_t plain[OCTETS], sealed[OCTETS + 100], copy[sizeof sealed];
    for (unsigned k = 0; k < PACKETS; k++) {
        ike_esp_plain got;
        size_t n;
        esp_random(rng, plain, sizeof plain);
        if (ike_esp_seal(out, 17, plain, sizeof plain, sealed, sizeof sealed, &n) != IKE_OK) {
            return "a packet cannot be sealed";
        }
        memcpy(copy, sealed, n);
        damage(copy, n, rng);
        if (ike_esp_open(in, copy, n, &got) == IKE_OK) {
            return "a damaged packet is accepted";
        }
        memcpy(copy, sealed, n);
        if (ike_esp_open(in, copy, n, &got) != IKE_OK) {
            return "a packet is refused after a damaged one";
        }
        if (got.len != sizeof plain || memcmp(got.data, plain, sizeof plain) != 0) {
            return "a packet arrives as another one";
        }
        if (ike_esp_open(in, sealed, n, &got) != IKE_ERR_REPLAY) {
            return "a packet is accepted twice";
        }
    }
    return NULL;
}

void sim_esp_try(struct sim_host *h, const struct sim_ksa *o, const struct sim_ksa *i)
{
    if (o->protocol != IKE_PROTO_ESP) {
        return; /* the library has no other data plane */
    }
    uint64_t rng = (uint64_t)o->spi << 32 | i->usage.packets;
    ike_esp_sa *out = make(o, &rng), *in = make(i, &rng);
    const char *wrong = out && in ? try_packets(out, in, &rng) : "the SA cannot be used";
    char name[16];
    sim_spi_name(h->sim, o->spi, name, sizeof name);
    if (wrong) {
        sim_break(h->sim, "%s: ESP over %s: %s", h->name, name, wrong);
    }
    ike_esp_destroy(out);
    ike_esp_destroy(in);
}
