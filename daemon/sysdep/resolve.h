/* SPDX-License-Identifier: ISC
 *
 * resolve.h - names to addresses without blocking: getaddrinfo in a child process of its own for each question.
 */
#ifndef IKELIBD_RESOLVE_H
#define IKELIBD_RESOLVE_H

#include "loop.h"

#include <ike/types.h>

#define RESOLVE_MAX  8              /* addresses per name */
#define RESOLVE_TIME (15 * IKE_SEC) /* then the question counts as failed */

struct resolver;

/* n addresses, or 0 and why not. Called once per question, from the loop. */
typedef void resolve_fn(void *arg, const ike_addr *list, size_t n, const char *error);

struct resolver *resolver_new(struct loop *l);
/* Questions under way are forgotten; nobody is called. */
void resolver_free(struct resolver *r);
/* 0 or -errno. */
int resolve(struct resolver *r, const char *name, resolve_fn *fn, void *arg);
/* Forget the questions of this arg. */
void resolve_cancel(struct resolver *r, const void *arg);

#endif
