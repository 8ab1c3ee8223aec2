/* SPDX-License-Identifier: ISC
 *
 * Messages in parts (vendor id FRAGMENTATION): each part is a message in clear with one payload; put together they are the
 * original, header and all. Nothing of it is authentic before the whole has been looked at.
 */
#include "exchange/v1/v1.h"

/* With the headers of IPv6 and UDP and the non-ESP marker a part fits the smallest MTU of IPv6. */
#define PART      1220
#define HEAD      (IKE_HEADER_LEN + 8) /* before the octets of a part */
#define SENT_MAX  16                   /* some peers take no more */
#define HELD_MAX  64
#define EARLY_MAX 16384     /* octets, of a peer that has proved nothing */
#define ALL_MAX   (1u << 20) /* of all peers together: anybody can leave some behind on many half-open SAs */
#define PATIENCE  (30 * IKE_SEC)
#define LAST      1 /* flag of the last part */

/* ---- Sending --------------------------------------------------------------------------------------------------------------- */

static struct ike_sent *keep_part(struct ike_core *c, struct ike_header h, unsigned number, ike_bytes octets, bool last)
{
    uint8_t buf[PART];
    struct ike_wr w = ike_wr(buf + IKE_HEADER_LEN, sizeof buf - IKE_HEADER_LEN);
    h.next = IKE_P1_FRAG;
    h.flags = 0;
    h.length = (uint32_t)(HEAD + octets.len);
    ike_header_write(buf, &h);
    ike_wr_u16(&w, 0);
    ike_wr_u16(&w, (uint16_t)(8 + octets.len));
    ike_wr_u16(&w, 1); /* the same for all messages, as others have it */
    ike_wr_u8(&w, (uint8_t)number);
    ike_wr_u8(&w, last ? LAST : 0);
    ike_wr_bytes(&w, octets);
    return w.bad ? NULL : ike_sent_keep(c, buf, h.length);
}

/* As it is, or in parts where it is long and the peer takes them. NULL: no memory. */
struct ike_sent *ike_v1_keep(struct ike_exchange *x, const struct ike_header *h, ike_bytes message)
{
    struct ike_core *c = &x->e->core;
    struct ike_sent *first = NULL, **end = &first;
    if (message.len <= PART || !x->sa->v1->fragments || message.len > SENT_MAX * (PART - HEAD)) {
        return ike_sent_keep(c, message.ptr, message.len);
    }
    for (unsigned i = 1; message.len; i++) {
        size_t n = message.len < PART - HEAD ? message.len : PART - HEAD;
        *end = keep_part(c, *h, i, ike_bytes_of(message.ptr, n), n == message.len);
        if (!*end) {
            ike_sent_free(c, first);
            return NULL;
        }
        end = &(*end)->next;
        message = ike_bytes_of(message.ptr + n, message.len - n);
    }
    return first;
}

/* ---- Receiving ------------------------------------------------------------------------------------------------------------- */

/* In the order of their numbers; a later one of the same number takes the place of the earlier, which may be of another message.
 */
static bool hold(struct ike_db *db, struct ike_v1_parts *s, uint8_t number, ike_bytes octets, size_t most)
{
    struct ike_list *before = &s->list;
    IKE_LIST_EACH (it, tmp, &s->list) {
        struct ike_v1_part *p = IKE_OF(it, struct ike_v1_part, link);
        if (p->number == number) {
            ike_v1_part_drop(db, s, p);
        } else if (p->number < number) {
            before = it;
        }
    }
    bool fits = s->n < HELD_MAX && s->len + octets.len <= most;
    struct ike_v1_part *p = fits ? ike_alloc(db->core, sizeof *p + octets.len) : NULL;
    if (!p) {
        return false;
    }
    p->number = number;
    p->len = octets.len;
    memcpy(p->data, octets.ptr, octets.len);
    ike_list_add(before->next, &p->link); /* before what follows */
    s->len += p->len;
    s->n++;
    db->gathered += sizeof *p + p->len;
    return true;
}

/* The whole, once all parts from the first to the last are there. */
static uint8_t *assemble(struct ike_core *c, const struct ike_v1_parts *s)
{
    if (!s->last || s->n != s->last || IKE_OF(s->list.prev, struct ike_v1_part, link)->number != s->last) {
        return NULL;
    }
    uint8_t *whole = ike_alloc(c, s->len);
    size_t at = 0;
    IKE_LIST_LOOK (const struct ike_v1_part, p, link, &s->list) {
        if (whole) {
            memcpy(whole + at, p->data, p->len);
            at += p->len;
        }
    }
    return whole;
}

/* Those that are there, if this part belongs to them; else a new set. NULL: no memory. */
static struct ike_v1_parts *parts_of(struct ike_db *db, struct ike_v1_sa *v, uint16_t id)
{
    if (v->parts && (v->parts->id != id || db->core->now > v->parts->until)) {
        ike_v1_parts_drop(db, v);
    }
    struct ike_v1_parts *s = v->parts ? v->parts : ike_alloc(db->core, sizeof *s);
    if (s && !v->parts) {
        ike_list_init(&s->list);
        ike_list_init(&s->link);
        s->of = v;
        s->id = id;
        v->parts = s;
    }
    return s;
}

/* What belongs together comes at once, so that what waits the longest will hardly be whole any more. */
static void touch(struct ike_db *db, struct ike_v1_parts *s)
{
    s->until = db->core->now + PATIENCE;
    ike_list_del(&s->link);
    ike_list_add(&db->gathering, &s->link);
    while (db->gathered > ALL_MAX && db->gathering.next != &s->link) {
        ike_v1_parts_drop(db, IKE_OF(db->gathering.next, struct ike_v1_parts, link)->of);
    }
}

/* Only of an SA that has both cookies, or that waits for the answer with the second one (Aggressive Mode's holds a certificate),
 * and from where the peer is. The whole says by its own header what it is. */
int ike_v1_take_part(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path,
                     int (*hear)(struct ike_engine *, struct ike_message *, const ike_path *))
{
    struct ike_core *c = &e->core;
    const struct ike_payload *p = ike_message_find(m, IKE_P1_FRAG, 0);
    size_t most = sa->established ? c->set.max_message : EARLY_MAX;
    if (!p || m->n != 1 || !p->body[2] || (!sa->spi_r && !sa->initiator) || !ike_addr_same_ip(&path->remote, &sa->path.remote)) {
        return ike_dropped(e, IKE_ERR_PROTO);
    }
    struct ike_v1_parts *s = parts_of(&e->db, sa->v1, ike_load16(p->body));
    if (!s || !hold(&e->db, s, p->body[2], ike_bytes_of(p->body + 4, p->len - 4u), most)) {
        ike_v1_parts_drop(&e->db, sa->v1);
        return ike_dropped(e, IKE_ERR_LIMIT);
    }
    touch(&e->db, s);
    s->last = p->body[3] & LAST ? p->body[2] : s->last;
    const struct ike_header part = m->h;
    size_t len = s->len;
    uint8_t *whole = assemble(c, s);
    if (!whole) {
        return IKE_OK;
    }
    ike_v1_parts_drop(&e->db, sa->v1);
    int r = ike_message_parse(m, whole, len);
    if (r == IKE_OK &&
        (m->h.version != IKE_V1_VERSION || m->h.next == IKE_P1_FRAG || m->h.spi_i != part.spi_i || m->h.spi_r != part.spi_r)) {
        r = IKE_ERR_PROTO;
    }
    r = r == IKE_OK ? hear(e, m, path) : ike_dropped(e, r);
    ike_free(c, whole, len);
    return r;
}
