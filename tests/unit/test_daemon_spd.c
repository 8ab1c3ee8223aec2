/* SPDX-License-Identifier: ISC
 *
 * daemon/app/spd.c: who decides what a policy says, told by what the kernel is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/spd.h"

/* A kernel that writes down what it is asked: N new, U update, D delete, with the template's reqid. */
struct kernel {
    char log[256];
    int refuse;
};

static int set(void *arg, const struct spd_key *key, const struct spd_template *t, bool update)
{
    struct kernel *k = arg;
    (void)key;
    snprintf(k->log + strlen(k->log), sizeof(k->log) - strlen(k->log), "%c%u ", update ? 'U' : 'N', t->reqid);
    return k->refuse;
}

static void unset(void *arg, const struct spd_key *key)
{
    struct kernel *k = arg;
    (void)key;
    snprintf(k->log + strlen(k->log), sizeof(k->log) - strlen(k->log), "D ");
}

static struct spd *make(struct kernel *k)
{
    *k = (struct kernel){.refuse = 0};
    struct spd *s = spd_new(&(struct spd_backend){set, unset, k});
    assert_non_null(s);
    return s;
}

static struct spd_key key_of(uint8_t dir, const char *remote)
{
    struct spd_key key = {.dir = dir, .flow.local = {.family = 4, .bits = 24, .ip = {10, 1, 0}}};
    assert_true(prefix_parse(&key.flow.remote, remote));
    return key;
}

static struct spd_template real(uint32_t reqid)
{
    return (struct spd_template){.protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = reqid};
}
static struct spd_template trap(uint32_t reqid)
{
    return (struct spd_template){.trap = true, .protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = reqid};
}

static void rekey_touches_nothing(void **state)
{
    (void)state;
    struct kernel k;
    struct spd *s = make(&k);
    struct spd_key key = key_of(SPD_OUT, "10.2.0.0/24");
    struct spd_template t = real(1);
    assert_int_equal(spd_use(s, &key, &t), 0);
    assert_int_equal(spd_use(s, &key, &t), 0); /* the new SA of a rekey */
    spd_unuse(s, &key, &t);                    /* the old one goes */
    assert_string_equal(k.log, "N1 ");
    spd_unuse(s, &key, &t);
    assert_string_equal(k.log, "N1 D ");
    assert_int_equal(spd_count(s), 0);
    spd_free(s);
}

static void newest_real_user_decides(void **state)
{
    (void)state;
    struct kernel k;
    struct spd *s = make(&k);
    struct spd_key key = key_of(SPD_IN, "10.2.0.0/24");
    struct spd_template first = real(1), second = real(2), waiting = trap(9), late = trap(8);
    assert_int_equal(spd_use(s, &key, &waiting), 0);
    assert_int_equal(spd_use(s, &key, &first), 0);
    assert_int_equal(spd_use(s, &key, &second), 0); /* the peer came back before its former SA was gone */
    assert_int_equal(spd_use(s, &key, &late), 0);   /* a trap never takes over */
    assert_string_equal(k.log, "N9 U1 U2 ");
    spd_unuse(s, &key, &first);
    assert_string_equal(k.log, "N9 U1 U2 ");
    spd_unuse(s, &key, &second);
    assert_string_equal(k.log, "N9 U1 U2 U8 ");
    spd_unuse(s, &key, &late);
    spd_unuse(s, &key, &waiting);
    assert_string_equal(k.log, "N9 U1 U2 U8 U9 D ");
    spd_free(s);
}

static void write_down(void *arg, const struct spd_key *key, const struct spd_template *t)
{
    (void)set(arg, key, t, key->dir == SPD_OUT);
}

static void each_is_told_as_it_ought_to_be(void **state)
{
    (void)state;
    struct kernel k;
    struct spd *s = make(&k);
    struct spd_key in = key_of(SPD_IN, "10.2.0.0/24"), out = key_of(SPD_OUT, "10.2.0.0/24");
    struct spd_template first = real(1), second = real(2), waiting = trap(9);
    spd_each(s, write_down, &k);
    assert_string_equal(k.log, "");
    assert_int_equal(spd_use(s, &in, &first), 0);
    assert_int_equal(spd_use(s, &in, &second), 0);
    assert_int_equal(spd_use(s, &out, &waiting), 0);
    k.log[0] = 0;
    spd_each(s, write_down, &k);
    assert_true(strcmp(k.log, "N2 U9 ") == 0 || strcmp(k.log, "U9 N2 ") == 0); /* the deciding user's template, each once */
    spd_free(s);
}

static void keys_are_apart(void **state)
{
    (void)state;
    struct kernel k;
    struct spd *s = make(&k);
    struct spd_template t = real(1);
    struct spd_key keys[6];
    for (size_t i = 0; i < 6; i++) {
        keys[i] = key_of(SPD_OUT, "10.2.0.0/24");
    }
    keys[1].dir = SPD_IN;
    keys[2].mark = 7;
    keys[3].flow.proto = 6;
    keys[4].flow.remote_port = (struct port_mask){80, UINT16_MAX};
    keys[5].flow.remote.bits = 25;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(spd_use(s, &keys[i], &t), 0);
    }
    assert_int_equal(spd_count(s), 6);
    spd_free(s);
    assert_string_equal(k.log, "N1 N1 N1 N1 N1 N1 D D D D D D ");
}

static void refusal_leaves_nothing(void **state)
{
    (void)state;
    struct kernel k;
    struct spd *s = make(&k);
    struct spd_key key = key_of(SPD_OUT, "10.2.0.0/24");
    struct spd_template t = real(1), other = real(2);
    k.refuse = -EEXIST;
    assert_int_equal(spd_use(s, &key, &t), -EEXIST);
    assert_int_equal(spd_count(s), 0);
    k.refuse = 0;
    assert_int_equal(spd_use(s, &key, &t), 0);
    k.refuse = -ENOMEM;
    assert_int_equal(spd_use(s, &key, &other), -ENOMEM);
    k.refuse = 0;
    spd_unuse(s, &key, &other); /* was never in: no effect */
    spd_unuse(s, &key, &t);
    assert_string_equal(k.log, "N1 N1 U2 D ");
    spd_free(s);
}

static void many_policies(void **state)
{
    (void)state;
    struct kernel k;
    struct spd *s = make(&k);
    struct spd_template t = real(1);
    for (unsigned i = 0; i < 5000; i++) {
        struct spd_key key = key_of(SPD_OUT, "10.0.0.0/32");
        key.flow.remote.ip[1] = (uint8_t)(i >> 8);
        key.flow.remote.ip[2] = (uint8_t)i;
        assert_int_equal(spd_use(s, &key, &t), 0);
    }
    assert_int_equal(spd_count(s), 5000);
    spd_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rekey_touches_nothing),          cmocka_unit_test(newest_real_user_decides),
        cmocka_unit_test(each_is_told_as_it_ought_to_be), cmocka_unit_test(keys_are_apart),
        cmocka_unit_test(refusal_leaves_nothing),         cmocka_unit_test(many_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
