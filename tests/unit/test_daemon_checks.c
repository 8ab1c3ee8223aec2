/* SPDX-License-Identifier: ISC
 *
 * What is said of this host when a connection is loaded. The switches themselves are this machine's, so they are compared with
 * what /proc says; tests/daemon/errors.sh turns them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"

struct world {
    struct ikelibd d;
    struct app app;
    struct log_sink sink;
    char heard[4096];
    ike_conn_settings s;
    ike_child_settings k;
    ike_ts local[2], remote[1];
};

static void hear(void *arg, const struct log_line *l)
{
    struct world *w = arg;
    size_t n = strlen(w->heard);
    snprintf(w->heard + n, sizeof w->heard - n, "%s%s\n", l->level == IKE_LOG_ERROR ? "ERROR " : "", l->text);
}

static int setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.app = (struct app){&app_userspace, &w.d};
    w.d.app = &w.app;
    w.sink = (struct log_sink){.level = IKE_LOG_INFO, .line = hear, .arg = &w};
    log_sink_add(&w.d, &w.sink);
    ike_conn_settings_init(&w.s);
    ike_child_settings_init(&w.k);
    w.s.name = "office";
    w.k.name = "net";
    w.s.children = &w.k;
    w.s.n_children = 1;
    assert_int_equal(ike_addr_parse(&w.s.remote, "192.0.2.2"), IKE_OK);
    w.k.local_ts = w.local;
    w.k.remote_ts = w.remote;
    w.k.n_remote_ts = 1;
    assert_int_equal(ike_ts_parse(&w.remote[0], "10.2.0.0/24"), IKE_OK);
    *state = &w;
    return 0;
}

/* What is said with these local selectors. */
static const char *check(struct world *w, const char *local, const char *second)
{
    w->k.n_local_ts = second ? 2 : local ? 1 : 0;
    assert_true(!local || ike_ts_parse(&w->local[0], local) == IKE_OK);
    assert_true(!second || ike_ts_parse(&w->local[1], second) == IKE_OK);
    w->heard[0] = 0;
    daemon_check_host(&w->d, &w->s);
    return w->heard;
}

static char first_of(const char *path)
{
    FILE *f = fopen(path, "r");
    int c = f ? fgetc(f) : EOF;
    if (f) {
        fclose(f);
    }
    return c == EOF ? 0 : (char)c;
}

static void forwarding(void **state)
{
    struct world *w = *state;
    bool off4 = first_of("/proc/sys/net/ipv4/ip_forward") == '0';
    bool off6 = first_of("/proc/sys/net/ipv6/conf/all/forwarding") == '0';
    assert_string_equal(check(w, "10.1.0.1", NULL), "");
    assert_string_equal(check(w, NULL, NULL), "");
    assert_int_equal(strstr(check(w, "10.1.0.0/31", NULL), "ip_forward") != NULL, off4);
    assert_int_equal(strstr(check(w, "10.1.0.1", "10.1.0.4-10.1.0.5"), "ip_forward") != NULL, off4);
    assert_null(strstr(check(w, "10.1.0.0/24", NULL), "ipv6"));
    assert_string_equal(check(w, "2001:db8::1", NULL), "");
    assert_int_equal(strstr(check(w, "2001:db8::/64", NULL), "ipv6.conf.all.forwarding") != NULL, off6);
    /* one line a connection and family, however many networks */
    const char *twice = strstr(check(w, "10.1.0.0/24", "10.3.0.0/24"), "sysctl");
    assert_true(!off4 || (twice && !strstr(twice + 1, "sysctl")));
    w->k.mode = IKE_MODE_TRANSPORT;
    w->k.mode_fallback = true;
    assert_string_equal(check(w, "10.1.0.0/24", NULL), "");
}

static void what_pf_key_cannot_carry(void **state)
{
    struct world *w = *state;
    w->app.ops = &app_pfkey;
    assert_string_equal(check(w, "10.1.0.1", NULL), "");
    w->k.proposals = "aes128-sha384, aes128gcm16";
    assert_non_null(strstr(check(w, "10.1.0.1", NULL),
                           "ERROR office: child net asks for what cannot be carried: aes128gcm16: PF_KEY has no "));
    w->app.ops = &app_xfrm;
    assert_string_equal(check(w, "10.1.0.1", NULL), "");
}

static void what_user_space_esp_cannot_carry(void **state)
{
    struct world *w = *state;
    w->k.ah_proposals = "sha1";
    assert_non_null(strstr(check(w, "10.1.0.1", NULL), "ERROR office: child net asks for what cannot be carried: AH, which "));
    assert_false(app_userspace.carries(IKE_PROTO_AH, 4, 3, 2, 0));
    assert_true(app_userspace.carries(IKE_PROTO_ESP, 4, 3, 2, 0));
}

static void transport_mode(void **state)
{
    struct world *w = *state;
    w->k.mode = IKE_MODE_TRANSPORT;
    assert_string_equal(check(w, NULL, NULL), "ERROR office: child net wants transport mode, which user-space ESP cannot carry "
                                              "(backend = xfrm can)\n");
    w->k.mode_fallback = true;
    assert_string_equal(check(w, NULL, NULL), "");
    w->k.mode_fallback = false;
    w->app.ops = &app_xfrm;
    assert_string_equal(check(w, NULL, NULL), "");
    w->d.app = NULL; /* --check */
    assert_string_equal(check(w, NULL, NULL), "");
}

/* Of more than one network each IKEv1 asks for the first. */
static void one_pair(void **state)
{
    struct world *w = *state;
    w->app.ops = &app_xfrm;
    w->s.version = IKE_SPEAKS_V1;
    w->k.start = IKE_START_YES;
    assert_string_equal(check(w, "10.1.0.1", NULL), "");
    assert_non_null(strstr(check(w, "10.1.0.1", "10.3.0.1"),
                           "office: child net: IKEv1 has one network of each side to a child: what starts here joins "
                           "10.1.0.1/32 and 10.2.0.0/24 only"));
    w->k.start = IKE_START_DEMAND; /* the packet says which */
    assert_string_equal(check(w, "10.1.0.1", "10.3.0.1"), "");
    w->k.start = IKE_START_YES;
    w->s.version = IKE_SPEAKS_ANY;
    assert_string_equal(check(w, "10.1.0.1", "10.3.0.1"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(forwarding, setup), cmocka_unit_test_setup(transport_mode, setup),
                                       cmocka_unit_test_setup(what_pf_key_cannot_carry, setup),
                                       cmocka_unit_test_setup(what_user_space_esp_cannot_carry, setup),
                                       cmocka_unit_test_setup(one_pair, setup)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
