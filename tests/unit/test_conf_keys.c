/* SPDX-License-Identifier: ISC
 *
 * The key table against what it says: standards against the init functions, the reference in docs/config.md against the
 * table, the example there against the reader. IKE_UPDATE_DOCS=1 writes the reference instead.
 */
#include "conf_help.h"

#include "conf/conf.h"

/* ---- Standards */

/* Writing every standard out changes nothing. */
static void test_standards(void **state)
{
    (void)state;
    struct loaded bare = {0}, full = {0};
    char text[4096] = "[connection a]\nremote = 10.0.0.2\nsecret = s\n";
    load(&bare, text);
    char daemon[4096] = "[daemon]\n";
    ike_config_key k;
    for (size_t i = 0; ike_config_key_at(i, &k) == IKE_OK; i++) {
        if (k.standard) {
            char *to = strcmp(k.section, "daemon") == 0 ? daemon : text;
            sprintf(to + strlen(to), "%s = %s\n", k.tag, k.standard);
        }
    }
    strcat(text, daemon);
    load(&full, text);
    assert_string_equal(full.text, "");
    const ike_config_conn *a = ike_config_conns_at(bare.conns, 0), *b = ike_config_conns_at(full.conns, 0);
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *row = &ike_conf_keys[i];
        if (row->target == IKE_CONF_T_CONN) {
            assert_true(row->kind->same(row, a, b));
        } else if (row->target == IKE_CONF_T_CHILD) {
            assert_true(row->kind->same(row, a->settings.children, b->settings.children));
        }
    }
    ike_config_daemon d;
    ike_config_daemon_init(&d);
    assert_string_equal(full.daemon.backend, d.backend);
    assert_int_equal(full.daemon.port, d.port);
    assert_int_equal(full.daemon.encap_port, d.encap_port);
    assert_int_equal(full.daemon.log_level, d.log_level);
    assert_int_equal(full.daemon.mtu, d.mtu);
    assert_int_equal(full.daemon.routes, d.routes);
    ike_settings engine, written;
    ike_settings_init(&engine);
    ike_settings_init(&written);
    assert_int_equal(ike_config_daemon_get(full.config, NULL, &written, &full.report), IKE_OK);
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *row = &ike_conf_keys[i];
        if (row->target == IKE_CONF_T_ENGINE) {
            assert_true(row->kind->same(row, &engine, &written));
        }
    }
    unload(&bare);
    unload(&full);
}

/* ---- Nearest words */

static void test_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *text, *near;
    } cases[] = {{"remote", "remote"},
                 {"remoet", "remote"},
                 {"Remote", "remote"},
                 {"remote_net", "remote-net"},
                 {"remote-nets", "remote-net"},
                 {"dpd-timout", "dpd-timeout"},
                 {"psk", "secret"},
                 {"pfs", "esp-proposals"},
                 {"start_action", "start"},
                 {"zzz", NULL},
                 {"", NULL},
                 {"a-tag-that-is-much-longer-than-any-tag-that-there-could-be", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *near = ike_conf_key_nearest(IKE_CONF_CONNECTION, cases[i].text);
        assert_int_equal(near != NULL, cases[i].near != NULL);
        if (near) {
            assert_string_equal(near, cases[i].near);
        }
    }
}

/* Every row is complete, and no tag means two things in one section. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *k = &ike_conf_keys[i];
        assert_true(k->tag && k->text && k->kind && k->kind->expected && k->kind->parse && k->kind->same);
        assert_ptr_equal(ike_conf_key_find(k->section, k->tag), k);
        if (k->in_connection) {
            assert_ptr_equal(ike_conf_key_find(IKE_CONF_CONNECTION, k->tag), k);
        }
        char text[256];
        assert_true(ike_conf_expected(k, text, sizeof text) < sizeof((ike_config_error *)0)->expected);
    }
}

/* ---- docs/config.md */

#define BEGIN "<!-- reference: made from the key table by tests/unit/test_conf_keys -->\n"
#define END   "<!-- end of reference -->\n"

static const char *docs_path(void)
{
    static char path[4096];
    const char *at = strstr(__FILE__, "tests/unit/");
    snprintf(path, sizeof path, "%.*sdocs/config.md", at ? (int)(at - __FILE__) : 0, __FILE__);
    return path;
}

static void add(char *out, const char *s) { strcat(out, s); }

/* Inside a table '|' would end the cell. */
static void cell(char *out, const char *s)
{
    for (out += strlen(out); *s; s++) {
        if (*s == '|') {
            *out++ = '\\';
        }
        *out++ = *s;
    }
    *out = 0;
}

static void section(char *out, const char *name, bool (*wanted)(const ike_config_key *))
{
    ike_config_key k;
    add(out, "| tag | value | standard | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; ike_config_key_at(i, &k) == IKE_OK; i++) {
        if (strcmp(k.section, name) == 0 && wanted(&k)) {
            sprintf(out + strlen(out), "| `%s` | ", k.tag);
            cell(out, k.expected);
            sprintf(out + strlen(out), " | %s%s%s | ", k.standard ? "`" : "",
                    k.required   ? "must be there"
                    : k.standard ? k.standard
                                 : "",
                    k.standard ? "`" : "");
            cell(out, k.text);
            add(out, " |\n");
        }
    }
    add(out, "\n");
}

static bool all(const ike_config_key *k)
{
    (void)k;
    return true;
}

static char *reference(void)
{
    char *out = calloc(1, 65536);
    strcpy(out, BEGIN);
    add(out, "\n### [connection NAME]\n\n");
    section(out, "connection", all);
    add(out, "All tags of a child but `connection` may stand here too.\n\n### [child NAME] or [child CONNECTION/NAME]\n\n");
    section(out, "child", all);
    add(out, "### [user NAME]\n\n");
    section(out, "user", all);
    add(out, "### [daemon]\n\n");
    section(out, "daemon", all);
    sprintf(out + strlen(out),
            "### Default algorithms\n\n`proposals`:\n\n```\n%s\n```\n\n`esp-proposals`:\n\n```\n%s\n```\n\n"
            "With `version = ikev1`:\n\n```\n%s\n```\n\n```\n%s\n```\n\n" END,
            ike_default_ike_proposals(), ike_default_child_proposals(), ike_default_v1_proposals(IKE_PROTO_IKE),
            ike_default_v1_proposals(IKE_PROTO_ESP));
    return out;
}

static char *read_docs(void)
{
    FILE *f = fopen(docs_path(), "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 18);
    assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
    fclose(f);
    return text;
}

static void test_reference(void **state)
{
    (void)state;
    char *text = read_docs(), *made = reference();
    char *from = strstr(text, BEGIN), *to = from ? strstr(from, END) : NULL;
    if (from == NULL || to == NULL) {
        fail_msg("%s has no place for the reference", docs_path());
        return;
    }
    to += strlen(END);
    bool current = (size_t)(to - from) == strlen(made) && memcmp(from, made, strlen(made)) == 0;
    if (!current && getenv("IKE_UPDATE_DOCS")) {
        FILE *f = fopen(docs_path(), "wb");
        assert_non_null(f);
        fprintf(f, "%.*s%s%s", (int)(from - text), text, made, to);
        fclose(f);
    } else if (!current) {
        fail_msg("%s is not current: run test_conf_keys with IKE_UPDATE_DOCS=1", docs_path());
    }
    free(text);
    free(made);
}

/* Every ```ini block of the document is read without a complaint. */
static void test_examples(void **state)
{
    (void)state;
    char *text = read_docs();
    int n = 0;
    for (char *at = text; (at = strstr(at, "```ini\n")) != NULL; n++) {
        char *begin = at + 7, *end = strstr(begin, "```");
        assert_non_null(end);
        struct loaded l = {0};
        load_bytes(&l, begin, (size_t)(end - begin));
        assert_string_equal(l.text, "");
        assert_int_equal(l.built, IKE_OK);
        unload(&l);
        at = end + 3;
    }
    assert_true(n >= 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standards), cmocka_unit_test(test_nearest),  cmocka_unit_test(test_rows),
        cmocka_unit_test(test_reference), cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
