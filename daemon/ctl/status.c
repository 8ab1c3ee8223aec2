/* SPDX-License-Identifier: ISC
 *
 * status.c - what is up, what is not and why: at a glance for people, as JSON for programs (docs/ikelibctl.8.md has the
 * schema).
 */
#include "ctl/ctl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct picture {
    struct node conns, sas, failures; /* sections of the lists */
    struct node *stats;
    const struct node **by_name; /* SAs sorted by connection, in their order, without refusals */
    size_t n_sas;
};

static bool is_in(const struct node *sa, const char *state) { return strcmp(tree_str(sa, "state"), state) == 0; }

/* ---- Which SAs a connection has */

static int by_name(const void *x, const void *y)
{
    const struct node *const *a = x, *const *b = y;
    int r = strcmp((*a)->name, (*b)->name);
    unsigned long long m = tree_num(*a, "uniqueid"), n = tree_num(*b, "uniqueid");
    return r ? r : m < n ? -1 : m > n;
}

/* A peer that was refused is remembered for a while so that the answer can be repeated: there never was a tunnel. */
static bool is_refusal(const struct node *sa) { return is_in(sa, "DELETING") && tree_find(sa, "established") == NULL; }

static int sort_sas(struct picture *p)
{
    size_t n = 0;
    for (const struct node *sa = p->sas.first; sa; sa = sa->next) {
        n++;
    }
    p->by_name = calloc(n + 1, sizeof *p->by_name);
    if (p->by_name == NULL) {
        fputs("ikelibctl: out of memory\n", stderr);
        return CTL_FAILED;
    }
    for (const struct node *sa = p->sas.first; sa; sa = sa->next) {
        if (!is_refusal(sa)) {
            p->by_name[p->n_sas++] = sa;
        }
    }
    qsort(p->by_name, p->n_sas, sizeof *p->by_name, by_name);
    return CTL_OK;
}

/* The first SA of a connection in by_name; the others follow while the name is the same, NULL at the end. */
static const struct node *const *sas_of(const struct picture *p, const char *name)
{
    size_t lo = 0, hi = p->n_sas;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(p->by_name[mid]->name, name) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return p->by_name + lo;
}

static bool is_of(const struct node *sa, const char *name) { return sa && strcmp(sa->name, name) == 0; }

static void forget(struct picture *p)
{
    tree_free(p->conns.first);
    tree_free(p->sas.first);
    tree_free(p->failures.first);
    tree_free(p->stats);
    free(p->by_name);
}

static int look(struct client *c, const char *name, struct picture *p)
{
    struct vici_buf b = {0};
    memset(p, 0, sizeof *p);
    vici_begin(&b, VICI_CMD_REQUEST, "stats");
    int r = client_request(c, &b, 30, NULL, NULL, &p->stats);
    vici_buf_free(&b);
    r = r == CTL_OK ? client_list(c, "list-conns", "list-conn", "ike", name, &p->conns) : r;
    r = r == CTL_OK ? client_list(c, "list-sas", "list-sa", "ike", name, &p->sas) : r;
    r = r == CTL_OK ? client_list(c, "list-failures", "list-failure", "ike", name, &p->failures) : r;
    return r == CTL_OK ? sort_sas(p) : r;
}

static const char *lower(const char *s)
{
    static char text[4][32];
    static unsigned at;
    char *out = text[at++ % 4];
    size_t i = 0;
    for (; s[i] && i < 31; i++) {
        out[i] = (char)tolower((unsigned char)s[i]);
    }
    out[i] = 0;
    return out;
}

static const char *first_item(const struct node *section, const char *list)
{
    const struct node *n = tree_find(section, list);
    return n && n->first ? n->first->value : "";
}

/* ---- State of a connection -------------------------------------------------------------------------------------------- */

static bool is_up(const struct node *child) { return is_in(child, "INSTALLED") || is_in(child, "REKEYING"); }

static const struct node *children_of(const struct node *sa) { return tree_find(sa, "child-sas"); }

static bool waits_only(const struct node *conn)
{
    const char *remote = first_item(conn, "remote_addrs");
    return strcmp(remote, "%any") == 0 || strchr(remote, '/');
}

/* The peer has a name that stands for no address yet. */
static bool is_unresolved(const struct node *conn)
{
    return tree_find(conn, "remote-name") && !tree_find(conn, "remote-address");
}

static bool is_live(const struct node *sa) { return is_in(sa, "ESTABLISHED") || is_in(sa, "REKEYING"); }

/* Its Delete waits for the peer's answer. */
static bool is_closing(const struct node *sa) { return is_in(sa, "DELETING") && tree_find(sa, "established"); }

static bool is_connecting(const struct node *sa) { return is_in(sa, "CONNECTING"); }

static bool is_child_up(const struct picture *p, const char *conn, const char *child)
{
    for (const struct node *const *sa = sas_of(p, conn); is_of(*sa, conn); sa++) {
        for (const struct node *k = children_of(*sa) && !is_closing(*sa) ? children_of(*sa)->first : NULL; k; k = k->next) {
            if (is_up(k) && (child == NULL || strcmp(tree_str(k, "name"), child) == 0)) {
                return true;
            }
        }
    }
    return false;
}

/* One of these SAs whose peer does not answer, where that holds for all peers of the connection; else NULL. */
static const struct node *silent_sa(const struct picture *p, const char *conn, bool (*these)(const struct node *))
{
    const struct node *silent = NULL;
    for (const struct node *const *sa = sas_of(p, conn); is_of(*sa, conn); sa++) {
        if (these(*sa) && tree_find(*sa, "repetitions") == NULL) {
            return NULL;
        }
        silent = silent == NULL && these(*sa) ? *sa : silent;
    }
    return silent;
}

static bool has_start(const struct node *conn, const char *start)
{
    const struct node *list = tree_find(conn, "children"), *k = list ? list->first : NULL;
    while (k && strcmp(tree_str(k, "start"), start) != 0) {
        k = k->next;
    }
    return k != NULL;
}

static bool any_sa(const struct picture *p, const char *conn, bool (*such)(const struct node *))
{
    const struct node *const *sa = sas_of(p, conn);
    while (is_of(*sa, conn) && !such(*sa)) {
        sa++;
    }
    return is_of(*sa, conn);
}

/* Not wanted though its settings ask for it. */
static bool is_held(const struct node *conn) { return has_start(conn, "yes") && !tree_yes(conn, "wanted"); }

/* up: a child carries traffic, and all do that are to be kept up; else what is being done about it. */
static const char *state_of(const struct picture *p, const struct node *conn)
{
    const struct node *list = tree_find(conn, "children");
    bool all = true;
    for (const struct node *k = list ? list->first : NULL; k; k = k->next) {
        all = all && (strcmp(tree_str(k, "start"), "yes") != 0 || is_child_up(p, conn->name, k->name));
    }
    if (is_child_up(p, conn->name, NULL)) {
        return all ? "up" : "partly up";
    }
    return any_sa(p, conn->name, is_connecting) ? "connecting"
           : is_unresolved(conn)                ? "resolving"
           : tree_find(conn, "retry-time")      ? "retrying"
           : any_sa(p, conn->name, is_live)     ? "no child"
           : any_sa(p, conn->name, is_closing)  ? "going down"
           : waits_only(conn)                   ? "listening"
           : is_held(conn)                      ? "down (by command)"
           : has_start(conn, "on-demand")       ? "waiting for traffic"
                                                : "down";
}

static const char *state_for_programs(const struct picture *p, const struct node *conn)
{
    return silent_sa(p, conn->name, is_live) ? "peer silent" : state_of(p, conn);
}

void status_resolving(const struct node *conn)
{
    printf("resolving %s", tree_str(conn, "remote-name"));
    if (tree_find(conn, "resolve-fails")) {
        printf(": %s, ", tree_str(conn, "resolve-error"));
        if (tree_find(conn, "resolve-time")) {
            printf("next try in %s", text_seconds(tree_num(conn, "resolve-time")));
        } else {
            printf("trying now");
        }
    }
}

/* ---- For people ------------------------------------------------------------------------------------------------------- */

static void print_suite(const struct node *n)
{
    static const char *const keys[] = {"integ-alg", "prf-alg", "dh-group"};
    const char *between = tree_find(n, "encr-alg") ? "/" : ""; /* AH has none */
    printf("%s", tree_str(n, "encr-alg"));
    if (tree_find(n, "encr-keysize")) {
        printf("-%s", tree_str(n, "encr-keysize"));
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (tree_find(n, keys[i])) {
            printf("%s%s", between, tree_str(n, keys[i]));
            between = "/";
        }
    }
}

static void print_when(const struct node *n, const char *key, const char *what)
{
    if (tree_find(n, key)) {
        printf(", %s %s", what, text_seconds(tree_num(n, key)));
    }
}

static void print_list(const struct node *n, const char *key)
{
    const struct node *list = tree_find(n, key);
    for (const struct node *i = list ? list->first : NULL; i; i = i->next) {
        printf("%s%s", i == list->first ? "" : ", ", i->value);
    }
}

static void print_usage(const struct node *k, bool in)
{
    const char *use = in ? "use-in" : "use-out";
    printf("      %-3s spi %s", in ? "in" : "out", tree_str(k, in ? "spi-in" : "spi-out"));
    if (tree_find(k, in ? "bytes-in" : "bytes-out")) {
        printf("  %s in %s packets", text_octets(tree_num(k, in ? "bytes-in" : "bytes-out")),
               tree_str(k, in ? "packets-in" : "packets-out"));
    }
    if (tree_find(k, use)) {
        printf(", last %s ago", text_seconds(tree_num(k, use)));
    }
    putchar('\n');
}

/* What the settings ask for: a peer that gives less leaves the rest of it out of the tunnel. */
static void print_narrowed(const struct node *k, const struct node *conn)
{
    const struct node *asked = tree_find(tree_find(conn, "children"), tree_str(k, "name"));
    printf("      the peer gave less than asked for");
    if (asked) {
        printf(": ");
        print_list(asked, "local-ts");
        printf(" <-> ");
        print_list(asked, "remote-ts");
    }
    putchar('\n');
}

static void print_child(const struct node *k, const struct node *conn)
{
    printf("    child %s #%s: %s, %s%s, ", tree_str(k, "name"), tree_str(k, "uniqueid"), lower(tree_str(k, "state")),
           lower(tree_str(k, "mode")), tree_yes(k, "encap") ? " in UDP" : "");
    if (tree_find(k, "ah-integ-alg")) {
        printf("AH %s + ", tree_str(k, "ah-integ-alg"));
    }
    printf("%s ", tree_str(k, "protocol"));
    print_suite(k);
    printf("%s", tree_find(k, "cpi-in") ? " + deflate" : "");
    print_when(k, "install-time", "age");
    print_when(k, "rekey-time", "rekey in");
    printf("\n      ");
    print_list(k, "local-ts");
    printf(" <-> ");
    print_list(k, "remote-ts");
    putchar('\n');
    if (tree_yes(k, "narrowed")) {
        print_narrowed(k, conn);
    }
    print_usage(k, true);
    print_usage(k, false);
}

/* What tells a peer that is busy or gone from one that has nothing to say. */
void status_silence(FILE *out, const struct node *sa)
{
    if (is_connecting(sa)) {
        fputs("no answer yet", out);
    } else {
        fprintf(out, "peer silent for %s", text_seconds(tree_num(sa, "last-in")));
    }
    fprintf(out, " (repetition %s of the request; given up in %s)", tree_str(sa, "repetitions"),
            text_seconds(tree_num(sa, "gives-up-time")));
}

static void print_messages(const struct node *sa)
{
    unsigned long long waiting = tree_num(sa, "requests-waiting");
    if (tree_find(sa, "last-in")) {
        printf(", last message %s ago", text_seconds(tree_num(sa, "last-in")));
    }
    if (tree_find(sa, "repetitions")) {
        printf(", repetition %s", tree_str(sa, "repetitions"));
    }
    if (waiting) {
        printf(", %llu request%s", waiting, waiting == 1 ? " waits" : "s wait");
    }
}

/* What XAUTH and Mode-Config have brought. */
static void print_inner(const struct node *sa)
{
    static const struct {
        const char *vici, *text;
        bool list;
    } rows[] = {{"remote-xauth-id", "user", false},         {"local-xauth-id", "we are user", false},
                {"remote-vips", "inner address", true},     {"local-vips", "our inner address", true},
                {"dns", "DNS", true},                       {"nbns", "NBNS", true}};
    const char *before = "    ";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (tree_find(sa, rows[i].vici)) {
            printf("%s%s %s", before, rows[i].text, rows[i].list ? "" : tree_str(sa, rows[i].vici));
            print_list(sa, rows[i].list ? rows[i].vici : "");
            before = ", ";
        }
    }
    if (before[0] == ',') {
        putchar('\n');
    }
}

/* conn: NULL where it is gone. */
static void print_sa(const struct node *sa, const struct node *conn)
{
    bool begins = tree_yes(sa, "initiator");
    printf("  IKE SA #%s: %s, IKEv%s, %s[%s] %s <-> %s[%s] %s\n", tree_str(sa, "uniqueid"), lower(tree_str(sa, "state")),
           tree_str(sa, "version"), tree_str(sa, "local-host"), tree_str(sa, "local-port"), tree_str(sa, "local-id"),
           tree_str(sa, "remote-host"), tree_str(sa, "remote-port"), tree_str(sa, "remote-id"));
    if (tree_find(sa, "encr-alg")) {
        printf("    ");
        print_suite(sa);
        print_when(sa, "established", "age");
        print_when(sa, "rekey-time", "rekey in");
        print_messages(sa);
        putchar('\n');
    }
    printf("    spi %s%s %s%s%s%s%s\n", tree_str(sa, "initiator-spi"), begins ? " (ours)" : "", tree_str(sa, "responder-spi"),
           begins ? "" : " (ours)", tree_yes(sa, "nat-local") || tree_yes(sa, "nat-remote") ? ", NAT on " : "",
           tree_yes(sa, "nat-local") ? "our side" : "",
           tree_yes(sa, "nat-remote") ? (tree_yes(sa, "nat-local") ? " and the peer's" : "the peer's side") : "");
    print_inner(sa);
    for (const struct node *k = children_of(sa) ? children_of(sa)->first : NULL; k; k = k->next) {
        print_child(k, conn);
    }
}

/* In each state others are the SAs that matter. */
static const struct node *silent_of(const struct picture *p, const char *conn, const char *state)
{
    bool connecting = strcmp(state, "connecting") == 0, closing = strcmp(state, "going down") == 0;
    return silent_sa(p, conn, connecting ? is_connecting : closing ? is_closing : is_live);
}

/* How many SAs were told with it. */
static size_t print_conn(const struct picture *p, const struct node *conn)
{
    const char *state = state_of(p, conn);
    size_t told = 0;
    const struct node *f = tree_find(conn, "failure"), *silent = silent_of(p, conn->name, state);
    if (strcmp(state, "resolving") == 0) {
        printf("%s: ", conn->name);
        status_resolving(conn);
    } else {
        printf("%s: %s", conn->name, state);
        if (silent) {
            printf(", ");
            status_silence(stdout, silent);
        }
        printf(", with %s", first_item(conn, "remote_addrs"));
    }
    if (tree_find(conn, "remote-address")) {
        printf(" (%s)", tree_str(conn, "remote-address"));
    }
    if (tree_find(conn, "retry-time")) {
        printf(", next attempt in %s", text_seconds(tree_num(conn, "retry-time")));
    }
    if (tree_num(conn, "attempts")) {
        printf(", %s failed in a row", tree_str(conn, "attempts"));
    }
    putchar('\n');
    for (const struct node *const *sa = sas_of(p, conn->name); is_of(*sa, conn->name); sa++) {
        print_sa(*sa, conn);
        told++;
    }
    if (tree_find(conn, "remote-address") && tree_find(conn, "resolve-fails")) { /* again, since an attempt failed */
        printf("  ");
        status_resolving(conn);
        puts("; the address it had is used until then");
    }
    if (f && strcmp(state, "up") != 0) {
        printf("  last failure %s ago: %s%s\n", text_seconds(tree_num(f, "age")), tree_str(f, "cause"),
               tree_str(f, "remedy")[0] ? "" : " (see ikelibctl explain)");
        if (tree_str(f, "remedy")[0]) {
            printf("    -> %s\n", tree_str(f, "remedy"));
        }
    }
    return told;
}

/* SAs of no connection we know: half-open ones, and those of connections that are gone. */
static void print_strays(const struct picture *p)
{
    bool headed = false, known = false;
    for (size_t i = 0; i < p->n_sas; i++) {
        if (i == 0 || strcmp(p->by_name[i]->name, p->by_name[i - 1]->name) != 0) {
            known = tree_find(&p->conns, p->by_name[i]->name) != NULL;
        }
        if (!known) {
            printf("%s", headed ? "" : "of no connection:\n");
            headed = true;
            print_sa(p->by_name[i], NULL);
        }
    }
}

/* What is listed below it, so that the figures agree; of one connection there are none of the whole daemon. */
static void print_head(const struct picture *p, const char *name)
{
    size_t half_open = 0, children = 0;
    printf("ikelibd up %s, data plane %s", text_seconds(tree_num(tree_find(p->stats, "uptime"), "seconds")),
           tree_str(p->stats, "backend"));
    for (size_t i = 0; i < p->n_sas; i++) {
        half_open += is_connecting(p->by_name[i]);
        for (const struct node *k = children_of(p->by_name[i]) ? children_of(p->by_name[i])->first : NULL; k; k = k->next) {
            children++;
        }
    }
    if (name == NULL) {
        printf(", %zu IKE SAs (%zu half-open), %zu child SAs", p->n_sas, half_open, children);
    }
    putchar('\n');
}

static void print_all(const struct picture *p, const char *name)
{
    print_head(p, name);
    size_t told = 0;
    for (const struct node *c = p->conns.first; c; c = c->next) {
        told += print_conn(p, c);
    }
    if (told < p->n_sas) {
        print_strays(p);
    }
}

/* ---- For programs ----------------------------------------------------------------------------------------------------- */

enum kind { STR, LOW, NUM, NUM0, YES, LIST };
struct field {
    const char *vici, *json;
    enum kind kind;
};

static void json_list(struct json *j, const char *key, const struct node *list)
{
    json_open(j, key, '[');
    for (const struct node *i = list ? list->first : NULL; i; i = i->next) {
        json_str(j, NULL, i->value);
    }
    json_close(j, ']');
}

/* What is not there: null for numbers, 0 for those of NUM0, "" for strings, false. */
static void json_fields(struct json *j, const struct node *n, const struct field *f)
{
    for (; f->vici; f++) {
        const struct node *value = tree_find(n, f->vici);
        if (f->kind == LIST) {
            json_list(j, f->json, value);
        } else if (f->kind == YES) {
            json_bool(j, f->json, tree_yes(n, f->vici));
        } else if (f->kind == NUM && value == NULL) {
            json_null(j, f->json);
        } else if (f->kind == NUM || f->kind == NUM0) {
            json_num(j, f->json, tree_num(n, f->vici));
        } else {
            json_str(j, f->json, f->kind == LOW ? lower(tree_str(n, f->vici)) : tree_str(n, f->vici));
        }
    }
}

static const struct field sa_fields[] = {{"uniqueid", "id", NUM},
                                         {"state", "state", LOW},
                                         {"version", "version", NUM},
                                         {"local-host", "local", STR},
                                         {"local-port", "local_port", NUM},
                                         {"local-id", "local_id", STR},
                                         {"remote-host", "remote", STR},
                                         {"remote-port", "remote_port", NUM},
                                         {"remote-id", "remote_id", STR},
                                         {"initiator", "initiator", YES},
                                         {"initiator-spi", "spi_i", STR},
                                         {"responder-spi", "spi_r", STR},
                                         {"nat-local", "nat_local", YES},
                                         {"nat-remote", "nat_remote", YES},
                                         {"encr-alg", "encr", STR},
                                         {"encr-keysize", "encr_bits", NUM},
                                         {"integ-alg", "integ", STR},
                                         {"prf-alg", "prf", STR},
                                         {"dh-group", "ke", STR},
                                         {"established", "age", NUM},
                                         {"rekey-time", "rekey_in", NUM},
                                         {"last-in", "last_in", NUM},
                                         {"requests-waiting", "requests_waiting", NUM0},
                                         {"repetitions", "repetitions", NUM0},
                                         {"gives-up-time", "gives_up_in", NUM},
                                         {"remote-xauth-id", "user", STR},
                                         {"local-xauth-id", "own_user", STR},
                                         {"remote-vips", "inner", LIST},
                                         {"local-vips", "own_inner", LIST},
                                         {"dns", "dns", LIST},
                                         {"nbns", "nbns", LIST},
                                         {NULL, NULL, STR}};

static const struct field child_fields[] = {{"name", "name", STR},
                                            {"uniqueid", "id", NUM},
                                            {"reqid", "reqid", NUM},
                                            {"state", "state", LOW},
                                            {"mode", "mode", LOW},
                                            {"protocol", "protocol", LOW},
                                            {"encap", "encap", YES},
                                            {"spi-in", "spi_in", STR},
                                            {"spi-out", "spi_out", STR},
                                            {"ah-integ-alg", "ah_integ", STR},
                                            {"ah-spi-in", "ah_spi_in", STR},
                                            {"ah-spi-out", "ah_spi_out", STR},
                                            {"cpi-in", "cpi_in", STR},
                                            {"cpi-out", "cpi_out", STR},
                                            {"encr-alg", "encr", STR},
                                            {"encr-keysize", "encr_bits", NUM},
                                            {"integ-alg", "integ", STR},
                                            {"dh-group", "ke", STR},
                                            {"bytes-in", "bytes_in", NUM},
                                            {"bytes-out", "bytes_out", NUM},
                                            {"packets-in", "packets_in", NUM},
                                            {"packets-out", "packets_out", NUM},
                                            {"use-in", "idle_in", NUM},
                                            {"use-out", "idle_out", NUM},
                                            {"install-time", "age", NUM},
                                            {"rekey-time", "rekey_in", NUM},
                                            {"life-time", "expires_in", NUM},
                                            {"local-ts", "local_ts", LIST},
                                            {"remote-ts", "remote_ts", LIST},
                                            {"narrowed", "narrowed", YES},
                                            {NULL, NULL, STR}};

static const struct field wanted_fields[] = {{"mode", "mode", LOW},
                                             {"start", "start", STR},
                                             {"local-ts", "local_ts", LIST},
                                             {"remote-ts", "remote_ts", LIST},
                                             {NULL, NULL, STR}};

static const struct field name_fields[] = {{"remote-name", "remote_name", STR},     {"remote-address", "remote_address", STR},
                                           {"resolve-error", "resolve_error", STR}, {"resolve-fails", "resolve_fails", NUM0},
                                           {"resolve-time", "resolve_in", NUM},     {NULL, NULL, STR}};

void status_json_name(struct json *j, const struct node *conn) { json_fields(j, conn, name_fields); }

static void json_conn(struct json *j, const struct picture *p, const struct node *c)
{
    const struct node *list = tree_find(c, "children"), *f = tree_find(c, "failure");
    json_open(j, NULL, '{');
    json_str(j, "name", c->name);
    json_str(j, "state", state_for_programs(p, c));
    json_str(j, "local", first_item(c, "local_addrs"));
    json_str(j, "remote", first_item(c, "remote_addrs"));
    json_str(j, "local_id", tree_str(tree_find(c, "local-1"), "id"));
    json_str(j, "remote_id", tree_str(tree_find(c, "remote-1"), "id"));
    json_str(j, "source", tree_str(c, "source"));
    json_bool(j, "wanted", tree_yes(c, "wanted"));
    json_num(j, "sas", tree_num(c, "sas"));
    json_num(j, "attempts", tree_num(c, "attempts"));
    if (tree_find(c, "retry-time")) {
        json_num(j, "retry_in", tree_num(c, "retry-time"));
    } else {
        json_null(j, "retry_in");
    }
    status_json_name(j, c);
    json_open(j, "children", '[');
    for (const struct node *k = list ? list->first : NULL; k; k = k->next) {
        json_open(j, NULL, '{');
        json_str(j, "name", k->name);
        json_fields(j, k, wanted_fields);
        json_close(j, '}');
    }
    json_close(j, ']');
    if (f) {
        json_failure(j, "failure", f);
    } else {
        json_null(j, "failure");
    }
    json_close(j, '}');
}

static void json_children(struct json *j, const struct node *sa)
{
    for (const struct node *k = children_of(sa) ? children_of(sa)->first : NULL; k; k = k->next) {
        json_open(j, NULL, '{');
        json_str(j, "conn", sa->name);
        json_num(j, "sa", tree_num(sa, "uniqueid"));
        json_fields(j, k, child_fields);
        json_bool(j, "esn", tree_num(k, "esn") == 1);
        json_close(j, '}');
    }
}

static void json_all(const struct picture *p)
{
    struct json j = {.out = stdout};
    const struct node *n = tree_find(p->stats, "ikesas");
    json_open(&j, NULL, '{');
    json_num(&j, "schema", 1);
    json_open(&j, "daemon", '{');
    json_num(&j, "uptime", tree_num(tree_find(p->stats, "uptime"), "seconds"));
    json_str(&j, "backend", tree_str(p->stats, "backend"));
    json_num(&j, "sas", tree_num(n, "total"));
    json_num(&j, "half_open", tree_num(n, "half-open"));
    json_num(&j, "children", tree_num(p->stats, "child-sas"));
    json_close(&j, '}');
    json_open(&j, "connections", '[');
    for (const struct node *c = p->conns.first; c; c = c->next) {
        json_conn(&j, p, c);
    }
    json_close(&j, ']');
    json_open(&j, "sas", '[');
    for (const struct node *sa = p->sas.first; sa; sa = sa->next) {
        json_open(&j, NULL, '{');
        json_str(&j, "conn", sa->name);
        json_fields(&j, sa, sa_fields);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_open(&j, "children", '[');
    for (const struct node *sa = p->sas.first; sa; sa = sa->next) {
        json_children(&j, sa);
    }
    json_close(&j, ']');
    json_open(&j, "failures", '[');
    for (const struct node *f = p->failures.first; f; f = f->next) {
        json_failure(&j, NULL, f);
    }
    json_close(&j, ']');
    json_close(&j, '}');
}

int cmd_status(struct client *c, const struct options *o, const char *name)
{
    struct picture p;
    int r = look(c, name, &p);
    if (r == CTL_OK && name && p.conns.first == NULL) {
        fprintf(stderr, "ikelibctl: no connection %s\n", name);
        r = CTL_FAILED;
    } else if (r == CTL_OK && o->json) {
        json_all(&p);
    } else if (r == CTL_OK) {
        print_all(&p, name);
    }
    forget(&p);
    return r;
}

/* ---- stats ------------------------------------------------------------------------------------------------------------ */

static void print_section(struct json *j, const struct node *section, int depth)
{
    for (const struct node *n = section->first; n; n = n->next) {
        if (n->type == VICI_SECTION_START && j) {
            json_open(j, n->name, '{');
            print_section(j, n, depth + 1);
            json_close(j, '}');
        } else if (n->type == VICI_SECTION_START) {
            printf("%*s%s\n", 2 * depth, "", n->name);
            print_section(j, n, depth + 1);
        } else if (n->type == VICI_KEY_VALUE && j && n->value[strspn(n->value, "0123456789")] == 0 && n->value[0]) {
            json_num(j, n->name, tree_num(section, n->name));
        } else if (n->type == VICI_KEY_VALUE && j) {
            json_str(j, n->name, n->value);
        } else if (n->type == VICI_KEY_VALUE) {
            printf("%*s%-*s %s\n", 2 * depth, "", 24 - 2 * depth, n->name, n->value);
        }
    }
}

int cmd_stats(struct client *c, const struct options *o, const char *name)
{
    (void)name;
    struct vici_buf b = {0};
    struct node *out = NULL;
    struct json j = {.out = stdout};
    vici_begin(&b, VICI_CMD_REQUEST, "stats");
    int r = client_request(c, &b, 30, NULL, NULL, &out);
    if (r == CTL_OK && o->json) {
        json_open(&j, NULL, '{');
        json_num(&j, "schema", 1);
        print_section(&j, out, 0);
        json_close(&j, '}');
    } else if (r == CTL_OK) {
        print_section(NULL, out, 0);
    }
    tree_free(out);
    vici_buf_free(&b);
    return r;
}
