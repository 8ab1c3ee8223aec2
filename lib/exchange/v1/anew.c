/* SPDX-License-Identifier: ISC
 *
 * Main Mode that has gone astray. Its second and fourth message are in clear, and what they bring, the responder's cookie before
 * all, is settled before anything is proved: one forged datagram, or a responder that had to give its half-open SA up, and nobody
 * answers any more, however often the last message is repeated. So after some repetitions an initiator begins anew, under another
 * cookie of its own that the forger has to see first. When it waits for the sixth message it does so only where it was sent two
 * different fourth ones: to look at the fifth may take the peer's host, or a human, its time.
 */
#include "exchange/v1/v1.h"

#define REPETITIONS 4 /* in vain: the fourth is the first message of the new beginning */
#define PATIENCE    (120 * IKE_SEC)

/* All that came of the peer, and what was made for it. */
static void forget_all(struct ike_exchange *x, struct ike_setup *fresh, const ike_path *path)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    ike_setup_free(e, sa->setup);
    sa->setup = x->setup = fresh;
    ike_free_secret(&e->core, sa->keys, ike_key_kept(&sa->layout));
    sa->keys = NULL;
    ike_v1_parts_drop(&e->db, sa->v1);
    sa->v1->fragments = sa->v1->dpd = sa->v1->doubted = false;
    sa->v1->nat_t = 0;
    sa->garbled = sa->no_secret = sa->no_nat_t = sa->nat_local = sa->nat_remote = sa->ours_fake_nat = false;
    sa->path = *path;
    ike_map_del(&e->db.by_spi, &sa->by_spi);
    sa->spi_i = sa->spi_r = 0;
    ike_sent_free(&e->core, x->sent);
    x->sent = NULL;
    x->heard = x->hearing = 0;
    x->step = x->tries = 0;
    x->action = 0;
    x->chained = false;
}

/* The IKE SA, what waits for it, and when the attempt began stay. */
bool ike_v1_anew(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    ike_path path;
    bool astray = x->script == &ike_v1_main && x->role == IKE_INITIATOR && (x->step == 3 || (x->step == 5 && sa->v1->doubted));
    if (!astray || x->tries < REPETITIONS || x->noted || e->core.now - sa->created >= PATIENCE) {
        return false;
    }
    struct ike_setup *fresh = ike_setup_new(e);
    if (!fresh || ike_find_path(&e->core, sa->conn, &path) != IKE_OK) {
        ike_setup_free(e, fresh);
        e->core.blamed = false;
        return false; /* then the last message is repeated, as before */
    }
    forget_all(x, fresh, &path);
    if (ike_sa_draw_spi(&e->db, sa) != IKE_OK) {
        struct ike_conn *conn = sa->conn;
        ike_exchange_blame(x);
        ike_sa_down(e, sa, IKE_BY_FAILURE);
        ike_attempt_failed(e, conn);
        return true;
    }
    IKE_LOG(&e->core, IKE_LOG_EXCHANGE, IKE_LOG_INFO, sa->id, "%s: Main Mode begins anew, as its last message is not answered",
            sa->conf->s.name);
    ike_exchange_run(x);
    return true;
}
