/* SPDX-License-Identifier: ISC
 *
 * Traffic selectors: containment, intersection, narrowing (RFC 7296 section 2.9).
 */
#ifndef IKE_POLICY_TS_H
#define IKE_POLICY_TS_H

#include <ike/types.h>

/* More selectors than any policy has, few enough to compare each with each. A longer list of a peer is TS_UNACCEPTABLE. */
#define IKE_TS_MAX 64

struct ike_ts_list {
    size_t n;
    ike_ts ts[IKE_TS_MAX];
};

/* The address alone, with any protocol and port. */
ike_ts ike_ts_of_addr(const ike_addr *a);
/* Whether everything `inner` matches is matched by `outer`. */
bool ike_ts_within(const ike_ts *inner, const ike_ts *outer);
/* Each of a within some one of b. */
bool ike_ts_all_within(const ike_ts *a, size_t n, const ike_ts *b, size_t m);
/* False when they have nothing in common. */
bool ike_ts_intersect(const ike_ts *a, const ike_ts *b, ike_ts *out);
/* What of `offered` is within `allowed`, in the order offered, without selectors another one covers. False: nothing. */
bool ike_ts_narrow(const ike_ts *offered, size_t n, const ike_ts *allowed, size_t m, struct ike_ts_list *out);
/* Leave out selectors of a family that the other side lacks, and protocols the other side excludes. False: nothing is left. */
bool ike_ts_pair(struct ike_ts_list *a, struct ike_ts_list *b);
/* Put the address of `a` in place of every single-address selector (RFC 7296 section 2.23.1). False: there is a wider one. */
bool ike_ts_substitute(struct ike_ts_list *l, const ike_addr *a);
/* "10.1.0.0/24 10.2.0.0/24": snprintf-like. */
size_t ike_ts_list_format(const ike_ts *ts, size_t n, char *out, size_t cap);

#endif
