/* SPDX-License-Identifier: ISC
 *
 * resolve.h - names to addresses without blocking: getaddrinfo in a child process of its own for each question. So many at once;
 * what is asked meanwhile waits for its turn.
 */
#ifndef IKELIBD_RESOLVE_H
#define IKELIBD_RESOLVE_H

#include "loop.h"

#include <ike/types.h>

#define RESOLVE_MAX     8              /* addresses per name */
#define RESOLVE_TIME    (15 * IKE_SEC) /* then the question counts as failed */
#define RESOLVE_AT_ONCE 64             /* processes, and a descriptor each */

struct resolver;
struct question;

/* n addresses, or 0 and why not. Called once per question, from the loop. */
typedef void resolve_fn(void *arg, const ike_addr *list, size_t n, const char *error);

struct resolver *resolver_new(struct loop *l);
/* Questions under way and those that wait are forgotten; nobody is called. */
void resolver_free(struct resolver *r);
/* The question, which holds until it is answered; NULL: out of memory. */
struct question *resolve(struct resolver *r, const char *name, resolve_fn *fn, void *arg);
/* Forget it. */
void resolve_cancel(struct question *q);

#endif
