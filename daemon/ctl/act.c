/* SPDX-License-Identifier: ISC
 *
 * act.c - up, down, rekey, reauth, reload: ask for something and say how it went.
 */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <string.h>

/* NAME is a connection, CONNECTION/CHILD, or a child. */
struct subject {
    char ike[128], child[128];
    bool reauth;
};

static void print_line(void *arg, const char *name, struct node *m)
{
    (void)arg;
    if (strcmp(name, "control-log") == 0) {
        printf("  %s\n", tree_str(m, "msg"));
        fflush(stdout);
    }
}

static int wrong(const char *text)
{
    fprintf(stderr, "ikelibctl: %s\n", text);
    return CTL_USAGE;
}

/* Take over what an option names; it must not contradict NAME. */
static int take_option(const char *option, char *out, size_t n)
{
    if (option && out[0] && strcmp(option, out) != 0) {
        fprintf(stderr, "ikelibctl: %s or %s? The two names contradict each other\n", out, option);
        return CTL_USAGE;
    }
    if (option) {
        snprintf(out, n, "%s", option);
    }
    return CTL_OK;
}

/* Names as they are given, not looked up yet but for what tells a connection from a child. */
static int read_subject(struct client *c, const struct options *o, const char *name, struct subject *s)
{
    const char *slash = name ? strchr(name, '/') : NULL;
    bool conn = false;
    int r = CTL_OK;
    memset(s, 0, sizeof *s);
    if (slash && (slash == name || slash[1] == 0)) {
        return wrong("a name is missing beside the /");
    }
    if (slash) {
        snprintf(s->ike, sizeof s->ike, "%.*s", (int)(slash - name), name);
        snprintf(s->child, sizeof s->child, "%s", slash + 1);
    } else if (name && name[0]) {
        r = client_has_conn(c, name, &conn);
        snprintf(conn ? s->ike : s->child, sizeof s->ike, "%s", name);
    }
    r = r == CTL_OK ? take_option(o->ike, s->ike, sizeof s->ike) : r;
    r = r == CTL_OK ? take_option(o->child, s->child, sizeof s->child) : r;
    if (r == CTL_OK && !s->ike[0] && !s->child[0] && !o->ike_id && !o->child_id) {
        return wrong("which one? Name a connection, CONNECTION/CHILD or a child");
    }
    return r;
}

#define MOST 8 /* connections told at once */

/* A child's name alone is enough where one connection has such a child. Otherwise the daemon would bring up the first, and take
 * down all. */
static int check_owner(struct client *c, const char *child)
{
    struct node conns = {0};
    const struct node *first = NULL;
    size_t n = 0;
    int r = client_list(c, "list-conns", "list-conn", NULL, NULL, &conns);
    for (const struct node *k = conns.first; k; k = k->next) {
        if (tree_find(tree_find(k, "children"), child) == NULL) {
            continue;
        }
        first = n++ == 0 ? k : first;
        if (n == 2) {
            fprintf(stderr, "ikelibctl: %s is a child of %s", child, first->name);
        }
        if (n >= 2 && n <= MOST) {
            fprintf(stderr, ", %s", k->name);
        }
    }
    if (n > MOST) {
        fprintf(stderr, " and %zu more", n - MOST);
    }
    if (n > 1) {
        fprintf(stderr, ": say %s/%s\n", first->name, child);
    }
    tree_free(conns.first);
    return r == CTL_OK && n > 1 ? CTL_USAGE : r;
}

static int find_subject(struct client *c, const struct options *o, const char *name, struct subject *s)
{
    int r = read_subject(c, o, name, s);
    bool alone = s->child[0] && !s->ike[0] && !o->ike_id && !o->child_id;
    return r == CTL_OK && alone ? check_owner(c, s->child) : r;
}

static void put_argument(struct vici_buf *b, const char *key, const char *value)
{
    if (value && value[0]) {
        vici_put(b, key, value);
    }
}

/* The cause in one line; behind it, when the daemon knows, the whole story. */
static void say_failure(const struct node *answer)
{
    const struct node *f = tree_find(answer, "failure");
    fprintf(stderr, "%s\n", tree_str(answer, "errmsg"));
    if (f) {
        text_indented(stderr, tree_str(f, "explanation"));
    }
}

static void json_answer(const struct node *a)
{
    struct json j = {.out = stdout};
    const struct node *f = tree_find(a, "failure");
    json_open(&j, NULL, '{');
    json_num(&j, "schema", 1);
    json_bool(&j, "success", tree_yes(a, "success"));
    json_str(&j, "error", tree_str(a, "errmsg"));
    if (tree_find(a, "matches")) {
        json_num(&j, "matches", tree_num(a, "matches"));
    }
    if (f) {
        json_failure(&j, "failure", f);
    } else {
        json_null(&j, "failure");
    }
    json_close(&j, '}');
}

/* Run one of the waiting commands; the answer's success is the exit status. */
static int run(struct client *c, const struct options *o, const char *command, const struct subject *s, struct node **out)
{
    struct vici_buf b = {0};
    int r = CTL_OK;
    if (o->verbose) {
        r = client_register(c, "control-log");
    }
    vici_begin(&b, VICI_CMD_REQUEST, command);
    put_argument(&b, "loglevel", o->verbose ? "2" : NULL); /* with each message, which is why one asks */
    put_argument(&b, "ike", s->ike);
    put_argument(&b, "child", s->child);
    put_argument(&b, "ike-id", o->ike_id);
    put_argument(&b, "child-id", o->child_id);
    put_argument(&b, "reauth", s->reauth ? "yes" : NULL);
    if (o->timeout_ms) {
        vici_putf(&b, "timeout", "%" PRIu32, o->timeout_ms);
    }
    if (r == CTL_OK) {
        r = client_request(c, &b, 0, o->verbose && !o->json ? print_line : NULL, NULL, out);
    }
    vici_buf_free(&b);
    return r;
}

static const char *subject_text(const struct options *o, const struct subject *s)
{
    static char text[300];
    if (!s->ike[0] && !s->child[0]) {
        snprintf(text, sizeof text, "#%s", o->child_id ? o->child_id : o->ike_id);
    } else {
        snprintf(text, sizeof text, "%s%s%s", s->ike, s->ike[0] && s->child[0] ? "/" : "", s->child);
    }
    return text;
}

static int finish(const struct options *o, const struct subject *s, const char *done, struct node *answer, int r)
{
    bool ok = r == CTL_OK && tree_yes(answer, "success");
    if (r == CTL_OK && o->json) {
        json_answer(answer);
    } else if (ok) {
        printf("%s: %s\n", subject_text(o, s), done);
    } else if (r == CTL_OK) {
        fprintf(stderr, "%s: ", subject_text(o, s));
        say_failure(answer);
    }
    tree_free(answer);
    return r != CTL_OK ? r : ok ? CTL_OK : CTL_FAILED;
}

int cmd_up(struct client *c, const struct options *o, const char *name)
{
    struct subject s;
    struct node *answer = NULL;
    if (o->ike_id || o->child_id) { /* the daemon would pass over them */
        return wrong("up takes names, not the numbers of what is up");
    }
    int r = find_subject(c, o, name, &s);
    if (r == CTL_OK) {
        r = run(c, o, "initiate", &s, &answer);
        return finish(o, &s, "up", answer, r);
    }
    return r;
}

/* ---- down -------------------------------------------------------------------------------------------------------------- */

struct down {
    const char *socket;
    const struct options *o;
    const struct subject *s;
};

static bool is_meant(const struct down *d, const struct node *sa)
{
    const struct node *list = tree_find(sa, "child-sas"), *k = list ? list->first : NULL;
    while (k && d->s->child[0] && strcmp(tree_str(k, "name"), d->s->child) != 0) {
        k = k->next;
    }
    return (k || !d->s->child[0]) && (!d->o->ike_id || strcmp(tree_str(sa, "uniqueid"), d->o->ike_id) == 0);
}

/* The answer to down is that of the peer to the Delete. A peer that is gone gives none, and whoever waits should know for what;
 * our own connection to the daemon is busy waiting. */
static void say_waiting(void *arg)
{
    const struct down *d = arg;
    struct client c = {.fd = -1};
    struct node sas = {0};
    const struct node *sa = NULL;
    if (client_open(&c, d->socket) == CTL_OK &&
        client_list(&c, "list-sas", "list-sa", "ike", d->s->ike[0] ? d->s->ike : NULL, &sas) == CTL_OK) {
        sa = sas.first;
        while (sa && !(tree_find(sa, "repetitions") && is_meant(d, sa))) {
            sa = sa->next;
        }
    }
    fprintf(stderr, "%s: waiting for the peer's answer", subject_text(d->o, d->s));
    if (sa) {
        fputs("; ", stderr);
        status_silence(stderr, sa);
    }
    fputc('\n', stderr);
    tree_free(sas.first);
    client_close(&c);
}

int cmd_down(struct client *c, const struct options *o, const char *name)
{
    struct subject s;
    struct node *answer = NULL;
    int r = find_subject(c, o, name, &s);
    if (r == CTL_OK) {
        struct down d = {o->socket, o, &s};
        c->quiet = say_waiting;
        c->quiet_arg = &d;
        r = run(c, o, "terminate", &s, &answer);
        c->quiet = NULL;
        return finish(o, &s, "down", answer, r);
    }
    return r;
}

int cmd_rekey(struct client *c, const struct options *o, const char *name)
{
    struct subject s;
    struct node *answer = NULL;
    int r = find_subject(c, o, name, &s);
    if (r == CTL_OK) {
        r = run(c, o, "rekey", &s, &answer);
        return finish(o, &s, "rekeyed", answer, r);
    }
    return r;
}

int cmd_reauth(struct client *c, const struct options *o, const char *name)
{
    struct subject s;
    struct node *answer = NULL;
    int r = find_subject(c, o, name, &s);
    if (r == CTL_OK && (s.child[0] || o->child_id)) {
        return wrong("reauth takes a connection: a child has nobody to authenticate");
    }
    if (r == CTL_OK) {
        s.reauth = true;
        r = run(c, o, "rekey", &s, &answer);
        return finish(o, &s, "authenticated anew", answer, r);
    }
    return r;
}

int cmd_reload(struct client *c, const struct options *o, const char *name)
{
    (void)name;
    struct vici_buf b = {0};
    struct node *answer = NULL;
    vici_begin(&b, VICI_CMD_REQUEST, "reload-settings");
    int r = client_request(c, &b, 60, NULL, NULL, &answer);
    bool ok = r == CTL_OK && tree_yes(answer, "success");
    if (r == CTL_OK && o->json) {
        json_answer(answer);
    } else if (ok) {
        fputs(tree_str(answer, "warning"), stderr);
        fputs(tree_str(answer, "warning")[0] ? "\n" : "", stderr);
        puts("configuration read again");
    } else if (r == CTL_OK) {
        fprintf(stderr, "%s\n", tree_str(answer, "errmsg"));
    }
    tree_free(answer);
    vici_buf_free(&b);
    return r != CTL_OK ? r : ok ? CTL_OK : CTL_FAILED;
}
