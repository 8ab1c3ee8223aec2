/* SPDX-License-Identifier: ISC
 *
 * Failure records: drafted while an attempt fails, committed once. Text about a failure is data copied at that moment,
 * since the objects it speaks of may be gone when somebody reads it.
 */
#include "base/sabotage.h"
#include "core/core.h"
#include <stdarg.h>
#include <stdio.h>

/* Long lines are cut. */
void ike_logf(struct ike_core *c, ike_log_class k, ike_log_level l, ike_sa_id sa, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bool outer = c->in_hook;
    ike_hook_enter(c);
    c->set.host.log(c->set.host.user, k, l, sa, text);
    c->in_hook = outer;
}

/* The code and decider of a later blame are dropped, and its texts only fill what the first left empty. */
ike_failure *ike_blame(struct ike_core *c, uint16_t code, uint8_t decider)
{
    if (!c->blamed) {
        memset(&c->draft, 0, sizeof c->draft);
        c->draft.size = sizeof c->draft;
        c->draft.code = code;
        c->draft.decider = decider;
        c->blamed = true;
    }
    return &c->draft;
}

/* The length of what is stored, not of what would have been. */
static uint16_t print(char *out, size_t n, const char *fmt, va_list ap)
{
    int k = vsnprintf(out, n, fmt, ap);
    return (uint16_t)(k < 0 ? 0 : (size_t)k >= n ? n - 1 : (size_t)k);
}

/* A text that is already there stays: it belongs to the cause. */
void ike_blame_text(struct ike_core *c, enum ike_blame_field field, const char *fmt, ...)
{
    ike_failure *f = &c->draft;
    char *const texts[] = {f->expected, f->received, f->remedy};
    uint16_t *const lengths[] = {&f->expected_len, &f->received_len, &f->remedy_len};
    va_list ap;
    va_start(ap, fmt);
    if (*lengths[field] == 0) {
        *lengths[field] = print(texts[field], sizeof f->expected, fmt, ap);
    }
    va_end(ap);
}

/* Records without a connection: one slot per source, or one sender could push every other record out of the ring. */
static bool same_stranger(const ike_failure *a, const ike_failure *b)
{
    size_t prefix = a->remote.family == 6 ? 8 : 4; /* octets: /32 of IPv4, /64 of IPv6 */
    return a->conn == 0 && b->conn == 0 && a->remote.family == b->remote.family &&
           memcmp(a->remote.ip, b->remote.ip, prefix) == 0;
}

/* The same thing once more: it is counted in the record that is there. */
static bool same_again(const ike_failure *a, const ike_failure *b)
{
    return a->conn && a->conn == b->conn && a->code == b->code && strcmp(a->child_name, b->child_name) == 0;
}

/* Memory for a slot is taken when it is first used; a ring that cannot grow keeps what it has. */
static void ring_put(struct ike_core *c, const ike_failure *f)
{
    ike_failure **slot = &c->ring[c->ring_at];
    for (unsigned i = 0; i < IKE_RING; i++) {
        if (c->ring[i] && (same_stranger(c->ring[i], f) || same_again(c->ring[i], f))) {
            slot = &c->ring[i];
        }
    }
    /* A stranger's slot is taken over by whatever it does next; only the same thing again counts as a repetition. */
    uint32_t repeats = 0;
    if (*slot && (*slot)->code == f->code && (same_stranger(*slot, f) || same_again(*slot, f))) {
        repeats = (*slot)->repeats + 1;
    }
    if (!*slot) {
        *slot = ike_alloc(c, sizeof **slot);
        if (!*slot) {
            return;
        }
    }
    /* A repetition is written over in place; only a new record moves the ring on. */
    if (slot == &c->ring[c->ring_at]) {
        c->ring_at = (c->ring_at + 1) % IKE_RING;
    }
    **slot = *f;
    (*slot)->repeats = repeats;
    c->ring_order[slot - c->ring] = c->count.failures;
}

/* Strangers can make us write as fast as they can send; ten lines and events a second tell enough. */
static bool may_tell_stranger(struct ike_core *c)
{
    ike_time second = c->now / IKE_SEC;
    if (c->stranger_second != second) {
        c->stranger_second = second;
        c->stranger_lines = 0;
    }
    return c->stranger_lines++ < 10;
}

/* In the connection's own copy, and in the ring. The same code for the same child again: the count says how often in a row. */
static void keep(struct ike_core *c, ike_failure *f, ike_failure **last)
{
    if (last) {
        if (!*last) {
            *last = ike_alloc(c, sizeof **last);
        } else if ((*last)->code == f->code && strcmp((*last)->child_name, f->child_name) == 0) {
            f->repeats = (*last)->repeats + 1;
        }
        if (*last) {
            **last = *f;
        }
    }
    ring_put(c, f);
}

/* The draft is not cleared: an event shows it where there was no memory for the connection's own copy, or where a build keeps
 * none. */
bool ike_failure_commit(struct ike_core *c, ike_failure **last, bool stranger)
{
    ike_failure *f = &c->draft;
    f->when = c->now;
    c->blamed = false;
    c->count.failures++;
    c->count.strangers += stranger;
    IKE_WITNESS(ike_witness_failure(c->set.host.user, f));
    if (IKE_WITH_RECORDS) {
        keep(c, f, last);
    }
    /* After ring and counters, which cost nothing: only the line and the event are held back. */
    if (stranger && !may_tell_stranger(c)) {
        return false;
    }
    const char *who = f->conn_name[0] ? f->conn_name : "unknown peer";
    IKE_LOG(c, IKE_LOG_EXCHANGE, IKE_LOG_WARN, f->sa, "%s%s%s: %s%s%s%s%s", who, f->child_name[0] ? "/" : "", f->child_name,
            ike_failure_cause(f), f->expected_len ? "; expected " : "", f->expected, f->received_len ? "; got " : "",
            f->received);
    return true;
}

/* Asked by people and programs that look, so a walk per record will do. */
const ike_failure *ike_failure_ring(const struct ike_core *c, size_t i)
{
    uint64_t before = UINT64_MAX;
    const ike_failure *f = NULL;
    for (size_t n = 0; n <= i; n++) {
        unsigned at = IKE_RING;
        for (unsigned k = 0; k < IKE_RING; k++) {
            if (c->ring[k] && c->ring_order[k] < before && (at == IKE_RING || c->ring_order[k] > c->ring_order[at])) {
                at = k;
            }
        }
        if (at == IKE_RING) {
            return NULL;
        }
        f = c->ring[at];
        /* By age and not by place, as a repetition keeps its place. */
        before = c->ring_order[at];
    }
    return f;
}
