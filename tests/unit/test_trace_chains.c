/* SPDX-License-Identifier: ISC
 *
 * Messages of IKEv1 opened with their key alone: the captures that others made open wholly, with what they are known to hold and
 * as another reader of the tests decrypts them; repeated, lost and foreign messages do no harm; memory is bounded.
 */
#include "unit/crypto_conformance.h"

#include "unit/capture_v1.h"
#include "unit/recorded_v1.h"

#include "trace/decode.h"

static int blocks;
static bool no_memory;

static void *get(void *user, size_t n)
{
    (void)user;
    blocks += !no_memory;
    return no_memory ? NULL : malloc(n);
}

static void put(void *user, void *p, size_t n)
{
    (void)user;
    blocks--;
    assert_true(ike_is_zero(p, n));
    free(p);
}

static const ike_allocator mem = {get, put, NULL};
static struct {
    char p[1 << 20];
    size_t n;
} text;

static void put_text(void *user, const char *s, size_t n)
{
    (void)user;
    assert_true(n < sizeof text.p - text.n);
    memcpy(text.p + text.n, s, n);
    text.n += n;
    text.p[text.n] = 0;
}

/* ---- One capture, its keys, and a decoder ---- */

static struct capture_file c;
static ike_trace_keys keys[8];
static const ike_crypto *crypto[16];
static ike_decoder dec;

static void begin_with(size_t n)
{
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    for (size_t i = 0; i + 1 < IKE_COUNT(crypto) && (crypto[i] = cc_suite(i)) != NULL; i++) {
    }
    ike_decoder_init(&dec);
    dec.keys = keys;
    dec.n_keys = n;
    dec.crypto = crypto;
    dec.mem = mem;
    dec.chains = ike_trace_chains_new(&mem);
    assert_non_null(dec.chains);
    text.n = 0;
}

static void begin(const char *name)
{
    const size_t n = capture_keys(keys, 8, 1);
    if (n == 0 || !capture_load(&c, name)) {
        skip();
    }
    begin_with(n);
}

static void end(void)
{
    ike_trace_chains_free(dec.chains);
    capture_free(&c);
    assert_int_equal(blocks, 0);
}

static int decode(const uint8_t *msg, size_t n)
{
    const ike_sink sink = {put_text, NULL};
    return ike_decode(&dec, msg, n, &sink);
}

static int decode_nth(size_t i) { return decode(c.message[i].ptr, c.message[i].len); }

static unsigned count(const char *word)
{
    unsigned n = 0;
    for (const char *p = text.n ? text.p : ""; (p = strstr(p, word)) != NULL; p++) {
        n++;
    }
    return n;
}

static bool encrypted(size_t i) { return c.message[i].ptr[19] & 1; }

static unsigned n_encrypted(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < c.n; i++) {
        n += encrypted(i);
    }
    return n;
}

/* ---- The captures ---- */

/* What the other reader of this folder decrypts stands in the text, payload for payload. */
static void compare(struct capture_v1 *f, struct ike_message *m, const uint8_t *iv, const uint8_t *plain, size_t n)
{
    (void)f, (void)iv, (void)plain, (void)n;
    for (unsigned k = 0; k < m->n; k++) {
        char hex[2 * 4096 + 16] = "octets: ";
        assert_true(m->p[k].len <= 4096);
        for (size_t i = 0; i < m->p[k].len; i++) {
            snprintf(hex + 8 + 2 * i, 3, "%02x", (unsigned)m->p[k].body[i]);
        }
        assert_non_null(strstr(text.p, hex));
    }
}

/* payloads: that only show after decryption. */
static void whole(const char *name, unsigned want, const char *const payloads[])
{
    begin(name);
    assert_int_equal(n_encrypted(), want);
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), IKE_OK);
        put_text(NULL, "\n", 1);
    }
    if (count("is not available")) {
        print_message("left out: a cipher or hash of %s is not in this build\n", name);
        end();
        return;
    }
    assert_int_equal(count("decrypted\n"), want);
    for (size_t i = 0; payloads[i]; i++) {
        assert_true(count(payloads[i]) > 0);
    }
    struct capture_v1 f = {.each = compare};
    assert_true(capture_v1_run(&f, name));
    assert_true(f.opened > 0);
    end();
}

static void main_and_quick_mode(void **state)
{
    (void)state;
    static const char *const payloads[] = {"payload SIG\n", "payload CERT\n", "payload HASH\n", "4f70656e5377616e", NULL};
    whole("ikev1-certs.pcap", 6, payloads);
}

static void transactions_and_informational(void **state)
{
    (void)state;
    static const char *const payloads[] = {"payload ATTR\n", "payload N\n", "b52521f774967402c9f6cee95fd17e5b", NULL};
    whole("ikev1-bug-12610.pcapng.gz", 12, payloads);
}

/* Main Mode from either side, and Aggressive Mode, whose third message alone is encrypted, by what a peer logged as its key. */
static void recorded_exchanges(void **state)
{
    (void)state;
    static uint8_t octets[6][512];
    for (size_t i = 0; i < IKE_COUNT(recorded); i++) {
        const struct recorded *r = &recorded[i];
        for (c = (struct capture_file){0}; c.n < IKE_COUNT(r->message) && r->message[c.n]; c.n++) {
            c.message[c.n] = ike_bytes_of(octets[c.n], cc_lit(r->message[c.n], octets[c.n], sizeof octets[0]));
        }
        keys[0] = (ike_trace_keys){.version = 1, .spi_i = ike_load64(octets[0]), .spi_r = ike_load64(octets[1] + 8)};
        keys[0].sk_e_len = (uint8_t)cc_lit(r->ka, keys[0].sk_ei, sizeof keys[0].sk_ei);
        begin_with(1);
        for (size_t k = 0; k < c.n; k++) {
            assert_int_equal(decode_nth(k), IKE_OK);
        }
        if (count("is not available")) {
            print_message("left out: a cipher or hash of %s is not in this build\n", r->name);
        } else {
            assert_int_equal(count("decrypted\n"), c.n / 3);
            assert_int_equal(count("payload HASH\n"), 2);
        }
        end();
    }
}

/* JSON of opened messages is JSON, with the same number of them. */
static void as_json(void **state)
{
    (void)state;
    begin("ikev1-bug-12610.pcapng.gz");
    dec.json = true;
    for (size_t i = 0; i < c.n; i++) {
        text.n = 0;
        assert_int_equal(decode_nth(i), IKE_OK);
        struct json *j = json_parse(text.p, text.n);
        assert_non_null(j);
        assert_int_equal(count("\"name\":\"decrypted\"") != 0, encrypted(i));
        json_free(j);
    }
    end();
}

/* ---- What happens to messages on their way ---- */

/* Each message twice, and each again at the end. */
static void repeated_messages(void **state)
{
    (void)state;
    begin("ikev1-bug-12610.pcapng.gz");
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), IKE_OK);
        assert_int_equal(decode_nth(i), IKE_OK);
    }
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), IKE_OK);
    }
    assert_int_equal(count("decrypted\n"), 3 * n_encrypted());
    end();
}

/* A forged message does not open, and the chain goes on as if it had not been. In clear it changes nothing of an SA that has
 * begun. */
static void forged_messages(void **state)
{
    (void)state;
    begin("ikev1-bug-12610.pcapng.gz");
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), IKE_OK);
        uint8_t forged[4096];
        memcpy(forged, c.message[i].ptr, c.message[i].len);
        for (size_t k = 28; encrypted(i) && k < c.message[i].len; k++) {
            forged[k] ^= 0x5a;
        }
        if (encrypted(i)) {
            assert_int_equal(decode(forged, c.message[i].len), IKE_ERR_CRYPTO);
            for (size_t k = 0; k < i; k++) {
                assert_int_equal(encrypted(k) ? IKE_OK : decode_nth(k), IKE_OK);
            }
        }
    }
    assert_int_equal(count("decrypted\n"), n_encrypted());
    end();
}

/* A message that the capture lacks costs the ones that need its last block and no other exchange. */
static void a_lost_message(void **state)
{
    (void)state;
    for (size_t lost = 0;; lost++) {
        begin("ikev1-bug-12610.pcapng.gz");
        if (lost == c.n) {
            end();
            break;
        }
        const uint32_t mid = ike_load32(c.message[lost].ptr + 20);
        for (size_t i = 0; i < c.n; i++) {
            const int rc = i == lost ? IKE_OK : decode_nth(i);
            const bool may_fail = i > lost && encrypted(i) && (mid == 0 || mid == ike_load32(c.message[i].ptr + 20));
            assert_true(rc == IKE_OK || (may_fail && rc == IKE_ERR_CRYPTO));
        }
        if (!encrypted(lost) && lost > 0) { /* without public value or choice there is no IV at all; message 1 says nothing */
            assert_int_equal(count("decrypted\n"), 0);
            assert_int_equal(count("how its SA began is not known"), n_encrypted());
        } else if (mid != 0 || lost == 0) {
            assert_true(count("decrypted\n") > n_encrypted() / 2);
        }
        end();
    }
}

/* ---- What stands in the way is said ---- */

static void not_opened(void **state)
{
    (void)state;
    begin("ikev1-bug-12610.pcapng.gz");
    keys[0].sk_ei[0] ^= 1;
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), encrypted(i) ? IKE_ERR_CRYPTO : IKE_OK);
    }
    assert_int_equal(count("decrypted\n"), 0);
    keys[0].sk_e_len = 24; /* not what was negotiated; the cipher has no such thing as a key of 23 */
    assert_int_equal(decode_nth(c.n - 1), IKE_ERR_CRYPTO);
    keys[0].sk_e_len = 23;
    assert_int_equal(decode_nth(c.n - 1), IKE_ERR_CRYPTO);
    uint8_t odd[200];
    memcpy(odd, c.message[c.n - 1].ptr, 28 + 16);
    ike_store32(odd + 24, 28 + 15);
    assert_int_equal(decode(odd, 28 + 15), IKE_ERR_PROTO);
    no_memory = true;
    assert_int_equal(decode_nth(c.n - 1), IKE_ERR_NOMEM);
    no_memory = false;
    text.n = 0;
    dec.crypto = NULL;
    assert_int_equal(decode_nth(c.n - 1), IKE_OK);
    assert_int_equal(count("is not available"), 1);
    keys[0].version = 2;
    assert_int_equal(decode_nth(c.n - 1), IKE_OK);
    assert_int_equal(count("no key for this cookie"), 1);
    end();
}

/* Memory short at each point in turn: nothing is lost of it, and nothing worse than a message that is not opened. */
static void without_memory(void **state)
{
    (void)state;
    begin("ikev1-bug-12610.pcapng.gz");
    no_memory = true;
    assert_null(ike_trace_chains_new(&mem));
    for (size_t i = 0; i < c.n; i++) {
        const int rc = decode_nth(i);
        assert_true(rc == IKE_OK || rc == IKE_ERR_NOMEM);
    }
    no_memory = false;
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), IKE_OK);
    }
    assert_int_equal(count("decrypted\n"), n_encrypted());
    end();
}

/* Any number of responder's cookies with a cookie there is a key for. The SA that others want is the oldest, so it is forgotten;
 * what is left is no more than the limit. */
static void many_sas(void **state)
{
    (void)state;
    begin("ikev1-bug-12610.pcapng.gz");
    uint8_t msg[4096];
    size_t at = 0;
    while (ike_load64(c.message[at].ptr + 8) == 0) {
        at++;
    }
    memcpy(msg, c.message[at].ptr, c.message[at].len);
    for (uint64_t i = 1; i <= 2000; i++) {
        text.n = 0;
        ike_store64(msg + 8, i);
        assert_int_equal(decode(msg, c.message[at].len), IKE_OK);
        assert_true(blocks <= 1 + 256);
    }
    text.n = 0;
    for (size_t i = 0; i < c.n; i++) {
        assert_int_equal(decode_nth(i), IKE_OK);
    }
    assert_int_equal(count("decrypted\n"), n_encrypted());
    end();
}

static void flip(size_t i)
{
    const size_t n = c.message[i].len;
    for (size_t bit = i % 7; bit < 8 * n; bit += 7) {
        uint8_t *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, c.message[i].ptr, n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        text.n = 0;
        (void)decode(copy, n);
        (void)decode(copy, bit / 8);
        free(copy);
    }
}

/* Bits flipped and ends cut off in the middle of exchanges. Of encrypted messages that does no harm to the ones that follow: the
 * whole one came first. */
static void damage(void **state)
{
    (void)state;
    for (int clear = 0; clear < 2; clear++) {
        begin("ikev1-bug-12610.pcapng.gz");
        for (size_t i = 0; i < c.n; i++) {
            const int rc = decode_nth(i);
            assert_true(rc == IKE_OK || (clear && rc == IKE_ERR_CRYPTO));
            if (clear || encrypted(i)) {
                flip(i);
            }
        }
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_and_quick_mode),
        cmocka_unit_test(transactions_and_informational),
        cmocka_unit_test(recorded_exchanges),
        cmocka_unit_test(as_json),
        cmocka_unit_test(repeated_messages),
        cmocka_unit_test(forged_messages),
        cmocka_unit_test(a_lost_message),
        cmocka_unit_test(not_opened),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(many_sas),
        cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
