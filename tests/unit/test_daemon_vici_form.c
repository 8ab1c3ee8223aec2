/* SPDX-License-Identifier: ISC
 *
 * SAs, connections and failures as VICI messages: each key and value that strongSwan's description of the protocol names, and
 * what is left out while it is not known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ui/vici.h"
#include "unit/vici_text.h"

#define NOW (1000 * IKE_SEC)

static ike_id fqdn(const char *name) { return (ike_id){IKE_ID_FQDN, {(const uint8_t *)name, strlen(name)}}; }

static const char *sa_text(const ike_sa_info *sa)
{
    static struct vici_buf b;
    vici_begin(&b, VICI_CMD_RESPONSE, NULL);
    vici_form_sa(&b, sa, NOW);
    return vici_frame_as_text(&b, false);
}

static void an_ike_sa(void **state)
{
    (void)state;
    ike_sa_info sa = {.size = sizeof sa,
                      .number = 7,
                      .version = 2,
                      .state = IKE_SA_CONNECTING,
                      .spi_i = 0x0102030405060708,
                      .local_id = {.type = IKE_ID_NONE}};
    assert_int_equal(ike_addr_parse(&sa.path.local, "192.0.2.1:500"), IKE_OK);
    assert_int_equal(ike_addr_parse(&sa.path.remote, "[2001:db8::2]:4500"), IKE_OK);
    sa.remote_id = fqdn("b.ike.test");
    assert_string_equal(sa_text(&sa), "uniqueid=7 version=2 state=CONNECTING local-host=192.0.2.1 local-port=500 local-id=%any "
                                      "remote-host=2001:db8::2 remote-port=4500 remote-id=b.ike.test "
                                      "initiator-spi=0102030405060708 responder-spi=0000000000000000");
    sa.state = IKE_SA_ESTABLISHED;
    sa.initiator = true;
    sa.spi_r = 0xf0f0f0f0f0f0f0f0;
    sa.nat_remote = true;
    sa.encr = 12, sa.encr_bits = 256, sa.integ = 12, sa.prf = 5, sa.ke = 31;
    sa.established = NOW - 90 * IKE_SEC;
    sa.rekey_at = NOW + 60 * IKE_SEC;
    sa.last_in = NOW - 2 * IKE_SEC;
    sa.queued = 3;
    assert_string_equal(sa_text(&sa), "uniqueid=7 version=2 state=ESTABLISHED local-host=192.0.2.1 local-port=500 local-id=%any "
                                      "remote-host=2001:db8::2 remote-port=4500 remote-id=b.ike.test initiator=yes "
                                      "initiator-spi=0102030405060708 responder-spi=f0f0f0f0f0f0f0f0 nat-remote=yes nat-any=yes "
                                      "encr-alg=AES_CBC encr-keysize=256 integ-alg=HMAC_SHA2_256_128 prf-alg=PRF_HMAC_SHA2_256 "
                                      "dh-group=CURVE_25519 established=90 rekey-time=60 last-in=2 requests-waiting=3");
    assert_null(strstr(sa_text(&sa), "repetitions"));
    sa.repetitions = 4;
    sa.gives_up_at = NOW + 85 * IKE_SEC;
    assert_non_null(strstr(sa_text(&sa), " requests-waiting=3 repetitions=4 gives-up-time=85"));
    /* a rekey that is due, or never will be, has no time */
    sa.rekey_at = NOW - 1;
    assert_null(strstr(sa_text(&sa), "rekey-time"));
    sa.rekey_at = IKE_NEVER;
    assert_null(strstr(sa_text(&sa), "rekey-time"));
    /* the clock is read once per turn, so what just happened may seem to be still to come */
    sa.last_in = NOW + 1;
    assert_non_null(strstr(sa_text(&sa), "last-in=0"));
    /* whoever is behind the peer, and where inside the tunnel; a terminal obeys nothing of that */
    const ike_addr dns[] = {{.family = 4, .ip = {10, 2, 0, 53}}, {.family = 6, .ip = {0x20, 1, 0x0d, 0xb8}}};
    assert_null(strstr(sa_text(&sa), "xauth"));
    sa.user = (ike_bytes){(const uint8_t *)"car\x1bol", 6};
    sa.inner = (ike_addr){.family = 4, .ip = {10, 9, 0, 7}};
    assert_non_null(strstr(sa_text(&sa), " remote-xauth-id=car?ol remote-vips[10.9.0.7] initiator="));
    sa.user_ours = sa.inner_ours = true;
    sa.dns = sa.nbns = dns;
    sa.n_dns = 2, sa.n_nbns = 1;
    assert_non_null(
        strstr(sa_text(&sa), " local-xauth-id=car?ol local-vips[10.9.0.7] dns[10.2.0.53,2001:db8::] nbns[10.2.0.53] "));
    /* what has no name is a number */
    sa.encr = 1234;
    assert_non_null(strstr(sa_text(&sa), "encr-alg=1234 "));
}

static const char *child_text(const ike_child_info *k)
{
    static struct vici_buf b;
    vici_begin(&b, VICI_CMD_RESPONSE, NULL);
    vici_form_child(&b, k, NOW);
    return vici_frame_as_text(&b, false);
}

static void a_child(void **state)
{
    (void)state;
    ike_ts ts[3];
    assert_int_equal(ike_ts_parse(&ts[0], "10.1.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[1], "10.2.0.0/24[tcp/443]"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[2], "2001:db8::/64"), IKE_OK);
    ike_child_info k = {.size = sizeof k, .number = 4, .reqid = 2, .state = IKE_CHILD_INSTALLING, .protocol = IKE_PROTO_ESP};
    assert_string_equal(child_text(&k), "name= uniqueid=4 reqid=2 state=INSTALLING mode=TUNNEL protocol=ESP spi-in=00000000 "
                                        "spi-out=00000000 bytes-in=0 packets-in=0 bytes-out=0 packets-out=0 local-ts[] "
                                        "remote-ts[]");
    k.name = "net";
    k.state = IKE_CHILD_INSTALLED;
    k.mode = IKE_MODE_TRANSPORT;
    k.udp_encap = k.esn = true;
    k.spi_in = 0xc0000001, k.spi_out = 1;
    k.encr = 20, k.encr_bits = 128, k.ke = 19;
    k.in = (ike_usage){.bytes = 100, .packets = 1, .last = NOW - 5 * IKE_SEC};
    k.out = (ike_usage){.bytes = 18446744073709551615u, .packets = 2};
    k.established = NOW - 10 * IKE_SEC;
    k.rekey_at = NOW + 20 * IKE_SEC;
    k.expires_at = NOW + 30 * IKE_SEC;
    k.local_ts = ts, k.n_local_ts = 1;
    k.remote_ts = ts + 1, k.n_remote_ts = 2;
    assert_string_equal(child_text(&k),
                        "name=net uniqueid=4 reqid=2 state=INSTALLED mode=TRANSPORT protocol=ESP encap=yes spi-in=c0000001 "
                        "spi-out=00000001 encr-alg=AES_GCM_16 encr-keysize=128 dh-group=ECP_256 esn=1 bytes-in=100 "
                        "packets-in=1 use-in=5 bytes-out=18446744073709551615 packets-out=2 rekey-time=20 life-time=30 "
                        "install-time=10 local-ts[10.1.0.0/24] remote-ts[10.2.0.0/24[tcp/443],2001:db8::/64]");
    k.narrowed = true;
    assert_non_null(strstr(child_text(&k), " install-time=10 narrowed=yes local-ts["));
}

/* ---- Connections ---- */

struct world {
    struct ikelibd d;
    struct vici_buf b;
};

static int setup(void **state)
{
    static struct world w;
    ike_settings s;
    memset(&w, 0, sizeof w);
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    w.d.keylog_fd = -1;
    w.d.loop = loop_new();
    ike_settings_init(&s);
    daemon_host(&w.d, &s.host);
    assert_int_equal(ike_engine_new(&w.d.engine, &s, loop_now(w.d.loop)), IKE_OK);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    ike_engine_free(w->d.engine);
    loop_free(w->d.loop);
    vici_buf_free(&w->b);
    return 0;
}

static const char *conn_text(struct world *w, const ike_conn_info *c)
{
    vici_begin(&w->b, VICI_EVENT, "list-conn");
    vici_form_conn(&w->b, &w->d, c);
    return vici_frame_as_text(&w->b, true);
}

#define AUTH_REST "class=pre-shared key groups[] cert_policy[] certs[] cacerts[]"

static void a_connection(void **state)
{
    struct world *w = *state;
    ike_conn_settings s;
    ike_child_settings k[2];
    ike_conn_info c = {.size = sizeof c, .settings = &s};
    ike_ts ts;
    ike_conn_settings_init(&s);
    s.name = "office";
    s.secret = (ike_bytes){(const uint8_t *)"never shown", 11};
    s.life_s = 14400;
    s.dpd_s = s.dpd_timeout_s = 0;
    s.unique = false;
    assert_string_equal(conn_text(w, &c), "office{local_addrs[%any] remote_addrs[%any] version=IKEv2 reauth_time=0 "
                                          "rekey_time=14400 unique=UNIQUE_NEVER local-1{" AUTH_REST "} remote-1{" AUTH_REST
                                          "} children{} sas=0 wanted=no attempts=0}");
    s.version = IKE_SPEAKS_V1;
    s.remote_key = (ike_bytes){(const uint8_t *)"a certificate", 13};
    assert_non_null(strstr(conn_text(w, &c), " version=IKEv1 "));
    assert_non_null(strstr(conn_text(w, &c), " local-1{class=public key groups[]"));
    assert_non_null(strstr(conn_text(w, &c), " remote-1{class=public key groups[]"));
    s.version = IKE_SPEAKS_V2;
    s.remote_key = (ike_bytes){NULL, 0};
    assert_int_equal(ike_addr_parse(&s.local, "192.0.2.1"), IKE_OK);
    assert_int_equal(ike_addr_parse(&s.remote, "198.51.100.0"), IKE_OK);
    s.remote_bits = 24;
    s.local_id = fqdn("a.ike.test");
    s.remote_id = fqdn("b.ike.test");
    s.dpd_s = 30, s.dpd_timeout_s = 90;
    s.unique = true;
    s.source = "ikelibd.conf:3";
    for (size_t i = 0; i < 2; i++) {
        ike_child_settings_init(&k[i]);
        k[i].life_s = 3600 + i, k[i].life_bytes = 1000 + i, k[i].life_packets = 0;
    }
    assert_int_equal(ike_ts_parse(&ts, "10.2.0.0/24"), IKE_OK);
    k[0].name = "net", k[0].start = IKE_START_DEMAND, k[0].proposals = "aes256gcm16";
    k[0].remote_ts = &ts, k[0].n_remote_ts = 1;
    k[1].name = "host", k[1].start = IKE_START_YES, k[1].mode = IKE_MODE_TRANSPORT;
    s.children = k;
    s.n_children = 2;
    c.sas = 1, c.wanted = true, c.attempts = 2, c.retry_at = loop_now(w->d.loop) + 9 * IKE_SEC;
    assert_string_equal(
        conn_text(w, &c),
        "office{local_addrs[192.0.2.1] remote_addrs[198.51.100.0/24] version=IKEv2 reauth_time=0 rekey_time=14400 "
        "unique=UNIQUE_REPLACE dpd_delay=30 dpd_timeout=90 local-1{id=a.ike.test " AUTH_REST "} remote-1{id=b.ike.test " AUTH_REST
        "} children{net{mode=TUNNEL rekey_time=3600 rekey_bytes=1000 rekey_packets=0 dpd_action=trap close_action=trap "
        "start=on-demand proposals=aes256gcm16 local-ts[dynamic] remote-ts[10.2.0.0/24]} host{mode=TRANSPORT rekey_time=3601 "
        "rekey_bytes=1001 rekey_packets=0 dpd_action=restart close_action=start start=yes local-ts[dynamic] "
        "remote-ts[dynamic]}} source=ikelibd.conf:3 sas=1 wanted=yes attempts=2 retry-time=9}");
}

static void a_name_for_the_peer(void **state)
{
    struct world *w = *state;
    ike_conn_settings s;
    struct conn_rt rt = {.name = (char[]){"office"}, .remote_name = (char[]){"vpn.ike.test"}};
    ike_conn_info c = {.size = sizeof c, .settings = &s};
    ike_conn_settings_init(&s);
    s.name = "office";
    assert_true(table_add(&w->d.conns, &rt.node, conn_rt_hash(0)));
    assert_non_null(strstr(conn_text(w, &c), "remote_addrs[vpn.ike.test] "));
    assert_non_null(strstr(conn_text(w, &c), " attempts=0 remote-name=vpn.ike.test}")); /* it is being asked for */
    strcpy(rt.resolve_error, "no such name");
    rt.resolve_fails = 2;
    loop_timer_set(w->d.loop, &rt.retry, loop_now(w->d.loop) + 12 * IKE_SEC);
    assert_non_null(
        strstr(conn_text(w, &c), " remote-name=vpn.ike.test resolve-error=no such name resolve-fails=2 resolve-time=12}"));
    loop_timer_cancel(&rt.retry);
    rt.resolve_fails = 0;
    assert_int_equal(ike_addr_parse(&rt.remote, "192.0.2.8"), IKE_OK);
    assert_non_null(strstr(conn_text(w, &c), " remote-name=vpn.ike.test remote-address=192.0.2.8}"));
    /* once it is resolved, the address */
    assert_int_equal(ike_addr_parse(&s.remote, "192.0.2.9"), IKE_OK);
    assert_non_null(strstr(conn_text(w, &c), "remote_addrs[192.0.2.9] "));
    table_free(&w->d.conns);
}

static void a_failure(void **state)
{
    struct world *w = *state;
    ike_failure f = {.size = sizeof f,
                     .code = IKE_FAIL_NO_PROPOSAL,
                     .decider = IKE_DECIDER_PEER,
                     .version = 2,
                     .exchange = 34,
                     .step = 1,
                     .transform = 4,
                     .nearest = 2,
                     .notify = 14,
                     .error = -3,
                     .repeats = 5,
                     .when = NOW - 61 * IKE_SEC,
                     .initiator = 1,
                     .conn_name = "office",
                     .child_name = "net",
                     .source = "f:1",
                     .expected = "ecp256",
                     .received = "modp2048",
                     .remedy = "add ecp256"};
    char want[1024], why[512];
    assert_int_equal(ike_addr_parse(&f.remote, "192.0.2.2:500"), IKE_OK);
    vici_begin(&w->b, VICI_EVENT, "failure");
    vici_form_failure(&w->b, &f, NOW);
    ike_failure_explain(&f, why, sizeof why);
    snprintf(want, sizeof want,
             "code=%u name=%s cause=%s decided-by=peer role=initiator version=2 exchange=34 step=1 notify=14 transform=4 "
             "nearest=2 error=-3 repeats=5 age=61 connection=office child=net source=f:1 remote=192.0.2.2:500 expected=ecp256 "
             "received=modp2048 remedy=add ecp256 explanation=%s",
             (unsigned)IKE_FAIL_NO_PROPOSAL, ike_failure_name(IKE_FAIL_NO_PROPOSAL), ike_failure_cause(&f), why);
    assert_string_equal(vici_frame_as_text(&w->b, true), want);
    /* nobody is known, and a decider this program has no word for */
    f = (ike_failure){.size = sizeof f, .code = IKE_FAIL_NO_ANSWER, .decider = 77};
    vici_begin(&w->b, VICI_EVENT, "failure");
    vici_form_failure(&w->b, &f, NOW);
    const char *text = vici_frame_as_text(&w->b, true);
    assert_non_null(strstr(text, " decided-by= role=responder "));
    assert_null(strstr(text, " remote="));
    assert_null(strstr(text, " notify="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ike_sa),
        cmocka_unit_test(a_child),
        cmocka_unit_test_setup_teardown(a_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_for_the_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
