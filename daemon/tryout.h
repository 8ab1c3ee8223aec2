/* SPDX-License-Identifier: ISC
 *
 * tryout.h - whether an engine would take a configuration.
 */
#ifndef IKELIBD_TRYOUT_H
#define IKELIBD_TRYOUT_H

#include <ike/conf.h>

/* Report every algorithm that such an engine cannot run and, when `conns` are there, every connection that it refuses. crypto:
 * NULL for the usual one. IKE_OK, IKE_ERR_INVALID (reported), IKE_ERR_NOMEM, _HOST. */
int tryout(const ike_config *db, const ike_config_conns *conns, const ike_crypto *crypto, ike_config_report *report);

#endif
