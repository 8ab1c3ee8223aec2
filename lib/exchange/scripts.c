/* SPDX-License-Identifier: ISC
 *
 * The one place that knows the scripts of all versions.
 */
#include "exchange/scripts.h"
#include "exchange/v2/v2.h"

static const struct ike_version v2 = {2,
                                      &ike_v2_sa_init,
                                      &ike_v2_auth,
                                      &ike_v2_create_child,
                                      &ike_v2_rekey_ike,
                                      &ike_v2_informational,
                                      "an IKE_AUTH request after IKE_SA_INIT"};

const struct ike_version *ike_version_of(const struct ike_sa *sa)
{
    (void)sa;
    return &v2;
}
