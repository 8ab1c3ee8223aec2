/* SPDX-License-Identifier: ISC
 *
 * What the host lent, behind accounting and the mark that a hook is running; questions and event slots.
 */
#include "core/core.h"
#include "base/siphash.h"
#include <stdlib.h>

/* The defaults of a host that lends no allocator. */
static void *libc_alloc(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void libc_release(void *user, void *p, size_t n)
{
    (void)user;
    (void)n;
    free(p);
}

/* Both or neither: a block from one allocator must not go back to the other. */
void ike_host_memory(ike_host *h)
{
    if (!h->alloc || !h->release) {
        h->alloc = libc_alloc;
        h->release = libc_release;
    }
}

/* Between us and the host: counts what is held. The mark is put back as it was, not cleared: another hook may be
 * running. */
static void *counted_alloc(void *user, size_t n)
{
    struct ike_core *c = user;
    bool outer = c->in_hook;
    ike_hook_enter(c);
    void *p = c->set.host.alloc(c->set.host.user, n);
    c->in_hook = outer;
    if (p) {
        c->count.allocated += n;
    }
    return p;
}

static void counted_release(void *user, void *p, size_t n)
{
    struct ike_core *c = user;
    bool outer = c->in_hook;
    ike_hook_enter(c);
    c->set.host.release(c->set.host.user, p, n);
    c->in_hook = outer;
    c->count.allocated -= n;
}

static int lent_random(void *user, uint8_t *out, size_t n)
{
    struct ike_core *c = user;
    bool outer = c->in_hook;
    ike_hook_enter(c);
    int r = c->set.host.random(c->set.host.user, out, n);
    c->in_hook = outer;
    return r == IKE_OK ? IKE_OK : IKE_ERR_HOST;
}

/* One scratch serves every operation: a cipher and a MAC at once, as sealing needs them, or a hash. 64 is for aligning each of
 * the two to 16, 15 for aligning the block itself, since a host's allocator promises 8 only. */
static size_t largest_context(const ike_crypto *k)
{
    size_t mac = 0, encr = 0, hash = 0;
    for (size_t i = 0; k->prf[i]; i++) {
        mac = k->prf[i]->mac->ctx_size > mac ? k->prf[i]->mac->ctx_size : mac;
    }
    for (size_t i = 0; k->integ[i]; i++) {
        mac = k->integ[i]->mac->ctx_size > mac ? k->integ[i]->mac->ctx_size : mac;
    }
    for (size_t i = 0; k->encr[i]; i++) {
        encr = k->encr[i]->ctx_size > encr ? k->encr[i]->ctx_size : encr;
    }
    for (size_t i = 0; k->hash[i]; i++) {
        hash = k->hash[i]->ctx_size > hash ? k->hash[i]->ctx_size : hash;
    }
    size_t sum = mac + encr + 64;
    return (sum > hash ? sum : hash) + 15;
}

/* A cipher of tables tells of its key to whoever shares the cache: without the host's leave it is as if it were not there. */
static int leave_out_ciphers(struct ike_core *c, const ike_crypto *given)
{
    size_t n = 0;
    while (given->encr[n]) {
        n++;
    }
    c->encr = ike_alloc(c, (n + 1) * sizeof(ike_encr *));
    if (!c->encr) {
        return IKE_ERR_NOMEM;
    }
    c->n_encr = n;
    n = 0;
    for (size_t i = 0; i < c->n_encr; i++) {
        const ike_encr *k = given->encr[i];
        /* A cipher whose time never depends on the CPU has no constant_time to ask. */
        if (c->set.allow_variable_time || !k->constant_time || k->constant_time()) {
            c->encr[n++] = k;
        } else if (k->block != 8 && (!k->usable || k->usable())) {
            /* One that this CPU cannot run at all is no loss, nor is one of 64-bit blocks: not worth a line. */
            IKE_LOG(c, IKE_LOG_CRYPTO, IKE_LOG_INFO, 0, "%s is left out: on this CPU its time depends on keys", k->name);
        }
    }
    /* A shallow copy: the descriptors are the host's and outlive the engine, only the list of ciphers is ours. */
    c->allowed = *given;
    c->allowed.encr = c->encr;
    c->crypto = &c->allowed;
    /* Without any cipher no IKE SA can come to be: the host is told now, not at the first handshake. */
    return n ? IKE_OK : IKE_ERR_UNSUPPORTED;
}

/* What a message needs is there from the beginning: no datagram makes the engine allocate in proportion to it. */
static int scratch_init(struct ike_core *c)
{
    c->ctx_size = largest_context(c->crypto);
    c->ctx_block = ike_alloc(c, c->ctx_size);
    c->ctx = c->ctx_block ? c->ctx_block + (-(uintptr_t)c->ctx_block & 15) : NULL;
    /* plain, build and out are apart because one step uses all three: the request read, the answer built, the datagram framed. */
    c->plain = ike_alloc(c, c->set.max_message);
    c->build = ike_alloc(c, c->set.max_message);
    c->out = ike_alloc(c, c->set.max_message);
    while (c->crypto->ke[c->n_ke]) {
        c->n_ke++;
    }
    c->ke_state = c->n_ke ? ike_alloc(c, c->n_ke * sizeof(void *)) : NULL;
    if (!c->ctx || !c->plain || !c->build || !c->out || (c->n_ke && !c->ke_state)) {
        return IKE_ERR_NOMEM;
    }
    /* Tables and contexts of a group belong to the engine, as nothing in the library may be writable and static. */
    for (size_t i = 0; i < c->n_ke; i++) {
        if (c->crypto->ke[i]->open) {
            c->ke_state[i] = c->crypto->ke[i]->open(&c->mem);
            if (!c->ke_state[i]) {
                return IKE_ERR_NOMEM;
            }
        }
    }
    return IKE_OK;
}

/* The hash key comes first: without randomness no engine begins at all, rather than one whose maps can be aimed at. */
int ike_core_init(struct ike_core *c, const ike_settings *s, ike_time now)
{
    memset(c, 0, sizeof *c);
    c->set = *s;
    ike_host_memory(&c->set.host);
    c->mem = (ike_allocator){counted_alloc, counted_release, c};
    c->rng = (ike_random){lent_random, c};
    c->now = now;
    ike_list_init(&c->events);
    ike_wheel_init(&c->wheel, now);
    int r = ike_draw(c, c->hash_key, sizeof c->hash_key);
    r = r == IKE_OK ? leave_out_ciphers(c, s->crypto) : r;
    return r == IKE_OK ? scratch_init(c) : r;
}

/* Called also after an init that failed half-way: everything may still be NULL. */
void ike_core_fini(struct ike_core *c)
{
    for (size_t i = 0; c->ke_state && i < c->n_ke; i++) {
        if (c->ke_state[i] && c->crypto->ke[i]->close) {
            c->crypto->ke[i]->close(c->ke_state[i], &c->mem);
        }
    }
    ike_free(c, c->ke_state, c->n_ke * sizeof(void *));
    ike_free_secret(c, c->ctx_block, c->ctx_size);
    ike_free(c, c->encr, (c->n_encr + 1) * sizeof(ike_encr *));
    ike_free_secret(c, c->plain, c->set.max_message);
    ike_free_secret(c, c->build, c->set.max_message);
    ike_free_secret(c, c->out, c->set.max_message);
    for (unsigned i = 0; IKE_WITH_RECORDS && i < IKE_RING; i++) {
        ike_free(c, c->ring[i], sizeof *c->ring[i]);
    }
    if (IKE_WITH_QUESTIONS) {
        ike_slots_free(&c->questions, &c->mem);
    }
}

/* Zeroed: every flag and pointer of a new object has a value, also those that its maker forgets. */
void *ike_alloc(struct ike_core *c, size_t n)
{
    void *p = c->mem.alloc(c->mem.user, n);
    if (p) {
        memset(p, 0, n);
    }
    return p;
}

/* The size is the caller's to know, as a host's release gets it; accounting needs it, too. */
void ike_free(struct ike_core *c, void *p, size_t n)
{
    if (p) {
        c->mem.release(c->mem.user, p, n);
    }
}

/* Wiped by a call that the compiler cannot leave out, before the host has the memory back. */
void ike_free_secret(struct ike_core *c, void *p, size_t n)
{
    if (p) {
        ike_wipe(p, n);
        c->mem.release(c->mem.user, p, n);
    }
}

/* Zeroed. What b held is gone even when there is no memory for the new. */
int ike_blob_room(struct ike_core *c, struct ike_blob *b, size_t n)
{
    ike_blob_free(c, b);
    if (n == 0) {
        return IKE_OK;
    }
    b->ptr = ike_alloc(c, n);
    if (!b->ptr) {
        return IKE_ERR_NOMEM;
    }
    b->len = n;
    return IKE_OK;
}

/* `from` may not point into b, which is wiped first unless it has the length already. */
int ike_blob_set(struct ike_core *c, struct ike_blob *b, ike_bytes from)
{
    if (b->len != from.len) {
        ike_blob_free(c, b);
        if (from.len && !(b->ptr = c->mem.alloc(c->mem.user, from.len))) {
            return IKE_ERR_NOMEM;
        }
        b->len = from.len;
    }
    if (from.len) {
        memcpy(b->ptr, from.ptr, from.len);
    }
    return IKE_OK;
}

void ike_blob_free(struct ike_core *c, struct ike_blob *b)
{
    ike_free_secret(c, b->ptr, b->len);
    /* So that freeing again does nothing. */
    b->ptr = NULL;
    b->len = 0;
}

/* A source that failed may have written part of it: half-random octets must not be taken for a nonce or a key. */
int ike_draw(struct ike_core *c, void *out, size_t n)
{
    int r = c->rng.fill(c->rng.user, out, n);
    if (r != IKE_OK) {
        ike_wipe(out, n);
        ike_blame(c, IKE_FAIL_RANDOM, IKE_DECIDER_HOST)->error = r;
    }
    return r;
}

uint32_t ike_jitter(struct ike_core *c, uint32_t bound)
{
    /* Spreading load needs no secrecy, so a failing random source must not matter here. The count makes two draws at the same
     * time differ; the key makes two engines differ. */
    uint64_t seed[2] = {c->now, ++c->count.jitter_draws};
    return bound ? (uint32_t)(ike_siphash(c->hash_key, seed, sizeof seed) % bound) : 0;
}

/* The result is not looked at: a datagram that could not be sent is one that was lost, and repetition is there for both. */
void ike_send(struct ike_core *c, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    c->count.out++;
    ike_hook_enter(c);
    c->set.host.send(c->set.host.user, path, kind, bytes, n);
    ike_hook_leave(c);
}

/* Part of its owner, so posting never needs memory. */
void ike_evslot_init(struct ike_evslot *s, uint8_t owner)
{
    ike_list_init(&s->link);
    s->pending = 0;
    s->owner = owner;
}

/* Events of one owner are told apart by a bit each: one that is posted twice before delivery is delivered once. The slot
 * stands in the list at most once, in the order of its first event. */
void ike_event_post(struct ike_core *c, struct ike_evslot *s, ike_event_type t)
{
    if (!c->set.host.event) {
        return;
    }
    s->pending |= (uint16_t)(1u << t);
    if (ike_list_empty(&s->link)) {
        ike_list_add(&c->events, &s->link);
    }
}

/* NULL for a group that keeps none. One that is not the provider's is its own state (crypto/private_group.h). */
void *ike_ke_state(struct ike_core *c, const ike_ke *ke)
{
    for (size_t i = 0; i < c->n_ke; i++) {
        if (c->crypto->ke[i] == ke) {
            return c->ke_state[i];
        }
    }
    return (void *)(uintptr_t)ke;
}

/* The token is a handle with a generation: an answer to a question that is gone cannot reach another in the same slot. */
struct ike_question *ike_question_new(struct ike_core *c, uint8_t kind, void *owner,
                                      void (*resume)(struct ike_core *, struct ike_question *))
{
    struct ike_question *q = ike_alloc(c, sizeof *q);
    if (!q) {
        return NULL;
    }
    q->kind = kind;
    q->owner = owner;
    q->resume = resume;
    q->token = ike_slots_add(&c->questions, q, &c->mem);
    if (!q->token) {
        ike_free(c, q, sizeof *q);
        return NULL;
    }
    return q;
}

/* The host is told only when it still owes an answer; a token that was answered is its own no longer. */
void ike_question_drop(struct ike_core *c, struct ike_question *q, bool cancel)
{
    if (!q) {
        return;
    }
    if (cancel && !q->answered && c->set.host.hooks.cancel) {
        bool outer = c->in_hook;
        ike_hook_enter(c);
        c->set.host.hooks.cancel(c->set.host.user, q->token);
        c->in_hook = outer;
    }
    ike_slots_del(&c->questions, q->token);
    /* The answer's octets are the question's; whoever wanted them has copied them. */
    if (q->kind == IKE_Q_SECRET || q->kind == IKE_Q_SIGN || q->kind == IKE_Q_LOGIN) {
        ike_free_secret(c, q->answer.octets.ptr, q->answer.octets.len);
    }
    ike_free(c, q, sizeof *q);
}

/* A second answer is refused like one to an unknown token: the first may be in use already. */
struct ike_question *ike_question_get(struct ike_core *c, ike_token t, uint8_t kind, int *error)
{
    struct ike_question *q = ike_slots_get(&c->questions, t);
    *error = !q || q->answered ? IKE_ERR_NOT_FOUND : q->kind != kind ? IKE_ERR_INVALID : IKE_OK;
    return *error == IKE_OK ? q : NULL;
}
