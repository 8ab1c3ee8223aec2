/* SPDX-License-Identifier: ISC
 *
 * daemon/copy.c: nothing in the copy points into the original.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "copy.h"

static void whole_copy(void **state)
{
    (void)state;
    char name[] = "office", source[] = "f:3", proposals[] = "aes256gcm16-sha256-x25519", secret[] = "correct horse",
         id[] = "a.example";
    char child_name[] = "net", ah[] = "sha1-modp2048";
    ike_ts ts[2];
    assert_int_equal(ike_ts_parse(&ts[0], "10.1.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[1], "10.2.0.0/24"), IKE_OK);
    ike_child_settings children[2] = {
        {.size = sizeof(children[0]), .name = child_name, .local_ts = ts, .n_local_ts = 2, .start = IKE_START_YES},
        {.size = sizeof(children[0]), .name = child_name, .ah_proposals = ah, .remote_ts = ts + 1, .n_remote_ts = 1}};
    ike_conn_settings s = {.size = sizeof(s),
                           .name = name,
                           .source = source,
                           .proposals = proposals,
                           .secret = {(const uint8_t *)secret, strlen(secret)},
                           .local_id = {IKE_ID_FQDN, {(const uint8_t *)id, strlen(id)}},
                           .children = children,
                           .n_children = 2,
                           .dpd_s = 30};
    struct conn_copy *c = conn_copy_new(&s);
    assert_non_null(c);
    memset(name, 'x', sizeof(name));
    memset(source, 'x', sizeof(source));
    memset(proposals, 'x', sizeof(proposals));
    memset(secret, 'x', sizeof(secret));
    memset(id, 'x', sizeof(id));
    memset(child_name, 'x', sizeof(child_name));
    memset(ah, 'x', sizeof(ah));
    memset(ts, 0, sizeof(ts));
    memset(children, 0, sizeof(children));
    assert_string_equal(c->s.name, "office");
    assert_string_equal(c->s.source, "f:3");
    assert_string_equal(c->s.proposals, "aes256gcm16-sha256-x25519");
    assert_memory_equal(c->s.secret.ptr, "correct horse", 13);
    assert_memory_equal(c->s.local_id.data.ptr, "a.example", 9);
    assert_null(c->s.remote_id.data.ptr);
    assert_int_equal(c->s.dpd_s, 30);
    assert_int_equal(c->s.n_children, 2);
    assert_string_equal(c->s.children[1].name, "net");
    assert_string_equal(c->s.children[1].ah_proposals, "sha1-modp2048");
    assert_int_equal(c->s.children[0].start, IKE_START_YES);
    assert_int_equal(c->s.children[0].local_ts[1].lo[1], 2);
    assert_int_equal(c->s.children[1].remote_ts[0].hi[3], 255);
    conn_copy_free(c);
}

static void empty_copy(void **state)
{
    (void)state;
    ike_conn_settings s = {.size = sizeof(s), .name = "x"};
    struct conn_copy *c = conn_copy_new(&s);
    assert_non_null(c);
    assert_null(c->s.children);
    assert_null(c->s.source);
    conn_copy_free(c);
    conn_copy_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_copy), cmocka_unit_test(empty_copy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
