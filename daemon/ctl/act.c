/* SPDX-License-Identifier: ISC
 *
 * act.c - up, down, rekey, reload: ask for something and say how it went.
 */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

/* NAME is a connection, CONNECTION/CHILD, or a child. */
struct subject {
    char ike[128], child[128];
};

static void print_line(void *arg, const char *name, struct node *m)
{
    (void)arg;
    if (strcmp(name, "control-log") == 0) {
        printf("  %s\n", tree_str(m, "msg"));
        fflush(stdout);
    }
}

static int find_subject(struct client *c, const struct options *o, const char *name, struct subject *s)
{
    const char *slash = name ? strchr(name, '/') : NULL;
    bool conn = false;
    int r = CTL_OK;
    memset(s, 0, sizeof *s);
    if (slash) {
        snprintf(s->ike, sizeof s->ike, "%.*s", (int)(slash - name), name);
        snprintf(s->child, sizeof s->child, "%s", slash + 1);
    } else if (name) {
        r = client_has_conn(c, name, &conn);
        snprintf(conn ? s->ike : s->child, sizeof s->ike, "%s", name);
    }
    if (o->ike) {
        snprintf(s->ike, sizeof s->ike, "%s", o->ike);
    }
    if (o->child) {
        snprintf(s->child, sizeof s->child, "%s", o->child);
    }
    if (r == CTL_OK && !s->ike[0] && !s->child[0] && !o->ike_id && !o->child_id) {
        fputs("ikelibctl: which one? Name a connection, CONNECTION/CHILD or a child\n", stderr);
        return CTL_USAGE;
    }
    return r;
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
    char ms[32];
    int r = CTL_OK;
    if (o->verbose) {
        r = client_register(c, "control-log");
    }
    vici_begin(&b, VICI_CMD_REQUEST, command);
    put_argument(&b, "ike", s->ike);
    put_argument(&b, "child", s->child);
    put_argument(&b, "ike-id", o->ike_id);
    put_argument(&b, "child-id", o->child_id);
    if (o->timeout) {
        snprintf(ms, sizeof ms, "%.0f", strtod(o->timeout, NULL) * 1000);
        vici_put(&b, "timeout", ms);
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
    int r = find_subject(c, o, name, &s);
    if (r == CTL_OK) {
        r = run(c, o, "initiate", &s, &answer);
        return finish(o, &s, "up", answer, r);
    }
    return r;
}

int cmd_down(struct client *c, const struct options *o, const char *name)
{
    struct subject s;
    struct node *answer = NULL;
    int r = find_subject(c, o, name, &s);
    if (r == CTL_OK) {
        r = run(c, o, "terminate", &s, &answer);
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
