/* SPDX-License-Identifier: ISC
 *
 * The one place that knows the scripts of all versions.
 */
#include "exchange/scripts.h"
#include "exchange/v2/v2.h"
#if IKE_WITH_V1
#include "exchange/v1/v1.h"
#endif

static const struct ike_version v2 = {2,
                                      &ike_v2_sa_init,
                                      &ike_v2_auth,
                                      &ike_v2_create_child,
                                      &ike_v2_rekey_ike,
                                      &ike_v2_informational,
                                      &ike_v2_informational,
                                      "an IKE_AUTH request after IKE_SA_INIT",
                                      NULL};

#if IKE_WITH_V1
/* The two differ in how they begin only. */
#define V1(mode)                                                                                                                 \
    {                                                                                                                            \
        1, mode, mode, &ike_v1_quick, NULL, &ike_v1_informational, &ike_v1_dpd, "the rest of phase 1, and what follows it",     \
            ike_v1_abandon                                                                                                       \
    }
static const struct ike_version v1 = V1(&ike_v1_main), aggressive = V1(&ike_v1_aggressive);

const struct ike_version *ike_version_of(const struct ike_sa *sa)
{
    return sa->version != 1 ? &v2 : sa->conf && sa->conf->s.aggressive ? &aggressive : &v1;
}
#else
const struct ike_version *ike_version_of(const struct ike_sa *sa)
{
    (void)sa;
    return &v2;
}
#endif
