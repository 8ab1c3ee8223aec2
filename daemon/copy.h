/* SPDX-License-Identifier: ISC
 *
 * copy.h - a deep copy of a connection's settings.
 */
#ifndef IKELIBD_COPY_H
#define IKELIBD_COPY_H

#include <ike/conn.h>

struct conn_copy {
    ike_conn_settings s;
    size_t size; /* of the whole */
};

/* One allocation; NULL without memory. */
struct conn_copy *conn_copy_new(const ike_conn_settings *s);
/* Wipes: it holds the secret. */
void conn_copy_free(struct conn_copy *c);

#endif
