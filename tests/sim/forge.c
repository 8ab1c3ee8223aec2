/* SPDX-License-Identifier: ISC
 *
 * A peer that breaks the protocol from inside an IKE SA: a message's payloads are replaced on the wire, protected with the right
 * keys. The keys come from the engines' key logs; that both ends log the same ones is checked on the way.
 */
#include "message/message.h"
#include "message/seal.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_keys {
    struct sim_keys *next;
    uint64_t spi_i, spi_r;
    uint16_t encr, integ;
    uint8_t sk[4][IKE_KEY_MAX]; /* ei er ai ar */
    size_t len[4];
    bool differ;
};

static void fill(struct sim_keys *k, const ike_keylog *l)
{
    const ike_bytes sk[4] = {l->sk_ei, l->sk_er, l->sk_ai, l->sk_ar};
    k->spi_i = l->spi_i;
    k->spi_r = l->spi_r;
    k->encr = l->encr;
    k->integ = l->integ;
    for (int i = 0; i < 4; i++) {
        k->len[i] = sk[i].len < IKE_KEY_MAX ? sk[i].len : IKE_KEY_MAX;
        if (k->len[i]) {
            memcpy(k->sk[i], sk[i].ptr, k->len[i]);
        }
    }
}

static struct sim_keys *find(const struct sim *s, uint64_t spi_i, uint64_t spi_r)
{
    struct sim_keys *k = s->keys;
    while (k && (k->spi_i != spi_i || k->spi_r != spi_r)) {
        k = k->next;
    }
    return k;
}

void sim_keys_seen(struct sim_host *h, const ike_keylog *l)
{
    struct sim_keys now = {.next = NULL}, *known = find(h->sim, l->spi_i, l->spi_r);
    fill(&now, l);
    if (!known) {
        known = sim_alloc(sizeof *known);
        *known = now;
        known->next = h->sim->keys;
        h->sim->keys = known;
        return;
    }
    if (known->encr != now.encr || known->integ != now.integ || memcmp(known->len, now.len, sizeof now.len) != 0 ||
        memcmp(known->sk, now.sk, sizeof now.sk) != 0) {
        known->differ = true;
        if (h->sim->init_spoiled || h->sim->hostile || l->version == 1) {
            return; /* so be it, as long as it does not come up: check.c. In IKEv1 the secrets are in the keys. */
        }
        sim_break(h->sim, "the two ends of IKE SA #%u do not hold the same keys", sim_sa_name(h->sim, l->spi_i));
    }
}

bool sim_keys_differ(const struct sim *s, uint64_t spi_i, uint64_t spi_r)
{
    const struct sim_keys *k = find(s, spi_i, spi_r);
    return k && k->differ;
}

void sim_keys_free(struct sim *s)
{
    while (s->keys) {
        struct sim_keys *k = s->keys;
        s->keys = k->next;
        free(k);
    }
}

static bool spi_by_name(const struct sim *s, const char *name, size_t n, uint32_t *spi)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        size_t len = strlen(s->host[i]->name);
        if (len < n && strncmp(s->host[i]->name, name, len) == 0) {
            *spi = (i + 1) << 24 | (uint32_t)strtoul(name + len, NULL, 10);
            return true;
        }
    }
    return false;
}

/* "D(A1)", "D(IKE)", "N(43)", "-" for nothing; several with spaces between. */
static bool put_payloads(const struct sim *s, struct ike_chain *c, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        uint32_t spi;
        if (strncmp(text, "D(IKE)", n) == 0) {
            ike_put_delete_ike(c);
        } else if (strncmp(text, "D(", 2) == 0 && spi_by_name(s, text + 2, n - 2, &spi)) {
            ike_put_delete_spis(c, IKE_PROTO_ESP, &spi, 1);
        } else if (strncmp(text, "N(", 2) == 0) {
            ike_put_notify(c, (uint16_t)strtoul(text + 2, NULL, 10), (ike_bytes){NULL, 0});
        } else if (*text != '-') {
            return false;
        }
        text += n + (text[n] == ' ');
    }
    return true;
}

bool sim_seal_keys(const struct sim *s, const struct sim_msg *m, struct ike_seal *seal)
{
    const struct sim_keys *k = find(s, m->spi_i, m->spi_r);
    const ike_crypto *crypto = ike_crypto_default();
    int by_r = (m->flags & IKE_FLAG_INITIATOR) == 0;
    if (!k) {
        return false;
    }
    *seal = (struct ike_seal){.encr = ike_find_encr(crypto, k->encr),
                              .integ = k->integ ? ike_find_integ(crypto, k->integ) : NULL,
                              .sk_e = {k->sk[by_r], k->len[by_r]},
                              .sk_a = {k->sk[2 + by_r], k->len[2 + by_r]}};
    return seal->encr != NULL;
}

static bool seal(struct sim *s, const struct sim_msg *m, const char *payloads, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t inner[1024], iv[IKE_IV_MAX];
    struct ike_header head;
    struct ike_chain c = ike_chain(inner, sizeof inner);
    struct ike_seal seal;
    if (!sim_seal_keys(s, m, &seal) || !put_payloads(s, &c, payloads) || ike_header_parse(&head, m->bytes, m->len) != IKE_OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof iv; i++) {
        iv[i] = (uint8_t)(sim_draw(&s->rng) >> 56);
    }
    iv[0] |= 0x80; /* far from an engine's counter */
    void *scratch = sim_alloc(ike_seal_scratch(&seal));
    int r = ike_seal(&seal, &head, c.first, inner, c.w.len, iv, scratch, out, cap, len);
    free(scratch);
    return r == IKE_OK;
}

struct sim_msg *sim_forged(struct sim *s, const struct sim_msg *m, const uint8_t *bytes, size_t n)
{
    struct sim_msg *f = sim_alloc(sizeof *f);
    *f = *m;
    f->number = ++s->n_msgs;
    f->older = s->msgs;
    s->msgs = f;
    f->sent = 1;
    f->len = n;
    f->bytes = memcpy(sim_alloc(n), bytes, n);
    f->hash = sim_hash(SIM_HASH_START, bytes, n);
    f->text = NULL;
    return f;
}

struct sim_msg *sim_forge(struct sim *s, const struct sim_msg *m, const char *payloads)
{
    uint8_t out[2048];
    size_t n;
    if (!seal(s, m, payloads, out, sizeof out, &n)) {
        sim_break(s, "cannot forge \"%s\" in the place of %s", payloads, m->text);
        return NULL;
    }
    struct sim_msg *f = sim_forged(s, m, out, n);
    uint64_t nonce;
    struct sim_text t = {0};
    uint8_t clear[IKE_HEADER_LEN + 1024];
    struct ike_header head;
    struct ike_chain c = ike_chain(clear + IKE_HEADER_LEN, 1024);
    put_payloads(s, &c, payloads);
    ike_header_parse(&head, m->bytes, m->len);
    head.next = c.first;
    head.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(clear, &head);
    char *text = sim_describe(s, clear, head.length, &nonce);
    sim_textf(&t, "forged %s", text);
    free(text);
    f->text = t.at;
    sim_trace(s, m->from, "   becomes %s", f->text);
    return f;
}
