/* SPDX-License-Identifier: ISC
 *
 * What the log says of messages and of SAs that come and go.
 */
#include "exchange/scripts.h"
#include "message/names.h"
#include <stdio.h>

/* By ike_cause. */
static const char *const causes[] = {
    [IKE_BY_LOCAL] = "ended here",  [IKE_BY_PEER] = "deleted by the peer",           [IKE_BY_TIMEOUT] = "the peer is silent",
    [IKE_BY_FAILURE] = "it failed", [IKE_BY_REPLACEMENT] = "another took its place",
};

static const char *cause_of(uint8_t cause) { return cause < IKE_COUNT(causes) && causes[cause] ? causes[cause] : "ended"; }

/* "SA KE No N(...)": the chain was parsed, or is our own; it is walked again here by its lengths alone. */
static void payload_names(uint8_t type, const uint8_t *p, size_t n, char *out, size_t cap)
{
    size_t len = 0;
    out[0] = 0;
    while (type && n >= 4 && len + 1 < cap) {
        const char *name = ike_name(IKE_REG_PAYLOAD, type);
        const size_t size = ike_load16(p + 2);
        char number[8];
        snprintf(number, sizeof number, "%u", (unsigned)type);
        len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? ", " : "", name ? name : number);
        if (size < 4 || size > n) {
            break;
        }
        type = p[0];
        p += size;
        n -= size;
    }
}

/* Called for every message: nothing is formatted unless the level asks for it. Payloads by name only; contents may be secret. */
void ike_log_message(struct ike_core *c, ike_sa_id sa, bool out, const struct ike_header *h, const ike_path *path, size_t octets,
                     uint8_t first, const uint8_t *payloads, size_t n)
{
    char at[64], number[24], chain[300];
    if (!ike_logs(c, IKE_LOG_MESSAGE, IKE_LOG_DEBUG)) {
        return;
    }
    const char *name = ike_name(IKE_REG_EXCHANGE, h->exchange);
    snprintf(number, sizeof number, "exchange %u", (unsigned)h->exchange);
    ike_addr_format(&path->remote, true, at, sizeof at);
    IKE_LOG(c, IKE_LOG_MESSAGE, IKE_LOG_DEBUG, sa, "%s %s %s, message id %u, %zu octets %s %s", out ? "sent" : "received",
            name ? name : number, h->flags & IKE_FLAG_RESPONSE ? "response" : "request", (unsigned)h->mid, octets,
            out ? "to" : "from", at);
    if (ike_logs(c, IKE_LOG_MESSAGE, IKE_LOG_TRACE)) {
        payload_names(first, payloads, n, chain, sizeof chain);
        IKE_LOG(c, IKE_LOG_MESSAGE, IKE_LOG_TRACE, sa, "  its payloads: %s", chain[0] ? chain : "none");
    }
}

void ike_log_sa_up(struct ike_core *c, const struct ike_sa *sa)
{
    char peer[64], id[100] = "somebody";
    if (!ike_logs(c, IKE_LOG_SA, IKE_LOG_INFO)) {
        return;
    }
    ike_addr_format(&sa->path.remote, true, peer, sizeof peer);
    if (sa->peer) {
        ike_id_format(&sa->peer->remote_id, id, sizeof id);
    }
    IKE_LOG(c, IKE_LOG_SA, IKE_LOG_INFO, sa->id, "%s: IKE SA #%u with %s at %s is up, begun by %s", sa->conf->s.name,
            (unsigned)sa->number, id, peer, sa->initiator ? "us" : "the peer");
}

void ike_log_sa_down(struct ike_core *c, const struct ike_sa *sa, uint8_t cause)
{
    IKE_LOG(c, IKE_LOG_SA, IKE_LOG_INFO, sa->id, "%s: IKE SA #%u is down: %s", sa->conf->s.name, (unsigned)sa->number,
            cause_of(cause));
}

/* "AH sha256-noesn + ESP aes128-sha256-noesn + deflate"; ESP alone needs no name. */
static void format_suites(const struct ike_child *k, char *out, size_t n)
{
    char main[80], ah[40] = "";
    const struct ike_beside *around = ike_child_has(k, IKE_PROTO_AH);
    ike_suite_format(&k->suite, main, sizeof main);
    if (around) {
        ike_suite_format(&around->suite, ah, sizeof ah);
    }
    snprintf(out, n, "%s%s%s%s%s%s", around ? "AH " : "", ah, around ? " + " : "",
             k->suite.protocol == IKE_PROTO_AH ? "AH "
             : k->n_beside                     ? "ESP "
                                               : "",
             main, ike_child_has(k, IKE_PROTO_IPCOMP) ? " + deflate" : "");
}

/* The level is asked first: lists of selectors are dear to format. */
void ike_log_child_up(struct ike_core *c, const struct ike_child *k)
{
    char local[140], remote[140], suite[200];
    if (!ike_logs(c, IKE_LOG_CHILD, IKE_LOG_INFO)) {
        return;
    }
    ike_ts_list_format(ike_child_local(k), k->n_local, local, sizeof local);
    ike_ts_list_format(ike_child_remote(k), k->n_remote, remote, sizeof remote);
    format_suites(k, suite, sizeof suite);
    IKE_LOG(c, IKE_LOG_CHILD, IKE_LOG_INFO, k->sa, "%s/%s: child #%u is up: %s here, %s there, %s, SPIs %08x in, %08x out",
            k->conf->s.name, ike_child_conf(k)->name, (unsigned)k->number, local, remote, suite, (unsigned)k->spi_in,
            (unsigned)k->spi_out);
}

/* Once, at the first child: a rekey is narrowed in the same way and nobody needs to be told again. */
void ike_log_narrowed(struct ike_core *c, const struct ike_child *k)
{
    const ike_child_settings *s = ike_child_conf(k);
    char local[140], remote[140];
    if (!ike_logs(c, IKE_LOG_CHILD, IKE_LOG_WARN)) {
        return;
    }
    ike_ts_list_format(s->local_ts, s->n_local_ts, local, sizeof local);
    ike_ts_list_format(s->remote_ts, s->n_remote_ts, remote, sizeof remote);
    IKE_LOG(c, IKE_LOG_CHILD, IKE_LOG_WARN, k->sa, "%s/%s: the peer gave less than was asked for, which is %s here, %s there",
            k->conf->s.name, s->name, local[0] ? local : "our address", remote[0] ? remote : "the peer's address");
}

void ike_log_child_down(struct ike_core *c, const struct ike_child *k, uint8_t cause)
{
    IKE_LOG(c, IKE_LOG_CHILD, IKE_LOG_INFO, k->sa, "%s/%s: child #%u is down: %s", k->conf->s.name, ike_child_conf(k)->name,
            (unsigned)k->number, cause_of(cause));
}
