/* SPDX-License-Identifier: ISC
 *
 * What the targets share whose input is two engines that have got somewhere, and then payload chains for one of them.
 */
#include "chains.h"

#include "engine/engine.h"
#include "policy/ts.h"

const struct ike_sa *chains_sa(const struct duo *d, unsigned at, bool older)
{
    const struct ike_engine *e = d->node[at].e;
    ike_sa_info info = {.size = sizeof info};
    ike_sa_id ids[2] = {0, 0};
    for (ike_sa_id id = 0; ike_sa_next(e, id, &info) == IKE_OK; id = info.id) {
        ids[1] = ids[0];
        ids[0] = info.id;
    }
    return ike_slots_get(&e->db.sas, ids[older]);
}

ike_child_id chains_child(const struct duo *d, unsigned at)
{
    ike_child_info info = {.size = sizeof info};
    return ike_child_next(d->node[at].e, 0, &info) == IKE_OK ? info.id : 0;
}

void chains_up(struct duo *d)
{
    (void)ike_initiate(d->node[0].e, d->node[0].conn, "net", d->now);
    duo_run(d, 16);
    duo_time(d, IKE_SEC);
    fuzz_check(chains_child(d, 0) && chains_child(d, 1), "no tunnel to begin with");
}

void chains_deliver(struct duo *d, unsigned who, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        (void)duo_step(d, i % 2 ? !who : who);
    }
}

void chains_both(struct duo *d, bool ike)
{
    for (unsigned i = 0; i < 2; i++) {
        if (ike) {
            (void)ike_sa_rekey(d->node[i].e, chains_sa(d, i, false)->id, d->now);
        } else {
            (void)ike_child_rekey(d->node[i].e, chains_child(d, i), d->now);
        }
    }
}

const struct ike_sa *chains_keyed(const struct duo *d, unsigned to, const struct ike_sa *sa)
{
    const struct ike_sa *other = ike_sa_by_spi(&d->node[!to].e->db, sa->initiator ? sa->spi_r : sa->spi_i);
    return sa->keys ? sa : other && other->keys && other->spi_i == sa->spi_i ? other : NULL;
}

void chains_say(struct duo *d, unsigned to, ike_bytes message, ike_time pause, bool relay)
{
    ike_path path = duo_path(d, to);
    (void)duo_input(d, to, &path, message.ptr, message.len);
    duo_time(d, pause);
    if (relay) {
        duo_run(d, 12);
    }
    duo_drop(d, 0);
    duo_drop(d, 1);
}

void chains_run(struct ike_rd *r, unsigned who, void (*say)(unsigned who, struct ike_rd r))
{
    while (r->left > 2) {
        size_t len = ike_rd_u16(r);
        say(who, ike_rd_sub(r, len < r->left ? len : r->left));
    }
}

static void check_children(const struct duo *d, unsigned at)
{
    const ike_engine *e = d->node[at].e;
    ike_child_info k = {.size = sizeof k};
    ike_conn_info c = {.size = sizeof c};
    fuzz_check(ike_conn_get(e, d->node[at].conn, &c) == IKE_OK, "the connection is gone");
    const ike_child_settings *net = &c.settings->children[0];
    for (ike_child_id id = 0; ike_child_next(e, id, &k) == IKE_OK; id = k.id) {
        fuzz_check(k.n_local_ts && k.n_remote_ts && k.spi_in >= 256 && k.spi_out >= 256, "a child without selectors or SPIs");
        if (k.name[0] == 'n') {
            fuzz_check(ike_ts_all_within(k.local_ts, k.n_local_ts, net->local_ts, net->n_local_ts) &&
                           ike_ts_all_within(k.remote_ts, k.n_remote_ts, net->remote_ts, net->n_remote_ts),
                       "selectors wider than the settings");
        }
    }
}

void chains_end(struct duo *d)
{
    check_children(d, 0);
    check_children(d, 1);
    duo_time(d, 30 * IKE_SEC);
    duo_end(d);
}
