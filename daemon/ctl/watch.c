/* SPDX-License-Identifier: ISC
 *
 * watch.c - log: what the daemon says, as it says it; explain: why things did not work.
 */
#include "ctl/ctl.h"

#include <string.h>
#include <time.h>

/* ---- log -------------------------------------------------------------------------------------------------------------- */

static void line(void *arg, const char *name, struct node *m)
{
    const struct options *o = arg;
    if (strcmp(name, "log") != 0 || (int)tree_num(m, "level") > o->level) {
        return;
    }
    if (o->json) {
        struct json j = {.out = stdout, .lines = true};
        json_open(&j, NULL, '{');
        json_num(&j, "time", (unsigned long long)time(NULL));
        json_num(&j, "level", tree_num(m, "level"));
        json_str(&j, "group", tree_str(m, "group"));
        json_str(&j, "conn", tree_str(m, "ikesa-name"));
        json_num(&j, "sa", tree_num(m, "ikesa-uniqueid"));
        json_str(&j, "text", tree_str(m, "msg"));
        json_close(&j, '}');
    } else {
        char when[16] = "";
        struct tm tm;
        time_t now = time(NULL);
        if (localtime_r(&now, &tm)) {
            strftime(when, sizeof when, "%H:%M:%S", &tm);
        }
        const char *conn = tree_str(m, "ikesa-name");
        printf("%s %s%s%s%s%s\n", when, conn, conn[0] ? "#" : "", conn[0] ? tree_str(m, "ikesa-uniqueid") : "",
               conn[0] ? ": " : "", tree_str(m, "msg"));
    }
    fflush(stdout);
}

int cmd_log(struct client *c, const struct options *o, const char *name)
{
    (void)name;
    int r = client_register(c, "log");
    return r == CTL_OK ? client_listen(c, line, (void *)o) : r;
}

/* ---- explain ---------------------------------------------------------------------------------------------------------- */

#define MOST 10 /* failures told at once */

static bool same_origin(const struct node *a, const struct node *b)
{
    const char *conn = tree_str(a, "connection");
    return strcmp(conn, tree_str(b, "connection")) == 0 && strcmp(tree_str(a, "child"), tree_str(b, "child")) == 0 &&
           (conn[0] || strcmp(tree_str(a, "remote"), tree_str(b, "remote")) == 0);
}

/* Newest first, of each connection and child, or stranger, the last one. */
static bool newest(const struct node *list, const struct node *f)
{
    const struct node *n = list->first;
    while (n != f && !same_origin(n, f)) {
        n = n->next;
    }
    return n == f;
}

static void print_failure(const struct node *f)
{
    const char *conn = tree_str(f, "connection"), *child = tree_str(f, "child"), *text = tree_str(f, "explanation");
    unsigned long long repeats = tree_num(f, "repeats");
    printf("%s%s%s, %s ago", conn[0] ? conn : tree_str(f, "remote"), child[0] ? "/" : "", child,
           text_seconds(tree_num(f, "age")));
    if (repeats) { /* before this one, which the explanation counts too */
        printf(", %llu times in a row", repeats + 1);
    }
    puts(":");
    text_indented(stdout, text);
}

static void print_failures(const struct node *list, struct json *j)
{
    int told = 0;
    for (const struct node *f = list->first; f && told < MOST; f = f->next) {
        if (!newest(list, f)) {
            continue;
        }
        if (j) {
            json_failure(j, NULL, f);
        } else {
            printf("%s", told ? "\n" : "");
            print_failure(f);
        }
        told++;
    }
}

/* A name that cannot be resolved keeps attempts from being made, so there is no failure to tell. */
static bool print_names(const struct node *conns)
{
    bool any = false;
    for (const struct node *c = conns->first; c; c = c->next) {
        unsigned long long fails = tree_num(c, "resolve-fails");
        if (fails == 0 && (tree_find(c, "remote-name") == NULL || tree_find(c, "remote-address"))) {
            continue;
        }
        printf("%s: ", c->name);
        status_resolving(c);
        putchar('\n');
        if (fails > 1) {
            printf("  so far:   %llu times in a row\n", fails);
        }
        printf("  remedy:   correct `remote` (%s), or see that this host's name servers answer\n", tree_str(c, "source"));
        any = true;
    }
    return any;
}

static void json_names(struct json *j, const struct node *conns)
{
    json_open(j, "names", '[');
    for (const struct node *c = conns->first; c; c = c->next) {
        if (tree_find(c, "remote-name")) {
            json_open(j, NULL, '{');
            json_str(j, "conn", c->name);
            status_json_name(j, c);
            json_close(j, '}');
        }
    }
    json_close(j, ']');
}

static void print_explanation(const struct options *o, const char *name, const struct node *conns, const struct node *failures)
{
    struct json j = {.out = stdout};
    if (o->json) {
        json_open(&j, NULL, '{');
        json_num(&j, "schema", 1);
        json_names(&j, conns);
        json_open(&j, "failures", '[');
        print_failures(failures, &j);
        json_close(&j, ']');
        json_close(&j, '}');
        return;
    }
    bool any = print_names(conns);
    if (failures->first) {
        printf("%s", any ? "\n" : "");
        print_failures(failures, NULL);
    } else if (!any) {
        printf("%s%sno attempt has failed\n", name ? name : "", name ? ": " : "");
    }
}

int cmd_explain(struct client *c, const struct options *o, const char *name)
{
    struct node conns = {0}, failures = {0};
    int r = client_list(c, "list-conns", "list-conn", "ike", name, &conns);
    r = r == CTL_OK ? client_list(c, "list-failures", "list-failure", "ike", name, &failures) : r;
    if (r == CTL_OK && name && !conns.first && !failures.first) { /* what failed under a name that is gone is told still */
        fprintf(stderr, "ikelibctl: no connection %s\n", name);
        r = CTL_FAILED;
    } else if (r == CTL_OK) {
        print_explanation(o, name, &conns, &failures);
    }
    tree_free(conns.first);
    tree_free(failures.first);
    return r;
}
