/* SPDX-License-Identifier: ISC
 *
 * What happened, as text: one line per message sent and arrived, per event, per change of a kernel. SPIs have names in it that do
 * not depend on chance: A3 is the third SPI that host A's kernel gave out, #2 the second IKE SA. The hash over all lines stands
 * for a run.
 */
#include "message/names.h"
#include "message/v1.h"
#include "sim.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_trace(struct sim *s, const struct sim_host *h, const char *fmt, ...)
{
    char line[1400];
    uint64_t us = s->now - SIM_START;
    int n = snprintf(line, sizeof line, "%5u.%06u %-3s ", (unsigned)(us / IKE_SEC), (unsigned)(us % IKE_SEC), h ? h->name : "");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    va_end(ap);
    s->trace_hash = sim_hash(s->trace_hash, line, strlen(line));
    static const char *const noted[] = {"do: ",   "event: ", "BROKEN",   "FAILED", "start",
                                        "answer", "asked",   "kernel: ", "no ",    "link"};
    for (size_t i = 0; s->ladder && i < SIM_COUNT(noted); i++) {
        if (strncmp(fmt, noted[i], strlen(noted[i])) == 0) {
            sim_ladder_note(s, h, line + n);
        }
    }
    if (s->keep_trace) {
        sim_textf(&s->trace, "%s\n", line);
    }
}

const char *sim_event_name(ike_event_type t)
{
    static const char *const names[] = {
        [IKE_EV_SA_UP] = "sa-up",       [IKE_EV_SA_REKEYED] = "sa-rekeyed",           [IKE_EV_SA_DOWN] = "sa-down",
        [IKE_EV_CHILD_UP] = "child-up", [IKE_EV_CHILD_REKEYED] = "child-rekeyed",     [IKE_EV_CHILD_DOWN] = "child-down",
        [IKE_EV_FAILED] = "failed",     [IKE_EV_ADDRESS_CHANGED] = "address-changed",
    };
    return (unsigned)t < SIM_COUNT(names) && names[t] ? names[t] : "?";
}

void sim_spi_name(const struct sim *s, uint32_t spi, char *out, size_t n)
{
    uint32_t host = (spi >> 24) - 1;
    if (spi >> 24 && host < s->hosts) {
        snprintf(out, n, "%s%u", s->host[host]->name, (unsigned)(spi & 0xffffff));
    } else {
        snprintf(out, n, "%08x", (unsigned)spi);
    }
}

unsigned sim_sa_name(struct sim *s, uint64_t spi_i)
{
    bool fresh;
    uint64_t *name = sim_map_at(&s->sa_names, spi_i ? spi_i : 1, &fresh);
    if (fresh) {
        *name = s->sa_names.n;
    }
    return (unsigned)*name;
}

static uint32_t spi_at(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void put_notify(const struct sim *s, struct sim_text *t, const struct ike_payload *p)
{
    struct ike_notify n;
    if (ike_notify_parse(&n, p) != IKE_OK) {
        sim_textf(t, "N(?)");
        return;
    }
    const char *name = ike_name(IKE_REG_NOTIFY, n.type);
    char spi[16] = "";
    if (n.spi_len == 4) {
        sim_spi_name(s, spi_at(n.spi), spi, sizeof spi);
    }
    sim_textf(t, name ? "N(%s" : "N(", name);
    if (!name) {
        sim_textf(t, "%u", (unsigned)n.type);
    }
    if (n.type == IKE_N_INVALID_KE_PAYLOAD && n.data.len == 2) {
        sim_textf(t, " %u", (unsigned)(n.data.ptr[0] << 8 | n.data.ptr[1]));
    }
    sim_textf(t, "%s%s)", spi[0] ? " " : "", spi);
}

static void put_delete(const struct sim *s, struct sim_text *t, const struct ike_payload *p)
{
    struct ike_delete d;
    if (ike_delete_parse(&d, p) != IKE_OK) {
        sim_textf(t, "D(?)");
        return;
    }
    sim_textf(t, "D(%s", d.protocol == IKE_PROTO_IKE ? "IKE" : "");
    for (unsigned i = 0; d.spi_len == 4 && i < d.count; i++) {
        char spi[16];
        sim_spi_name(s, spi_at(d.spis + 4 * i), spi, sizeof spi);
        sim_textf(t, "%s%s", i ? " " : "", spi);
    }
    sim_textf(t, ")");
}

static void put_notify_v1(struct sim_text *t, const struct ike_payload *p)
{
    struct ike_v1_notify n;
    bool good = ike_v1_notify_parse(&n, p) == IKE_OK;
    sim_textf(t, good ? "N(%u)" : "N(?)", good ? (unsigned)n.type : 0);
}

static void put_delete_v1(const struct sim *s, struct sim_text *t, const struct ike_payload *p)
{
    struct ike_v1_delete d;
    if (ike_v1_delete_parse(&d, p) != IKE_OK) {
        sim_textf(t, "D(?)");
        return;
    }
    sim_textf(t, "D(%s", d.protocol == IKE_PROTO1_ISAKMP ? "IKE" : "");
    for (unsigned i = 0; d.spi_len == 4 && i < d.count; i++) {
        char spi[16];
        sim_spi_name(s, spi_at(d.spis + 4 * i), spi, sizeof spi);
        sim_textf(t, "%s%s", i ? " " : "", spi);
    }
    sim_textf(t, ")");
}

static void put_payload(const struct sim *s, struct sim_text *t, const struct ike_payload *p, uint64_t *nonce)
{
    static const struct {
        uint8_t type;
        const char *name;
    } names[] = {{IKE_P_SA, "SA"},           {IKE_P_IDI, "IDi"},   {IKE_P_IDR, "IDr"},     {IKE_P_CERT, "CERT"},
                 {IKE_P_CERTREQ, "CERTREQ"}, {IKE_P_AUTH, "AUTH"}, {IKE_P_TSI, "TSi"},     {IKE_P_TSR, "TSr"},
                 {IKE_P_VENDOR, "V"},        {IKE_P_SK, "SK"},     {IKE_P_CP, "CP"},       {IKE_P_EAP, "EAP"},
                 {IKE_P_SKF, "SKF"},         {IKE_P1_SA, "SA"},    {IKE_P1_KE, "KE"},      {IKE_P1_ID, "ID"},
                 {IKE_P1_HASH, "HASH"},      {IKE_P1_VENDOR, "V"}, {IKE_P1_NAT_D, "NAT-D"}, {IKE_P1_ATTR, "ATTR"}};
    uint16_t group;
    ike_bytes value;
    switch (p->type) {
    case IKE_P_NOTIFY:
        put_notify(s, t, p);
        return;
    case IKE_P_DELETE:
        put_delete(s, t, p);
        return;
    case IKE_P_KE:
        if (ike_ke_parse(&group, &value, p) == IKE_OK) {
            sim_textf(t, "KE(%u)", (unsigned)group);
        }
        return;
    case IKE_P1_NOTIFY:
        put_notify_v1(t, p);
        return;
    case IKE_P1_DELETE:
        put_delete_v1(s, t, p);
        return;
    case IKE_P1_NONCE:
    case IKE_P_NONCE:
        sim_textf(t, "No(%02x)", p->len ? p->body[0] : 0U);
        *nonce = sim_hash(SIM_HASH_START, p->body, p->len);
        return;
    default:
        for (size_t i = 0; i < SIM_COUNT(names); i++) {
            if (names[i].type == p->type) {
                sim_textf(t, "%s", names[i].name);
                return;
            }
        }
        sim_textf(t, "payload%u", (unsigned)p->type);
    }
}

char *sim_describe(struct sim *s, const uint8_t *clear, size_t n, uint64_t *nonce)
{
    struct sim_text t = {0};
    struct ike_message *m = sim_alloc(sizeof *m);
    *nonce = 0;
    bool empty = n == IKE_HEADER_LEN && clear[16] == IKE_P_NONE && ike_header_parse(&m->h, clear, n) == IKE_OK;
    if (!empty && ike_message_parse(m, clear, n) != IKE_OK) {
        sim_textf(&t, "malformed");
    } else {
        bool v1 = m->h.version >> 4 == 1;
        const char *x = ike_name(IKE_REG_EXCHANGE, (uint16_t)(v1 ? 0x0100 | m->h.exchange : m->h.exchange));
        sim_textf(&t, "%s %s %u {", x ? x : "?", v1 ? "v1" : m->h.flags & IKE_FLAG_RESPONSE ? "res" : "req", (unsigned)m->h.mid);
        for (unsigned i = 0; i < m->n; i++) {
            sim_textf(&t, "%s", i ? " " : "");
            put_payload(s, &t, &m->p[i], nonce);
        }
        sim_textf(&t, "} #%u", sim_sa_name(s, m->h.spi_i));
    }
    free(m);
    return t.at;
}
