/* SPDX-License-Identifier: ISC
 *
 * spd.h - the ledger of policies: who uses which selector, and what the kernel has to have for it.
 *
 * A kernel holds one policy for one selector and direction. Several SAs use it: the two of a rekey, those of a peer that comes
 * back before its former SA is gone, the trap behind them all. The newest user of a real SA decides what the policy says, else
 * the newest trap; each change of that is one update.
 */
#ifndef IKELIBD_SPD_H
#define IKELIBD_SPD_H

#include "app/prefix.h"

enum spd_dir { SPD_IN = 0, SPD_OUT = 1, SPD_FWD = 2 }; /* as XFRM_POLICY_* */

struct spd_key {
    struct flow flow;
    uint8_t dir;
    uint32_t mark, if_id;
};

/* From the inside: IPComp, ESP, AH, each of which may be missing. */
#define SPD_PROTOCOL(ike_protocol) ((uint8_t)(1u << (ike_protocol)))

/* What a policy asks for. */
struct spd_template {
    bool trap;
    uint8_t mode;           /* ike_mode of the child: of its innermost protocol */
    uint8_t protocols;      /* SPD_PROTOCOL of each */
    uint32_t reqid;
    ike_addr local, remote; /* outer addresses */
};

struct spd_backend {
    /* 0 or -errno. `update`: the policy is there with another template. */
    int (*set)(void *arg, const struct spd_key *key, const struct spd_template *t, bool update);
    void (*unset)(void *arg, const struct spd_key *key);
    void *arg;
};

struct spd;

struct spd *spd_new(const struct spd_backend *backend);
/* Takes every policy out. */
void spd_free(struct spd *s);
/* One more user. On error nothing changed. */
int spd_use(struct spd *s, const struct spd_key *key, const struct spd_template *t);
void spd_unuse(struct spd *s, const struct spd_key *key, const struct spd_template *t);
size_t spd_count(const struct spd *s);
/* Every policy as the kernel ought to have it. `each` changes nothing here. */
void spd_each(const struct spd *s, void (*each)(void *arg, const struct spd_key *key, const struct spd_template *t), void *arg);

#endif
