/* SPDX-License-Identifier: ISC
 *
 * An IKE SA of IKEv2 and its children as octets: all that another engine needs to go on with them, keys among it. Written and
 * read by two tables of fields (record.c), so that both ways are the same.
 */
#ifndef IKE_SA_RECORD_H
#define IKE_SA_RECORD_H

#include "policy/ts.h"
#include "sa/sa.h"

/* At rest: it is up and stays, nothing is open or waits, and each of its children sends and receives. Else what the peer knows
 * may be other than what is here. */
bool ike_record_ready(const struct ike_sa *sa);
/* Writes what fits; the octets that all of it takes. */
size_t ike_record_put(const struct ike_sa *sa, ike_time now, uint8_t *out, size_t cap);

/* A record that is being read: views into its octets. */
struct ike_record {
    ike_time now, age; /* age: how long ago it was written */
    struct ike_rd sa;
    ike_bytes conn, keys;
    ike_id local_id, remote_id;
    struct ike_rd answer; /* datagrams, each behind its length */
    struct ike_rd children;
};
/* IKE_OK; IKE_ERR_INVALID: it is none, or cut; IKE_ERR_UNSUPPORTED: another version of the library wrote it. */
int ike_record_open(struct ike_record *r, const uint8_t *p, size_t n, ike_time age, ike_time now);
/* All of *sa that is plain values. IKE_ERR_INVALID: they make no sense. */
int ike_record_sa(const struct ike_record *r, struct ike_sa *sa);

struct ike_record_child {
    ike_bytes name;
    struct ike_rd values;
    struct ike_child_parts parts;
    struct ike_ts_list *local, *remote; /* the caller's room */
    struct ike_beside beside[IKE_BESIDE_MAX];
    ike_bytes keys;
};
/* The next child, taken out of r->children. IKE_ERR_NOT_FOUND: there is none; IKE_ERR_INVALID;
 * IKE_ERR_UNSUPPORTED: it is of a kind that this build leaves out. */
int ike_record_child(struct ike_record *r, struct ike_record_child *out);
/* All of *k that is plain values. */
void ike_record_values(const struct ike_record *r, const struct ike_record_child *in, struct ike_child *k);
/* These and the keys, into one that was made of in->parts. */
void ike_record_fill(const struct ike_record *r, const struct ike_record_child *in, struct ike_child *k);

#endif
