/* SPDX-License-Identifier: ISC
 *
 * select.c - which data plane: the configured one, or the first that works here.
 */
#include "app/app.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct app_ops *const backends[] = {&app_xfrm, &app_pfkey, &app_userspace, &app_none};
/* `none` is never chosen by itself: tunnels would look up and carry nothing. */
static const struct app_ops *const automatic[] = {&app_xfrm, &app_pfkey, &app_userspace};
#define AUTOMATIC (sizeof(automatic) / sizeof(automatic[0]))

static int try_backend(struct ikelibd *d, const struct app_ops *ops, char *why, size_t n)
{
    int error = ops->probe(d, why, n);
    if (error != 0) {
        return error;
    }
    d->app = ops->open(d);
    return d->app != NULL ? 0 : -EIO;
}

/* " pfkey: REASON." for each that was tried */
static void add_reason(char *text, size_t n, const char *name, const char *why)
{
    size_t len = strlen(text);
    snprintf(text + len, n - len, " %s: %s.", name, why);
}

static int select_automatic(struct ikelibd *d)
{
    char why[256], reasons[1024] = "";
    for (size_t i = 0; i < AUTOMATIC; i++) {
        why[0] = 0;
        int error = try_backend(d, automatic[i], why, sizeof(why));
        if (error == 0) {
            daemon_log(d, IKE_LOG_INFO, "data plane: %s%s%s", automatic[i]->name, i > 0 ? ". Not possible:" : "", reasons);
            return 0;
        }
        if (why[0] == 0) {
            return error; /* possible, but it failed to open and has said why */
        }
        add_reason(reasons, sizeof(reasons), automatic[i]->name, why);
    }
    daemon_log(d, IKE_LOG_ERROR, "no data plane is possible here.%s (backend = none carries no traffic.)", reasons);
    return -ENODEV;
}

const struct app_ops *app_find(const char *name)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(name, backends[i]->name) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

int app_select(struct ikelibd *d)
{
    const char *name = d->settings.backend;
    if (name[0] == 0 || strcmp(name, "auto") == 0) {
        return select_automatic(d);
    }
    const struct app_ops *ops = app_find(name);
    if (ops == NULL) {
        daemon_log(d, IKE_LOG_ERROR, "backend = %s is unknown: auto, xfrm, pfkey, userspace or none", name);
        return -EINVAL;
    }
    char why[256] = "";
    int error = try_backend(d, ops, why, sizeof(why));
    if (error == 0) {
        daemon_log(d, IKE_LOG_INFO, "data plane: %s", name);
    } else if (why[0] != 0) {
        daemon_log(d, IKE_LOG_ERROR, "backend = %s is not possible here: %s", name, why);
    }
    return error;
}
