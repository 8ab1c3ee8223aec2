/* SPDX-License-Identifier: ISC
 *
 * The guard in virtual time: cookies and their rotation, limits on half-open SAs per source, token buckets.
 */
#include "unit/core_help.h"

#include "guard/guard.h"

static struct lab lab;
static struct ike_core core;
static struct ike_guard guard;
static struct ike_db db;
static ike_addr source;
static const uint8_t nonce[32] = {1, 2, 3};
#define NI ike_bytes_of(nonce, sizeof nonce)

static int begin(void **state)
{
    (void)state;
    lab_core(&lab, &core);
    ike_db_init(&db, &core);
    assert_int_equal(ike_guard_init(&guard, &core), IKE_OK);
    source = lab_addr("192.0.2.1:500");
    return 0;
}

static int end(void **state)
{
    (void)state;
    lab_core_end(&lab, &core);
    return 0;
}

static void a_cookie_is_good_for_what_it_was_made_for(void **state)
{
    (void)state;
    uint8_t cookie[IKE_COOKIE_LEN], longer[IKE_COOKIE_LEN + 1] = {0}, other_nonce[32];
    assert_int_equal(ike_guard_cookie(&guard, &source, 5, NI, cookie), IKE_OK);
    ike_bytes c = ike_bytes_of(cookie, sizeof cookie);
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
    assert_false(ike_guard_cookie_valid(&guard, &source, 6, NI, c));
    memcpy(other_nonce, nonce, sizeof nonce);
    other_nonce[31] ^= 1;
    assert_false(ike_guard_cookie_valid(&guard, &source, 5, ike_bytes_of(other_nonce, 32), c));
    assert_false(ike_guard_cookie_valid(&guard, &source, 5, ike_bytes_of(nonce, 31), c));
    static const char *const others[] = {"192.0.2.2:500", "192.0.2.1:501", "[::c000:201]:500"};
    for (size_t i = 0; i < IKE_COUNT(others); i++) {
        ike_addr a = lab_addr(others[i]);
        assert_false(ike_guard_cookie_valid(&guard, &a, 5, NI, c));
    }
    memcpy(longer, cookie, sizeof cookie);
    assert_false(ike_guard_cookie_valid(&guard, &source, 5, NI, ike_bytes_of(longer, sizeof longer)));
    assert_false(ike_guard_cookie_valid(&guard, &source, 5, NI, ike_bytes_of(cookie, sizeof cookie - 1)));
    assert_false(ike_guard_cookie_valid(&guard, &source, 5, NI, ike_bytes_of(NULL, 0)));
    for (size_t bit = 0; bit < 8 * sizeof cookie; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
}

/* Rotation must not strand a peer that is on its way; two rotations make the cookie void. */
static void a_cookie_outlives_one_rotation(void **state)
{
    (void)state;
    uint8_t cookie[IKE_COOKIE_LEN], fresh[IKE_COOKIE_LEN];
    (void)ike_guard_cookie(&guard, &source, 5, NI, cookie);
    ike_bytes c = ike_bytes_of(cookie, sizeof cookie);
    core.now += 119 * IKE_SEC;
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
    core.now += 2 * IKE_SEC;
    (void)ike_guard_cookie(&guard, &source, 5, NI, fresh);
    assert_memory_not_equal(fresh, cookie, sizeof cookie);
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, ike_bytes_of(fresh, sizeof fresh)));
    core.now += 121 * IKE_SEC;
    assert_false(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, ike_bytes_of(fresh, sizeof fresh)));
    for (unsigned i = 0; i < 300; i++) { /* the version octet comes round; old cookies do not */
        core.now += 121 * IKE_SEC;
        assert_false(ike_guard_cookie_valid(&guard, &source, 5, NI, c));
    }
}

static void without_randomness_the_secret_serves_on(void **state)
{
    (void)state;
    uint8_t cookie[IKE_COOKIE_LEN];
    (void)ike_guard_cookie(&guard, &source, 5, NI, cookie);
    lab.no_random = true;
    core.now += 1000 * IKE_SEC;
    assert_true(ike_guard_cookie_valid(&guard, &source, 5, NI, ike_bytes_of(cookie, sizeof cookie)));
    struct ike_guard other;
    assert_int_equal(ike_guard_init(&other, &core), IKE_ERR_HOST);
    core.blamed = false;
}

static void cookies_are_wanted_from_a_threshold_on(void **state)
{
    (void)state;
    core.set.cookie_threshold = 3;
    core.set.cookie_per_source = 2;
    core.set.half_open_per_source = 4;
    ike_addr near = lab_addr("192.0.2.1:4500"), far = lab_addr("198.51.100.9:500");
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(ike_guard_wants_cookie(&guard, &db, &near), i >= 2);
        assert_true(ike_guard_admits(&guard, &near));
        ike_guard_opened(&guard, &source); /* the port is no matter */
    }
    assert_false(ike_guard_wants_cookie(&guard, &db, &far));
    assert_false(ike_guard_admits(&guard, &source));
    assert_true(ike_guard_admits(&guard, &far));
    db.n_half_open = 3;
    assert_true(ike_guard_wants_cookie(&guard, &db, &far));
    for (unsigned i = 0; i < 6; i++) {
        ike_guard_closed(&guard, &source); /* more often than opened: never below zero */
    }
    db.n_half_open = 0;
    assert_false(ike_guard_wants_cookie(&guard, &db, &source));
    core.set.cookie_threshold = 0;
    assert_true(ike_guard_wants_cookie(&guard, &db, &far));
}

/* Requests that suit nobody leave no half-open SA to count, so they are counted themselves, by the second. */
static void refused_requests_make_cookies_wanted_for_a_second(void **state)
{
    (void)state;
    ike_addr other = lab_addr("203.0.113.1:500");
    core.set.cookie_threshold = 3;
    for (unsigned i = 0; i < 3; i++) {
        assert_false(ike_guard_wants_cookie(&guard, &db, &source));
        ike_guard_refused(&guard);
    }
    assert_true(ike_guard_wants_cookie(&guard, &db, &source) && ike_guard_wants_cookie(&guard, &db, &other));
    core.now += IKE_SEC;
    assert_false(ike_guard_wants_cookie(&guard, &db, &source));
    ike_guard_refused(&guard); /* the count began anew */
    assert_false(ike_guard_wants_cookie(&guard, &db, &source));
}

static void sources_are_prefixes(void **state)
{
    (void)state;
    ike_addr a = lab_addr("2001:db8::1"), b = lab_addr("2001:db8:0:0:ffff::2"), c = lab_addr("2001:db8:0:1::1");
    core.set.half_open_per_source = 1;
    ike_guard_opened(&guard, &a);
    assert_false(ike_guard_admits(&guard, &b)); /* the same /64 */
    assert_true(ike_guard_admits(&guard, &c));
}

enum { PLACES = 300 };
static struct ike_sa half[PLACES];

/* So many half-open SAs, one a millisecond, the last of them now. */
static void fill(unsigned n)
{
    memset(half, 0, sizeof half);
    for (unsigned i = 0; i < n; i++) {
        core.now += IKE_MS;
        half[i].created = core.now;
        ike_list_init(&half[i].half_open_link);
        ike_sa_half_open(&db, &half[i], true);
    }
}

static void empty(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ike_sa_half_open(&db, &half[i], false);
    }
    ike_slots_free(&db.unheard, &core.mem);
}

/* Not before it could have come back; then anybody, and not the oldest first. */
static void a_half_open_sa_has_the_time_of_a_round_trip(void **state)
{
    (void)state;
    unsigned met[PLACES] = {0}, none = 0, different = 0;
    NEEDS(CROWDS);
    fill(40);
    for (unsigned i = 0; i < 1000; i++) {
        assert_null(ike_guard_victim(&guard, &db));
    }
    empty(40);
    fill(PLACES);
    for (unsigned i = 0; i < 20000; i++) {
        const struct ike_sa *sa = ike_guard_victim(&guard, &db);
        none += !sa;
        if (sa) {
            assert_true(core.now - sa->created >= 50 * IKE_MS << (sa - half) % 3);
            met[sa - half]++;
        }
    }
    for (unsigned i = 0; i < PLACES; i++) {
        different += met[i] > 0;
        assert_int_equal(met[i] > 0, core.now - half[i].created >= 50 * IKE_MS << i % 3);
        assert_true(met[i] < 1000);
    }
    assert_true(none < 100 && different > PLACES / 2);
    empty(PLACES);
}

/* Who came back goes only when nearly all have. */
static void who_was_heard_again_stays(void **state)
{
    (void)state;
    NEEDS(CROWDS);
    fill(PLACES);
    core.now += IKE_SEC;
    for (unsigned i = 0; i < PLACES / 2; i++) {
        ike_sa_heard(&db, &half[i]);
    }
    for (unsigned i = 0; i < 1000; i++) {
        const struct ike_sa *sa = ike_guard_victim(&guard, &db);
        assert_true(!sa || sa >= &half[PLACES / 2]);
    }
    empty(PLACES);
}

/* Also where nobody asks who was heard. */
static void of_those_that_were_heard_the_oldest_goes(void **state)
{
    (void)state;
    fill(PLACES);
    core.now += IKE_SEC;
    for (unsigned i = 0; i < PLACES; i++) {
        ike_sa_heard(&db, &half[i]);
    }
    assert_ptr_equal(ike_guard_victim(&guard, &db), &half[0]);
    core.now = half[0].created + 50 * IKE_MS - 1;
    assert_null(ike_guard_victim(&guard, &db));
    empty(PLACES);
}

static unsigned replies(unsigned tries)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++) {
        n += ike_guard_reply(&guard, &source);
    }
    return n;
}

static void one_source_gets_a_tenth_of_the_replies(void **state)
{
    (void)state;
    core.set.replies_per_second = 100;
    assert_int_equal(replies(1000), 10);
    assert_int_equal(core.count.rate_limited, 990);
    core.now += IKE_SEC / 2;
    assert_int_equal(replies(1000), 5);
    core.now += 60 * IKE_SEC; /* what is not used is not saved up */
    assert_int_equal(replies(1000), 10);
    unsigned n = 0;
    for (unsigned i = 0; i < 1000; i++) { /* asking often does not lose the fractions */
        core.now += IKE_SEC / 100;
        n += ike_guard_reply(&guard, &source);
    }
    assert_in_range(n, 99, 101);
}

static void all_sources_share_one_bucket(void **state)
{
    (void)state;
    unsigned n = 0;
    core.set.replies_per_second = 20;
    for (unsigned i = 0; i < 5000; i++) {
        source.ip[1] = (uint8_t)(i >> 8);
        source.ip[2] = (uint8_t)i;
        n += ike_guard_reply(&guard, &source);
    }
    assert_int_equal(n, 20);
    core.set.replies_per_second = 0; /* none at all */
    core.now += 10 * IKE_SEC;
    assert_false(ike_guard_reply(&guard, &source));
    core.set.replies_per_second = 5; /* less than ten in all: one each */
    core.now += 10 * IKE_SEC;
    assert_int_equal(replies(10), 1);
}

/* All of them at once after a restart, and then no more than fifty a second. */
static void a_peer_may_ask_for_many_children_but_not_without_end(void **state)
{
    (void)state;
    struct ike_sa sa = {0};
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(ike_guard_serves(&guard, &sa));
    }
    assert_false(ike_guard_serves(&guard, &sa));
    unsigned n = 0;
    for (unsigned i = 0; i < 10000; i++) {
        core.now += IKE_MS;
        n += ike_guard_serves(&guard, &sa);
    }
    assert_in_range(n, 499, 501);
}

static unsigned wrong(const struct ike_sa *sa, const char *user, unsigned tries)
{
    unsigned n = 0;
    for (; tries--;) {
        ike_bytes name = ike_bytes_of(user, strlen(user));
        bool looks = ike_guard_looks_at(&guard, sa, name);
        n += looks;
        if (looks) {
            ike_guard_wrong(&guard, sa, name);
        }
    }
    return n;
}

static void passwords_are_not_guessed_at_wire_speed(void **state)
{
    (void)state;
    struct ike_conn conn = {.id = 7};
    struct ike_sa sa = {.conn = &conn, .path = {.remote = source}}, other = sa;
    other.path.remote = lab_addr("198.51.100.9:500");
    assert_int_equal(wrong(&sa, "carol", 100), 10);
    assert_int_equal(wrong(&other, "carol", 1), 1); /* nobody is locked out from elsewhere */
    assert_int_equal(wrong(&sa, "dave", 1), 1);
    core.now += 6 * IKE_SEC;
    assert_int_equal(wrong(&sa, "carol", 100), 1);
    core.now += 600 * IKE_SEC;
    unsigned n = 0;
    for (unsigned i = 0; i < 1000; i++) { /* many users from one source */
        char name[16];
        snprintf(name, sizeof name, "user%u", i);
        n += wrong(&sa, name, 1);
    }
    assert_int_equal(n, 100);
    core.now += 600 * IKE_SEC;
    n = 0;
    for (unsigned i = 0; i < 1000; i++) { /* one user from many sources */
        other.path.remote.ip[1] = (uint8_t)(i >> 8);
        other.path.remote.ip[2] = (uint8_t)i;
        n += wrong(&other, "carol", 1);
    }
    assert_int_equal(n, 100);
    core.set.password_tries = 0;
    assert_int_equal(wrong(&sa, "carol", 1000), 1000);
}

/* A source whose own bucket is empty does not drain the common one. */
static void a_flood_from_one_source_leaves_the_others_theirs(void **state)
{
    (void)state;
    core.set.replies_per_second = 100;
    (void)replies(100000);
    source = lab_addr("198.51.100.9:500");
    assert_int_equal(replies(100), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cookie_is_good_for_what_it_was_made_for, begin, end),
        cmocka_unit_test_setup_teardown(a_cookie_outlives_one_rotation, begin, end),
        cmocka_unit_test_setup_teardown(without_randomness_the_secret_serves_on, begin, end),
        cmocka_unit_test_setup_teardown(cookies_are_wanted_from_a_threshold_on, begin, end),
        cmocka_unit_test_setup_teardown(refused_requests_make_cookies_wanted_for_a_second, begin, end),
        cmocka_unit_test_setup_teardown(sources_are_prefixes, begin, end),
        cmocka_unit_test_setup_teardown(a_half_open_sa_has_the_time_of_a_round_trip, begin, end),
        cmocka_unit_test_setup_teardown(who_was_heard_again_stays, begin, end),
        cmocka_unit_test_setup_teardown(of_those_that_were_heard_the_oldest_goes, begin, end),
        cmocka_unit_test_setup_teardown(one_source_gets_a_tenth_of_the_replies, begin, end),
        cmocka_unit_test_setup_teardown(a_peer_may_ask_for_many_children_but_not_without_end, begin, end),
        cmocka_unit_test_setup_teardown(passwords_are_not_guessed_at_wire_speed, begin, end),
        cmocka_unit_test_setup_teardown(all_sources_share_one_bucket, begin, end),
        cmocka_unit_test_setup_teardown(a_flood_from_one_source_leaves_the_others_theirs, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
