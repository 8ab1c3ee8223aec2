/* SPDX-License-Identifier: ISC
 *
 * What keeps strangers from costing us memory or making us a reflector: cookies (RFC 7296 section 2.6), limits on half-open
 * SAs, and a token bucket for unprotected replies.
 */
#ifndef IKE_GUARD_GUARD_H
#define IKE_GUARD_GUARD_H

#include "sa/sa.h"

#define IKE_COOKIE_LEN 17 /* version, then 128 bits of SipHash */
#define IKE_SOURCES    256

/* Of whom wrong passwords are counted: one user from one source; that user from anywhere; that source. */
enum ike_wrong { IKE_WRONG_BOTH, IKE_WRONG_USER, IKE_WRONG_SOURCE, IKE_WRONG_N };

struct ike_guard {
    struct ike_core *core; /* borrowed; holds clock, settings and the hash key */
    uint8_t secret[2][32]; /* the present one and the one before */
    uint8_t version;       /* of the present one */
    ike_time rotated;
    struct ike_bucket all, source[IKE_SOURCES]; /* sources share a bucket by a keyed hash of their prefix */
    struct ike_bucket wrong[IKE_WRONG_N][IKE_SOURCES];
    struct ike_bucket groups; /* of all peers */
    uint16_t half_open[IKE_SOURCES];            /* by the same hash */
    ike_time refused_second;                    /* requests that suited no connection, in this second */
    uint32_t refused;
};

int ike_guard_init(struct ike_guard *g, struct ike_core *core);

/* Whether an IKE_SA_INIT from here has to bring a cookie now. */
bool ike_guard_wants_cookie(const struct ike_guard *g, const struct ike_db *db, const ike_addr *source);
int ike_guard_cookie(struct ike_guard *g, const ike_addr *source, uint64_t spi_i, ike_bytes ni, uint8_t out[IKE_COOKIE_LEN]);
bool ike_guard_cookie_valid(struct ike_guard *g, const ike_addr *source, uint64_t spi_i, ike_bytes ni, ike_bytes cookie);
/* Whether a source may open one more; counting is done by the two below. */
bool ike_guard_admits(const struct ike_guard *g, const ike_addr *source);
/* Who makes room when there are as many half-open SAs as may be. NULL: nobody, it is the newcomer that goes. */
struct ike_sa *ike_guard_victim(const struct ike_guard *g, const struct ike_db *db);
void ike_guard_opened(struct ike_guard *g, const ike_addr *source);
void ike_guard_closed(struct ike_guard *g, const ike_addr *source);
/* An IKE_SA_INIT suited no connection: it left no half-open SA, but cost time. */
void ike_guard_refused(struct ike_guard *g);
/* Whether one more unprotected reply may go to this source. */
bool ike_guard_reply(struct ike_guard *g, const ike_addr *source);
/* Whether one more request of a peer that has shown who it is may be served on this SA now. */
bool ike_guard_serves(struct ike_guard *g, struct ike_sa *sa);
/* IKEv1: whether one more group of a peer's own may be checked now. */
bool ike_guard_checks_group(struct ike_guard *g);
/* Whether one more password of this user of a connection's may be looked at; that it was wrong. */
bool ike_guard_looks_at(const struct ike_guard *g, const struct ike_sa *sa, ike_bytes user);
void ike_guard_wrong(struct ike_guard *g, const struct ike_sa *sa, ike_bytes user);

#endif
