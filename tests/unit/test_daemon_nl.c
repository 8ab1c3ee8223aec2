/* SPDX-License-Identifier: ISC
 *
 * daemon/sysdep/nl.c: the octets of a netlink message, and reading attributes that lie about their length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sysdep/nl.h"

static void message_layout(void **state)
{
    (void)state;
    struct nl_msg m;
    const uint8_t body[5] = {1, 2, 3, 4, 5};
    nl_begin(&m, 0x10, NLM_F_EXCL, body, sizeof(body));
    assert_int_equal(m.len, NLMSG_HDRLEN + 8); /* the body is padded to 4 */
    nl_attr(&m, 7, "abc", 3);
    nl_attr_u32(&m, 8, 0x01020304);
    assert_int_equal(m.len, NLMSG_HDRLEN + 8 + 8 + 8);
    const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)m.buf;
    assert_int_equal(h->nlmsg_type, 0x10);
    assert_memory_equal(nl_body(&m), body, sizeof(body));
    const uint16_t *attr = (const uint16_t *)(void *)(m.buf + NLMSG_HDRLEN + 8);
    assert_int_equal(attr[0], 7); /* length without padding */
    assert_int_equal(attr[1], 7);
    assert_memory_equal(attr + 2, "abc", 4);
}

static void nesting(void **state)
{
    (void)state;
    struct nl_msg m;
    nl_begin(&m, 1, 0, NULL, 0);
    size_t at = nl_nest(&m, 8);
    nl_attr_u32(&m, 2, 1400);
    nl_nest_end(&m, at);
    const struct nlattr *outer = (const struct nlattr *)(void *)(m.buf + at);
    assert_int_equal(outer->nla_len, 12);
    assert_int_equal(outer->nla_type, 8 | NLA_F_NESTED);
}

static void overflow_is_remembered(void **state)
{
    (void)state;
    struct nl_msg m;
    struct nl_sock s = {.fd = -1};
    static const uint8_t big[NL_MSG_MAX];
    nl_begin(&m, 1, 0, NULL, 0);
    nl_attr(&m, 1, big, sizeof(big) - 8);
    assert_true(m.overflow);
    nl_attr_u32(&m, 2, 1); /* small enough, but the message is spoilt */
    assert_true(m.overflow);
    assert_int_equal(nl_call(&s, &m, NULL, NULL), -EMSGSIZE);
}

static void attributes_are_found(void **state)
{
    (void)state;
    struct nl_msg m;
    const struct nlattr *tb[4];
    uint32_t body = 9;
    nl_begin(&m, 1, 0, &body, sizeof(body));
    nl_attr_u32(&m, 3, 33);
    nl_attr(&m, 1, "x", 1);
    nl_attr_u32(&m, 9, 99); /* beyond max: passed over */
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)m.buf;
    h->nlmsg_len = (uint32_t)m.len;
    nl_attrs(h, sizeof(body), tb, 3);
    assert_null(tb[0]);
    assert_null(tb[2]);
    assert_non_null(tb[3]);
    assert_int_equal(nl_len(tb[3]), 4);
    assert_memory_equal(nl_data(tb[1]), "x", 1);
}

/* Lengths that are too small or reach beyond the message end the walk. */
static void lying_attributes(void **state)
{
    (void)state;
    const uint16_t lies[] = {0, 1, 3, 9, 200, UINT16_MAX};
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct nl_msg m;
        const struct nlattr *tb[3];
        nl_begin(&m, 1, 0, NULL, 0);
        size_t at = m.len;
        nl_attr_u32(&m, 1, 5);
        ((struct nlattr *)(void *)(m.buf + at))->nla_len = lies[i];
        struct nlmsghdr *h = (struct nlmsghdr *)(void *)m.buf;
        h->nlmsg_len = (uint32_t)m.len;
        nl_attrs(h, 0, tb, 2);
        assert_null(tb[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_layout),       cmocka_unit_test(nesting),          cmocka_unit_test(overflow_is_remembered),
        cmocka_unit_test(attributes_are_found), cmocka_unit_test(lying_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
