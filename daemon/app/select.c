/* SPDX-License-Identifier: ISC
 *
 * select.c - which data plane: the configured one, or the first that works here.
 */
#include "app/app.h"

#include <errno.h>
#include <string.h>

static const struct app_ops *const backends[] = {&app_xfrm, &app_userspace, &app_none};
/* `none` is never chosen by itself: tunnels would look up and carry nothing. */
static const struct app_ops *const automatic[] = {&app_xfrm, &app_userspace};

static int try_backend(struct ikelibd *d, const struct app_ops *ops, char *why, size_t n)
{
    int error = ops->probe(d, why, n);
    if (error != 0) {
        return error;
    }
    d->app = ops->open(d);
    return d->app != NULL ? 0 : -EIO;
}

static int select_automatic(struct ikelibd *d)
{
    char why[2][256];
    for (size_t i = 0; i < 2; i++) {
        why[i][0] = 0;
        int error = try_backend(d, automatic[i], why[i], sizeof(why[i]));
        if (error == 0) {
            daemon_log(d, IKE_LOG_INFO, "data plane: %s%s%s", automatic[i]->name, i > 0 ? "; xfrm is not possible: " : "",
                       i > 0 ? why[0] : "");
            return 0;
        }
        if (why[i][0] == 0) {
            return error; /* possible, but it failed to open and has said why */
        }
    }
    daemon_log(d, IKE_LOG_ERROR, "no data plane is possible here. xfrm: %s. userspace: %s. (backend = none carries no traffic.)",
               why[0], why[1]);
    return -ENODEV;
}

int app_select(struct ikelibd *d)
{
    const char *name = d->settings.backend;
    if (name[0] == 0 || strcmp(name, "auto") == 0) {
        return select_automatic(d);
    }
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(name, backends[i]->name) != 0) {
            continue;
        }
        char why[256] = "";
        int error = try_backend(d, backends[i], why, sizeof(why));
        if (error == 0) {
            daemon_log(d, IKE_LOG_INFO, "data plane: %s", name);
        } else if (why[0] != 0) {
            daemon_log(d, IKE_LOG_ERROR, "backend = %s is not possible here: %s", name, why);
        }
        return error;
    }
    daemon_log(d, IKE_LOG_ERROR, "backend = %s is unknown: auto, xfrm, userspace or none", name);
    return -EINVAL;
}
