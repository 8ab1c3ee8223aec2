/* SPDX-License-Identifier: ISC
 *
 * vici_form.c - SAs, connections and failures as VICI messages. Keys and values are those of strongSwan's documentation of
 * the protocol; what it has no word for has names of our own, which its clients pass over.
 */
#include "vici.h"

#include <inttypes.h>
#include <stdio.h>

static void put_number(struct vici_buf *b, const char *key, uint64_t v) { vici_putf(b, key, "%" PRIu64, v); }

/* Seconds from then to now; 0 while it has not been yet. */
static uint64_t seconds(ike_time from, ike_time to) { return to > from ? (to - from) / IKE_SEC : 0; }

static void put_alg(struct vici_buf *b, const char *key, const char *name)
{
    if (name) {
        vici_put(b, key, name);
    }
}

static void put_encr(struct vici_buf *b, unsigned encr, unsigned bits, unsigned integ)
{
    char text[16];
    put_alg(b, "encr-alg", vici_encr_name(encr, text, sizeof text));
    if (bits) {
        put_number(b, "encr-keysize", bits);
    }
    put_alg(b, "integ-alg", vici_integ_name(integ, text, sizeof text));
}

static void put_end(struct vici_buf *b, bool local, const ike_addr *a, const ike_id *id)
{
    char text[512];
    ike_addr_format(a, false, text, sizeof text);
    vici_put(b, local ? "local-host" : "remote-host", text);
    put_number(b, local ? "local-port" : "remote-port", a->port);
    ike_id_format(id, text, sizeof text);
    vici_put(b, local ? "local-id" : "remote-id", text);
}

static void put_yes(struct vici_buf *b, const char *key, bool yes)
{
    if (yes) {
        vici_put(b, key, "yes");
    }
}

static void put_addresses(struct vici_buf *b, const char *key, const ike_addr *list, size_t n)
{
    vici_list(b, key);
    for (size_t i = 0; i < n; i++) {
        char text[64];
        ike_addr_format(&list[i], false, text, sizeof text);
        vici_item(b, text);
    }
    vici_list_end(b);
}

/* What XAUTH and Mode-Config have brought. */
static void put_inner(struct vici_buf *b, const ike_sa_info *sa)
{
    char text[260];
    if (sa->user.len) {
        size_t n = sa->user.len < sizeof text - 1 ? sa->user.len : sizeof text - 1;
        for (size_t i = 0; i < n; i++) {
            text[i] = sa->user.ptr[i] >= ' ' && sa->user.ptr[i] <= '~' ? (char)sa->user.ptr[i] : '?';
        }
        text[n] = 0;
        vici_put(b, sa->user_ours ? "local-xauth-id" : "remote-xauth-id", text);
    }
    if (sa->inner.family) {
        put_addresses(b, sa->inner_ours ? "local-vips" : "remote-vips", &sa->inner, 1);
    }
    if (sa->n_dns) {
        put_addresses(b, "dns", sa->dns, sa->n_dns);
    }
    if (sa->n_nbns) {
        put_addresses(b, "nbns", sa->nbns, sa->n_nbns);
    }
}

void vici_form_sa(struct vici_buf *b, const ike_sa_info *sa, ike_time now)
{
    char text[16];
    put_number(b, "uniqueid", sa->number);
    put_number(b, "version", sa->version);
    vici_put(b, "state", vici_sa_state(sa->state));
    put_end(b, true, &sa->path.local, &sa->local_id);
    put_end(b, false, &sa->path.remote, &sa->remote_id);
    put_inner(b, sa);
    put_yes(b, "initiator", sa->initiator);
    vici_putf(b, "initiator-spi", "%016" PRIx64, sa->spi_i);
    vici_putf(b, "responder-spi", "%016" PRIx64, sa->spi_r);
    put_yes(b, "nat-local", sa->nat_local);
    put_yes(b, "nat-remote", sa->nat_remote);
    put_yes(b, "nat-any", sa->nat_local || sa->nat_remote);
    put_encr(b, sa->encr, sa->encr_bits, sa->integ);
    put_alg(b, "prf-alg", vici_prf_name(sa->prf, text, sizeof text));
    put_alg(b, "dh-group", vici_ke_name(sa->ke, text, sizeof text));
    if (sa->established) {
        put_number(b, "established", seconds(sa->established, now));
        if (sa->rekey_at > now && sa->rekey_at != IKE_NEVER) {
            put_number(b, "rekey-time", seconds(now, sa->rekey_at));
        }
    }
    if (sa->last_in) {
        put_number(b, "last-in", seconds(sa->last_in, now));
    }
    if (sa->queued) {
        put_number(b, "requests-waiting", sa->queued);
    }
    if (sa->repetitions) {
        put_number(b, "repetitions", sa->repetitions);
        put_number(b, "gives-up-time", seconds(now, sa->gives_up_at));
    }
}

static void put_selectors(struct vici_buf *b, const char *key, const ike_ts *ts, size_t n)
{
    vici_list(b, key);
    for (size_t i = 0; i < n; i++) {
        char text[128];
        ike_ts_format(&ts[i], text, sizeof text);
        vici_item(b, text);
    }
    vici_list_end(b);
}

static void put_usage(struct vici_buf *b, bool in, const ike_usage *u, ike_time now)
{
    put_number(b, in ? "bytes-in" : "bytes-out", u->bytes);
    put_number(b, in ? "packets-in" : "packets-out", u->packets);
    if (u->last) {
        put_number(b, in ? "use-in" : "use-out", seconds(u->last, now));
    }
}

void vici_form_child(struct vici_buf *b, const ike_child_info *k, ike_time now)
{
    char text[16];
    vici_put(b, "name", k->name ? k->name : "");
    put_number(b, "uniqueid", k->number);
    put_number(b, "reqid", k->reqid);
    vici_put(b, "state", vici_child_state(k->state));
    vici_put(b, "mode", k->mode == IKE_MODE_TRANSPORT ? "TRANSPORT" : "TUNNEL");
    vici_put(b, "protocol", k->protocol == IKE_PROTO_AH ? "AH" : "ESP");
    put_yes(b, "encap", k->udp_encap);
    vici_putf(b, "spi-in", "%08" PRIx32, k->spi_in);
    vici_putf(b, "spi-out", "%08" PRIx32, k->spi_out);
    if (k->ah_integ) { /* around the protocol above: names of our own, as clients know one protocol */
        char ah[16];
        put_alg(b, "ah-integ-alg", vici_integ_name(k->ah_integ, ah, sizeof ah));
        vici_putf(b, "ah-spi-in", "%08" PRIx32, k->ah_spi_in);
        vici_putf(b, "ah-spi-out", "%08" PRIx32, k->ah_spi_out);
    }
    if (k->cpi_in) {
        vici_putf(b, "cpi-in", "%04x", k->cpi_in);
        vici_putf(b, "cpi-out", "%04x", k->cpi_out);
    }
    put_encr(b, k->encr, k->encr_bits, k->integ);
    put_alg(b, "dh-group", vici_ke_name(k->ke, text, sizeof text));
    if (k->esn) {
        vici_put(b, "esn", "1");
    }
    put_usage(b, true, &k->in, now); /* zero where the data plane does not count: clients expect figures */
    put_usage(b, false, &k->out, now);
    if (k->rekey_at > now && k->rekey_at != IKE_NEVER) {
        put_number(b, "rekey-time", seconds(now, k->rekey_at));
    }
    if (k->expires_at > now && k->expires_at != IKE_NEVER) {
        put_number(b, "life-time", seconds(now, k->expires_at));
    }
    if (k->established) {
        put_number(b, "install-time", seconds(k->established, now));
    }
    put_yes(b, "narrowed", k->narrowed);
    put_selectors(b, "local-ts", k->local_ts, k->n_local_ts);
    put_selectors(b, "remote-ts", k->remote_ts, k->n_remote_ts);
}

/* ---- Connections ------------------------------------------------------------------------------------------------------ */

static void put_address(struct vici_buf *b, const char *key, const ike_addr *a, unsigned bits, const char *name)
{
    char text[80], with[96];
    vici_list(b, key);
    if (name) {
        vici_item(b, name);
    } else if (a->family == 0) {
        vici_item(b, "%any");
    } else {
        ike_addr_format(a, false, text, sizeof text);
        snprintf(with, sizeof with, "%s/%u", text, bits);
        vici_item(b, bits ? with : text);
    }
    vici_list_end(b);
}

static void put_auth(struct vici_buf *b, const char *section, const ike_id *id, const char *class)
{
    static const char *const lists[] = {"groups", "cert_policy", "certs", "cacerts"};
    vici_section(b, section);
    if (id->type != IKE_ID_NONE) {
        char text[512];
        ike_id_format(id, text, sizeof text);
        vici_put(b, "id", text);
    }
    vici_put(b, "class", class);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        vici_list(b, lists[i]);
        vici_list_end(b);
    }
    vici_section_end(b);
}

/* Without selectors a side is its own address, whichever that will be. */
static void put_wanted(struct vici_buf *b, const char *key, const ike_ts *ts, size_t n)
{
    if (n) {
        put_selectors(b, key, ts, n);
    } else {
        vici_list(b, key);
        vici_item(b, "dynamic");
        vici_list_end(b);
    }
}

static void put_child_settings(struct vici_buf *b, const ike_child_settings *k)
{
    static const char *const starts[] = {"no", "yes", "on-demand"};
    vici_section(b, k->name);
    vici_put(b, "mode", k->mode == IKE_MODE_TRANSPORT ? "TRANSPORT" : "TUNNEL");
    put_number(b, "rekey_time", k->life_s);
    put_number(b, "rekey_bytes", k->life_bytes);
    put_number(b, "rekey_packets", k->life_packets);
    vici_put(b, "dpd_action", k->start == IKE_START_YES ? "restart" : k->start == IKE_START_DEMAND ? "trap" : "none");
    vici_put(b, "close_action", k->start == IKE_START_YES ? "start" : k->start == IKE_START_DEMAND ? "trap" : "none");
    vici_put(b, "start", starts[k->start % 3]);
    if (k->proposals) {
        vici_put(b, "proposals", k->proposals);
    }
    if (k->ah_proposals) {
        vici_put(b, "ah-proposals", k->ah_proposals);
    }
    if (k->compress) {
        vici_put(b, "compress", "yes");
    }
    put_wanted(b, "local-ts", k->local_ts, k->n_local_ts);
    put_wanted(b, "remote-ts", k->remote_ts, k->n_remote_ts);
    vici_section_end(b);
}

/* Of a peer that has a name: the address it stands for, or why it stands for none. */
static void put_remote_name(struct vici_buf *b, const struct conn_rt *rt, ike_time now)
{
    char text[80];
    vici_put(b, "remote-name", rt->remote_name);
    if (rt->remote.family) {
        ike_addr_format(&rt->remote, false, text, sizeof text);
        vici_put(b, "remote-address", text);
    }
    if (rt->resolve_fails) {
        vici_put(b, "resolve-error", rt->resolve_error);
        put_number(b, "resolve-fails", rt->resolve_fails);
    }
    if (loop_timer_is_set(&rt->retry)) {
        put_number(b, "resolve-time", seconds(now, rt->retry.due));
    }
}

void vici_form_conn(struct vici_buf *b, struct ikelibd *d, const ike_conn_info *c)
{
    static const char *const versions[] = {[IKE_SPEAKS_V2] = "IKEv2", [IKE_SPEAKS_V1] = "IKEv1", [IKE_SPEAKS_ANY] = "IKEv1/2"};
    const ike_conn_settings *s = c->settings;
    const struct conn_rt *rt = s->remote.family == 0 ? daemon_conn_by_id(d, c->id) : NULL; /* a name, perhaps */
    ike_failure f = {.size = sizeof f};
    ike_time now = daemon_now(d);
    vici_section(b, s->name);
    put_address(b, "local_addrs", &s->local, 0, NULL);
    put_address(b, "remote_addrs", &s->remote, s->remote_bits, rt ? rt->remote_name : NULL);
    vici_put(b, "version", versions[s->version <= IKE_SPEAKS_ANY ? s->version : IKE_SPEAKS_ANY]);
    vici_put(b, "reauth_time", "0");
    put_number(b, "rekey_time", s->life_s);
    vici_put(b, "unique", s->unique ? "UNIQUE_REPLACE" : "UNIQUE_NEVER");
    if (s->dpd_s) {
        put_number(b, "dpd_delay", s->dpd_s);
    }
    if (s->dpd_timeout_s) {
        put_number(b, "dpd_timeout", s->dpd_timeout_s);
    }
    const char *class = s->remote_key.len ? "public key" : "pre-shared key";
    put_auth(b, "local-1", &s->local_id, class);
    put_auth(b, "remote-1", &s->remote_id, class);
    if (s->xauth) {
        put_auth(b, s->xauth == IKE_XAUTH_CLIENT ? "local-2" : "remote-2", &(ike_id){0}, "XAuth");
    }
    vici_section(b, "children");
    for (size_t i = 0; i < s->n_children; i++) {
        put_child_settings(b, &s->children[i]);
    }
    vici_section_end(b);
    if (s->source) {
        vici_put(b, "source", s->source);
    }
    put_number(b, "sas", c->sas);
    vici_put(b, "wanted", c->wanted ? "yes" : "no");
    put_number(b, "attempts", c->attempts);
    if (c->retry_at) {
        put_number(b, "retry-time", seconds(now, c->retry_at));
    }
    if (rt && rt->remote_name) {
        put_remote_name(b, rt, now);
    }
    if (ike_conn_failure(d->engine, c->id, &f) == IKE_OK) {
        vici_section(b, "failure");
        vici_form_failure(b, &f, now);
        vici_section_end(b);
    }
    vici_section_end(b);
}

/* ---- Failures --------------------------------------------------------------------------------------------------------- */

void vici_form_failure(struct vici_buf *b, const ike_failure *f, ike_time now)
{
    static const char *const deciders[] = {"", "us", "peer", "host", "nobody"};
    char text[4096];
    put_number(b, "code", f->code);
    vici_put(b, "name", ike_failure_name(f->code));
    vici_put(b, "cause", ike_failure_cause(f));
    vici_put(b, "decided-by", f->decider < 5 ? deciders[f->decider] : "");
    vici_put(b, "role", f->initiator ? "initiator" : "responder");
    put_number(b, "version", f->version);
    put_number(b, "exchange", f->exchange);
    put_number(b, "step", f->step);
    if (f->notify) {
        put_number(b, "notify", f->notify);
    }
    if (f->transform) {
        put_number(b, "transform", f->transform);
    }
    if (f->nearest) {
        put_number(b, "nearest", f->nearest);
    }
    if (f->error) {
        vici_putf(b, "error", "%d", (int)f->error);
    }
    put_number(b, "repeats", f->repeats);
    put_number(b, "age", seconds(f->when, now));
    vici_put(b, "connection", f->conn_name);
    vici_put(b, "child", f->child_name);
    vici_put(b, "source", f->source);
    if (f->remote.family) {
        ike_addr_format(&f->remote, true, text, sizeof text);
        vici_put(b, "remote", text);
    }
    vici_put(b, "expected", f->expected);
    vici_put(b, "received", f->received);
    vici_put(b, "remedy", f->remedy);
    ike_failure_explain(f, text, sizeof text);
    vici_put(b, "explanation", text);
}
