/* SPDX-License-Identifier: ISC
 *
 * Which data plane: the back-ends here only say whether they are possible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"

static struct {
    const char *why; /* probe's reason; NULL: possible */
    bool broken;     /* open fails */
    int probes, opens;
} plane[4]; /* xfrm, userspace, none, pfkey */
static struct app apps[4];

static int probe(int i, char *why, size_t n)
{
    plane[i].probes++;
    snprintf(why, n, "%s", plane[i].why ? plane[i].why : "");
    return plane[i].why ? -EPERM : 0;
}

static struct app *open_app(int i, const struct app_ops *ops, struct ikelibd *d)
{
    plane[i].opens++;
    apps[i] = (struct app){ops, d};
    return plane[i].broken ? NULL : &apps[i];
}

/* In the place of the real ones, which are in an archive and are not taken out of it then. */
#define PLANE(i, word)                                                                                                           \
    static int probe_##word(struct ikelibd *d, char *why, size_t n)                                                              \
    {                                                                                                                            \
        (void)d;                                                                                                                 \
        return probe(i, why, n);                                                                                                 \
    }                                                                                                                            \
    static struct app *open_##word(struct ikelibd *d) { return open_app(i, &app_##word, d); }                                    \
    const struct app_ops app_##word = {.name = #word, .probe = probe_##word, .open = open_##word}
PLANE(0, xfrm);
PLANE(1, userspace);
PLANE(2, none);
PLANE(3, pfkey);

static char heard[1024];

static void hear(void *arg, const struct log_line *l)
{
    size_t n = strlen(heard);
    (void)arg;
    snprintf(heard + n, sizeof heard - n, "%s%s\n", l->level == IKE_LOG_ERROR ? "ERROR " : "", l->text);
}

static int choose(const char *name, struct ikelibd *d)
{
    struct log_sink sink = {.level = IKE_LOG_INFO, .line = hear};
    *d = (struct ikelibd){.keylog_fd = -1};
    snprintf(d->settings.backend, sizeof d->settings.backend, "%s", name);
    log_sink_add(d, &sink);
    heard[0] = 0;
    for (int i = 0; i < 4; i++) {
        plane[i].probes = plane[i].opens = 0;
    }
    int error = app_select(d);
    log_sink_remove(d, &sink);
    return error;
}

static int reset(void **state)
{
    (void)state;
    memset(plane, 0, sizeof plane);
    return 0;
}

static void automatic(void **state)
{
    struct ikelibd d;
    (void)state;
    assert_int_equal(choose("auto", &d), 0);
    assert_ptr_equal(d.app->ops, &app_xfrm);
    assert_int_equal(plane[1].probes, 0);
    assert_string_equal(heard, "data plane: xfrm\n");
    assert_int_equal(choose("", &d), 0);
    assert_ptr_equal(d.app->ops, &app_xfrm);
    assert_int_equal(plane[3].probes, 0);
    plane[0].why = "no netlink";
    assert_int_equal(choose("auto", &d), 0);
    assert_ptr_equal(d.app->ops, &app_pfkey);
    assert_int_equal(plane[1].probes, 0);
    assert_string_equal(heard, "data plane: pfkey. Not possible: xfrm: no netlink.\n");
    plane[3].why = "no PF_KEY";
    assert_int_equal(choose("auto", &d), 0);
    assert_ptr_equal(d.app->ops, &app_userspace);
    assert_int_equal(plane[0].opens + plane[3].opens, 0);
    assert_string_equal(heard, "data plane: userspace. Not possible: xfrm: no netlink. pfkey: no PF_KEY.\n");
}

/* `none` would let tunnels look up that carry nothing. */
static void none_is_never_chosen_by_itself(void **state)
{
    struct ikelibd d;
    (void)state;
    plane[0].why = "no ESP";
    plane[1].why = "no TUN";
    plane[3].why = "no PF_KEY";
    assert_true(choose("auto", &d) < 0);
    assert_null(d.app);
    assert_int_equal(plane[2].probes + plane[2].opens, 0);
    assert_string_equal(heard, "ERROR no data plane is possible here. xfrm: no ESP. pfkey: no PF_KEY. userspace: no TUN. "
                               "(backend = none carries no traffic.)\n");
}

/* A kernel that can do it and then fails is an error to be looked into, not a reason to go on in another way. */
static void what_breaks_while_opening_is_not_passed_over(void **state)
{
    struct ikelibd d;
    (void)state;
    plane[0].broken = true;
    assert_true(choose("auto", &d) < 0);
    assert_null(d.app);
    assert_int_equal(plane[1].probes, 0);
    assert_string_equal(heard, ""); /* open has said why */
}

static void by_name(void **state)
{
    struct ikelibd d;
    (void)state;
    assert_int_equal(choose("none", &d), 0);
    assert_ptr_equal(d.app->ops, &app_none);
    assert_int_equal(choose("userspace", &d), 0);
    assert_ptr_equal(d.app->ops, &app_userspace);
    assert_int_equal(plane[0].probes, 0);
    plane[1].why = "no TUN";
    assert_true(choose("userspace", &d) < 0); /* what was asked for, or nothing */
    assert_null(d.app);
    assert_int_equal(plane[0].probes + plane[2].probes, 0);
    assert_string_equal(heard, "ERROR backend = userspace is not possible here: no TUN\n");
    assert_int_equal(choose("xfrn", &d), -EINVAL);
    assert_non_null(strstr(heard, "backend = xfrn is unknown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(automatic, reset),
        cmocka_unit_test_setup(none_is_never_chosen_by_itself, reset),
        cmocka_unit_test_setup(what_breaks_while_opening_is_not_passed_over, reset),
        cmocka_unit_test_setup(by_name, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
