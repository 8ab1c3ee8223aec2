/* SPDX-License-Identifier: ISC
 *
 * Names of results and of the library itself.
 */
#include "base/bytes.h"

/* Indexed by -error. */
static const char *const names[] = {
    [-IKE_OK] = "ok",
    [-IKE_ERR_INVALID] = "invalid argument or setting",
    [-IKE_ERR_NOMEM] = "out of memory",
    [-IKE_ERR_LIMIT] = "a configured limit is reached",
    [-IKE_ERR_BUFFER] = "buffer too small",
    [-IKE_ERR_STATE] = "not possible in this state",
    [-IKE_ERR_NOT_FOUND] = "no such object",
    [-IKE_ERR_UNSUPPORTED] = "not supported by this build or crypto",
    [-IKE_ERR_PROTO] = "protocol violation by the peer",
    [-IKE_ERR_CRYPTO] = "cryptographic operation failed",
    [-IKE_ERR_AUTH] = "authentication failed",
    [-IKE_ERR_HOST] = "host hook failed",
    [-IKE_ERR_EXISTS] = "already exists",
    [-IKE_ERR_REPLAY] = "replayed or too old",
};

/* Any int may come: hosts pass on what their own hooks returned. */
const char *ike_strerror(int error)
{
    if (error == IKE_PENDING) {
        return "pending";
    }
    if (error > 0 || error <= -(int)IKE_COUNT(names)) {
        return "unknown result";
    }
    return names[-error];
}

/* From the build, so that library and package cannot disagree. */
const char *ike_version(void) { return IKE_VERSION_TEXT; }
