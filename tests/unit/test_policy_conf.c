/* SPDX-License-Identifier: ISC
 *
 * A connection's settings inside the engine: the copy is deep and ends with its last reference, bad ones are refused, and
 * how addresses and identities are compared.
 */
#include "unit/core_help.h"

#include "policy/conf.h"
#include "proposal/keywords.h"

static struct lab lab;
static struct ike_core core;
static size_t at_start;

static int begin(void **state)
{
    (void)state;
    lab_core(&lab, &core);
    at_start = lab.octets;
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(lab.octets, at_start);
    lab_core_end(&lab, &core);
    return 0;
}

/* Settings of which every pointer leads somewhere that is gone afterwards. */
struct given {
    ike_conn_settings s;
    ike_child_settings child[2];
    ike_ts ts[2];
    char text[9][32];
};

static struct given *given(void)
{
    struct given *g = malloc(sizeof *g);
    static const char *const texts[] = {"office", "a.conf:3", "secret", "us.example", "them.example", "lan", "voice", "sha256"};
    for (size_t i = 0; i < IKE_COUNT(texts); i++) {
        snprintf(g->text[i], sizeof g->text[i], "%s", texts[i]);
    }
    ike_conn_settings_init(&g->s);
    g->s.name = g->text[0];
    g->s.source = g->text[1];
    g->s.remote = lab_addr("192.0.2.1");
    g->s.secret = ike_bytes_of(g->text[2], 6);
    g->s.local_id = (ike_id){IKE_ID_FQDN, ike_bytes_of(g->text[3], 10)};
    g->s.remote_id = (ike_id){IKE_ID_FQDN, ike_bytes_of(g->text[4], 12)};
    for (size_t i = 0; i < 2; i++) {
        ike_child_settings_init(&g->child[i]);
        g->child[i].name = g->text[5 + i];
    }
    g->child[0].ah_proposals = IKE_WITH_BUNDLES ? g->text[7] : NULL;
    g->ts[0] = lab_ts("10.1.0.0/16");
    g->ts[1] = lab_ts("10.2.0.0/16");
    g->child[0].local_ts = &g->ts[0];
    g->child[0].remote_ts = &g->ts[1];
    g->child[0].n_local_ts = g->child[0].n_remote_ts = 1;
    g->s.children = g->child;
    g->s.n_children = 2;
    return g;
}

static void the_copy_stands_alone(void **state)
{
    (void)state;
    struct given *g = given();
    struct ike_conf *f = NULL;
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_OK);
    memset(g, 0x77, sizeof *g);
    free(g);
    assert_string_equal(f->s.name, "office");
    assert_string_equal(f->s.source, "a.conf:3");
    assert_true(ike_bytes_equal(f->s.secret, IKE_STR("secret")));
    assert_true(ike_bytes_equal(f->s.local_id.data, IKE_STR("us.example")));
    assert_true(ike_bytes_equal(f->s.remote_id.data, IKE_STR("them.example")));
    assert_string_equal(f->s.children[1].name, "voice");
    assert_int_equal(f->s.children[0].local_ts[0].lo[1], 1);
    assert_int_equal(f->s.children[0].remote_ts[0].lo[1], 2);
    assert_null(f->s.children[1].local_ts);
    assert_non_null(f->proposals);
    if (IKE_WITH_BUNDLES) {
        assert_int_equal(f->child_proposals[0]->protocol, IKE_PROTO_AH);
        assert_string_equal(f->s.children[0].ah_proposals, "sha256");
    }
    assert_int_equal(f->child_proposals[1]->protocol, IKE_PROTO_ESP);
    /* What is shown to those who look is the same without the secret. */
    assert_string_equal(f->shown.name, "office");
    assert_true(f->shown.secret.len == 0 && f->shown.secret.ptr == NULL);
    assert_int_equal(ike_conf_child(f, "voice"), 1);
    assert_int_equal(ike_conf_child(f, "Voice"), -1);
    assert_ptr_equal(ike_conf_ref(f), f);
    ike_conf_unref(&core, f);
    assert_true(lab.octets > at_start);
    ike_conf_unref(&core, f);
    assert_int_equal(lab.octets, at_start);
    ike_conf_unref(&core, NULL);
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    struct given *g = given();
    struct ike_conf *f = NULL;
    int r = IKE_ERR_NOMEM;
    for (long n = 0; r != IKE_OK; n++) {
        assert_true(n < 100);
        lab.allowed = n;
        r = ike_conf_new(&core, &g->s, &f);
        assert_true(r == IKE_OK || (r == IKE_ERR_NOMEM && lab.octets == at_start));
    }
    lab.allowed = -1;
    ike_conf_unref(&core, f);
    free(g);
}

static uint8_t asked_family;

static bool no_esn_no_aead(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    assert_int_equal(family, asked_family);
    (void)user, (void)protocol, (void)bits;
    assert_true(core.in_hook);
    return !(type == IKE_T_ESN && id == 1) && !(type == IKE_T_ENCR && ike_encr_traits(id) & IKE_ENCR_AEAD);
}

/* The built-in proposals and those that are named; AH in place of ESP and around it. */
static void what_the_data_plane_carries(void **state)
{
    (void)state;
    if (!ike_find_encr(core.crypto, 12)) {
        print_message("left out: AES-CBC is not in this build\n");
        return;
    }
    struct given *g = given();
    struct ike_conf *f = NULL;
    char text[256];
    core.set.host.sadb.carries = no_esn_no_aead;
    asked_family = 4;
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_OK);
    assert_false(core.in_hook);
    ike_child_offer_format(f, 0, text, sizeof text);
    assert_string_equal(text, "AH sha256-noesn");
    ike_child_offer_format(f, 1, text, sizeof text);
    assert_int_equal(strncmp(text, "aes256-aes128-", 14), 0);
    assert_string_equal(text + strlen(text) - 12, "-nopfs-noesn");
    ike_conf_unref(&core, f);

    g->s.version = IKE_SPEAKS_V1;
    g->child[0].proposals = "aes128gcm16, aes128-sha1-noesn";
#if IKE_WITH_V1
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_OK);
    ike_child_offer_format(f, 0, text, sizeof text);
    assert_string_equal(text, "AH sha256-noesn + ESP aes128-sha1-noesn");
    ike_conf_unref(&core, f);
#endif
    g->s.version = IKE_SPEAKS_V2;
    g->child[0].ah_proposals = NULL;
    g->child[0].proposals = "aes128gcm16, aes128-sha1-esn";
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_ERR_UNSUPPORTED);
    g->s.remote.family = 0;
    g->s.local = lab_addr("2001:db8::1");
    asked_family = 6;
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_ERR_UNSUPPORTED);
    core.set.host.sadb.carries = NULL;
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_OK);
    ike_child_offer_format(f, 0, text, sizeof text);
    assert_string_equal(text, "aes128gcm16-esn-noesn, aes128-sha1-esn");
    ike_conf_unref(&core, f);
    free(g);
}

/* Each breaks one thing. */
static void no_size(struct given *g) { g->s.size = 0; }
static void size_of_another_version(struct given *g) { g->s.size++; }
static void child_size(struct given *g) { g->child[1].size--; }
static void no_name(struct given *g) { g->s.name = NULL; }
static void empty_name(struct given *g) { g->s.name = ""; }
static void long_name(struct given *g) { g->s.name = "012345678901234567890123456789012345678901234567"; }
static void jitter(struct given *g) { g->s.jitter_pct = 101; }
static void long_secret(struct given *g) { g->s.secret.len = IKE_SECRET_MAX + 1; }
static void prefix(struct given *g) { g->s.remote_bits = 129; }
static void child_name(struct given *g) { g->child[0].name = ""; }
static void unknown_ah_proposal(struct given *g) { g->child[1].ah_proposals = "rot13"; }
static void cipher_for_ah(struct given *g) { g->child[1].ah_proposals = "aes128-sha256"; }
static void mode(struct given *g) { g->child[0].mode = IKE_MODE_TRANSPORT + 1; }
static void ts_family(struct given *g) { g->ts[0].family = 5; }
static void ts_order(struct given *g) { g->ts[0].lo[0] = 255; }
static void ts_ports(struct given *g)
{
    g->ts[0].port_lo = 2;
    g->ts[0].port_hi = 1;
}
static void many_ts(struct given *g) { g->child[0].n_local_ts = 65; }
static void unknown_proposal(struct given *g) { g->s.proposals = "rot13-sha256-x25519"; }
static void unknown_child_proposal(struct given *g) { g->child[1].proposals = "rot13"; }
static void name_twice(struct given *g) { g->child[1].name = g->child[0].name; }

enum {
    AH_FAULT = IKE_WITH_BUNDLES ? IKE_ERR_INVALID : IKE_ERR_UNSUPPORTED,
    TEXT_FAULT = IKE_WITH_PROPOSALS ? IKE_ERR_INVALID : IKE_ERR_UNSUPPORTED
};

static void settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct given *g);
        int error;
    } rows[] = {{no_size, IKE_ERR_INVALID},          {size_of_another_version, IKE_ERR_INVALID},
                {child_size, IKE_ERR_INVALID},       {no_name, IKE_ERR_INVALID},
                {empty_name, IKE_ERR_INVALID},       {long_name, IKE_ERR_INVALID},
                {jitter, IKE_ERR_INVALID},           {long_secret, IKE_ERR_INVALID},
                {prefix, IKE_ERR_INVALID},           {child_name, IKE_ERR_INVALID},
                {unknown_ah_proposal, AH_FAULT},       {cipher_for_ah, AH_FAULT},
                {mode, IKE_ERR_INVALID},
                {ts_family, IKE_ERR_INVALID},        {ts_order, IKE_ERR_INVALID},
                {ts_ports, IKE_ERR_INVALID},         {many_ts, IKE_ERR_INVALID},
                {unknown_proposal, TEXT_FAULT},      {unknown_child_proposal, TEXT_FAULT},
                {name_twice, IKE_ERR_EXISTS}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        static ike_ts many[65];
        struct given *g = given();
        struct ike_conf *f = NULL;
        for (size_t k = 0; k < IKE_COUNT(many); k++) {
            many[k] = g->ts[0];
        }
        rows[i].spoil(g);
        if (g->child[0].n_local_ts > 1) {
            g->child[0].local_ts = many;
        }
        int r = ike_conf_new(&core, &g->s, &f);
        if (r != rows[i].error || f || lab.octets != at_start) {
            fail_msg("row %zu: %s", i, ike_strerror(r));
        }
        free(g);
    }
}

static void ah(struct given *g) { g->child[1].ah_proposals = "sha256"; }
static void ipcomp(struct given *g) { g->child[1].compress = true; }
static void transport(struct given *g) { g->child[1].mode = IKE_MODE_TRANSPORT; }
static void started(struct given *g) { g->child[1].start = IKE_START_YES; }
static void proposal(struct given *g) { g->s.proposals = "aes256gcm16-prfsha256-x25519"; }
static void child_proposal(struct given *g) { g->child[1].proposals = "aes256gcm16"; }

/* Not to have what was asked for is an error, when it is asked for. */
static void what_a_build_has_not_is_refused(void **state)
{
    (void)state;
    static const struct {
        void (*ask)(struct given *g);
        bool there;
    } rows[] = {{ah, IKE_WITH_BUNDLES},
                {ipcomp, IKE_WITH_BUNDLES},
                {transport, IKE_WITH_BUNDLES},
                {started, IKE_WITH_KEEPUP},
                {proposal, IKE_WITH_PROPOSALS},
                {child_proposal, IKE_WITH_PROPOSALS}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct given *g = given();
        struct ike_conf *f = NULL;
        rows[i].ask(g);
        assert_int_equal(ike_conf_new(&core, &g->s, &f), rows[i].there ? IKE_OK : IKE_ERR_UNSUPPORTED);
        ike_conf_unref(&core, f);
        assert_int_equal(lab.octets, at_start);
        free(g);
    }
}

static void opaque_ports_are_no_mistake(void **state)
{
    (void)state;
    struct given *g = given();
    struct ike_conf *f = NULL;
    g->ts[0].port_lo = 65535;
    g->ts[0].port_hi = 0;
    assert_int_equal(ike_conf_new(&core, &g->s, &f), IKE_OK);
    ike_conf_unref(&core, f);
    free(g);
}

static void two_child_settings_mean_the_same(void **state)
{
    (void)state;
    struct given *a = given(), *b = given();
    assert_true(ike_child_settings_same(&a->child[0], &b->child[0]));
    b->child[0].life_s = 5; /* not part of the agreement */
    assert_true(ike_child_settings_same(&a->child[0], &b->child[0]));
    b->ts[1] = lab_ts("10.2.0.0/17");
    assert_false(ike_child_settings_same(&a->child[0], &b->child[0]));
    b->ts[1] = a->ts[1];
    b->child[0].n_remote_ts = 0;
    assert_false(ike_child_settings_same(&a->child[0], &b->child[0]));
    b->child[0].n_remote_ts = 1;
    b->child[0].proposals = "aes256gcm16";
    assert_false(ike_child_settings_same(&a->child[0], &b->child[0]));
    a->child[0].proposals = "aes256gcm16";
    assert_true(ike_child_settings_same(&a->child[0], &b->child[0]));
    b->child[0].mode = IKE_MODE_TRANSPORT;
    assert_false(ike_child_settings_same(&a->child[0], &b->child[0]));
    free(a);
    free(b);
}

static void addresses_fit_the_better_the_longer_the_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *local, *remote; /* of the connection; NULL any */
        uint8_t bits;
        const char *from; /* of the peer */
        unsigned fit;
    } rows[] = {
        {NULL, NULL, 0, "192.0.2.1", 1},
        {NULL, "192.0.2.1", 0, "192.0.2.1", 34},
        {NULL, "192.0.2.1", 32, "192.0.2.1", 34},
        {NULL, "192.0.2.1", 0, "192.0.2.2", 0},
        {NULL, "192.0.2.0", 24, "192.0.2.77", 26},
        {NULL, "192.0.2.0", 23, "192.0.3.77", 25},
        {NULL, "192.0.2.0", 24, "192.0.3.77", 0},
        {NULL, "192.0.2.0", 31, "192.0.2.2", 0},
        {NULL, "192.0.2.0", 1, "193.0.0.1", 3},
        {NULL, "2001:db8::", 32, "2001:db8:5::1", 34},
        {NULL, "2001:db8::1", 0, "2001:db8::1", 130},
        {NULL, "192.0.2.1", 0, "2001:db8::1", 0},
        {"198.51.100.1", NULL, 0, "192.0.2.1", 1},
        {"198.51.100.2", NULL, 0, "192.0.2.1", 0},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_conf f = {.s = {.remote_bits = rows[i].bits}};
        ike_path path = {.local = lab_addr("198.51.100.1:500"), .remote = lab_addr(rows[i].from)};
        ike_addr remote = {0};
        if (rows[i].local) {
            f.s.local = lab_addr(rows[i].local);
        }
        if (rows[i].remote) {
            remote = lab_addr(rows[i].remote);
        }
        assert_int_equal(ike_conf_address_fit(&f, &remote, &path), rows[i].fit);
    }
    struct ike_conf name = {.s = {.remote_unresolved = true}};
    ike_path path = {.local = lab_addr("198.51.100.1"), .remote = lab_addr("192.0.2.1")};
    ike_addr nobody = {0};
    assert_int_equal(ike_conf_address_fit(&name, &nobody, &path), 0);
}

static void identities_compare_as_their_type_says(void **state)
{
    (void)state;
    ike_id a = {IKE_ID_FQDN, IKE_STR("Gate.Example")}, b = {IKE_ID_FQDN, IKE_STR("gate.eXAMPLE")};
    assert_true(ike_id_equal(&a, &b));
    b.data = IKE_STR("gate.example2");
    assert_false(ike_id_equal(&a, &b));
    a.type = b.type = IKE_ID_KEY_ID;
    a.data = IKE_STR("Gate");
    b.data = IKE_STR("gate");
    assert_false(ike_id_equal(&a, &b));
    a.type = IKE_ID_FQDN;
    b.data = a.data;
    assert_false(ike_id_equal(&a, &b));
    a = (ike_id){IKE_ID_FQDN, ike_bytes_of("a\0b", 3)};
    b = (ike_id){IKE_ID_FQDN, ike_bytes_of("a\0c", 3)};
    assert_false(ike_id_equal(&a, &b));
}

static void without_an_identity_the_address_serves(void **state)
{
    (void)state;
    uint8_t buf[16];
    struct ike_conf f = {0};
    ike_path path = {.local = lab_addr("198.51.100.1:500")};
    ike_id id = ike_conf_local_id(&f, &path, buf);
    assert_true(id.type == IKE_ID_IPV4_ADDR && id.data.len == 4 && id.data.ptr == buf && buf[0] == 198);
    path.local = lab_addr("2001:db8::1");
    id = ike_conf_local_id(&f, &path, buf);
    assert_true(id.type == IKE_ID_IPV6_ADDR && id.data.len == 16);
    f.s.local_id = (ike_id){IKE_ID_FQDN, IKE_STR("a")};
    id = ike_conf_local_id(&f, &path, buf);
    assert_true(id.type == IKE_ID_FQDN);
}

static void paths_compare_in_all_that_matters(void **state)
{
    (void)state;
    ike_path a = {.local = lab_addr("198.51.100.1:500"), .remote = lab_addr("192.0.2.1:500")}, b = a;
    assert_true(ike_path_equal(&a, &b));
    b.ifindex = 3; /* the host's own matter */
    assert_true(ike_path_equal(&a, &b));
    b.remote.port++;
    assert_false(ike_path_equal(&a, &b));
    assert_true(ike_addr_same_ip(&a.remote, &b.remote));
    b = a;
    b.encap = 1;
    assert_false(ike_path_equal(&a, &b));
    b = a;
    b.local = lab_addr("198.51.100.2:500");
    assert_false(ike_path_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_copy_stands_alone, begin, end),
        cmocka_unit_test_setup_teardown(what_the_data_plane_carries, begin, end),
        cmocka_unit_test_setup_teardown(no_memory_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(settings_that_make_no_sense_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(opaque_ports_are_no_mistake, begin, end),
        cmocka_unit_test_setup_teardown(what_a_build_has_not_is_refused, begin, end),
        cmocka_unit_test(two_child_settings_mean_the_same),
        cmocka_unit_test(addresses_fit_the_better_the_longer_the_prefix),
        cmocka_unit_test(identities_compare_as_their_type_says),
        cmocka_unit_test(without_an_identity_the_address_serves),
        cmocka_unit_test(paths_compare_in_all_that_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
