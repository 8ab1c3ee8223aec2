/* SPDX-License-Identifier: ISC
 *
 * A ladder diagram: hosts are columns, time runs down, each datagram is an arrow from one to another. Only the last lines are
 * kept.
 */
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 14 /* for the time */
#define WIDTH  200
#define SHORT  (100 * IKE_MS) /* what takes longer is said */

struct sim_ladder {
    unsigned cap, n; /* n: drawn so far */
    char (*line)[WIDTH];
};

struct sim_ladder *sim_ladder_new(unsigned lines)
{
    struct sim_ladder *l = sim_alloc(sizeof *l);
    l->cap = lines;
    l->line = sim_alloc(lines * sizeof *l->line);
    return l;
}

void sim_ladder_free(struct sim_ladder *l)
{
    if (l) {
        free(l->line);
        free(l);
    }
}

/* Between two columns: few hosts leave more room for names of messages. */
static unsigned gap(const struct sim *s) { return s->hosts > 3 ? 42 : s->hosts == 3 ? 60 : 90; }

static unsigned column(const struct sim *s, unsigned host) { return MARGIN + host * gap(s); }

/* An empty line: the time and the hosts' bars. */
static char *fresh(struct sim *s)
{
    struct sim_ladder *l = s->ladder;
    char *at = l->line[l->n++ % l->cap];
    uint64_t us = s->now - SIM_START;
    memset(at, ' ', WIDTH);
    int n = snprintf(at, MARGIN, "%5u.%06u", (unsigned)(us / IKE_SEC), (unsigned)(us % IKE_SEC));
    at[n] = ' ';
    for (unsigned i = 0; i < s->hosts && column(s, i) < WIDTH - 1; i++) {
        at[column(s, i)] = '|';
    }
    at[WIDTH - 1] = '\0';
    return at;
}

static void put(char *at, unsigned from, unsigned room, const char *text)
{
    size_t n = strlen(text);
    n = n < room ? n : room;
    if (from + n < WIDTH) {
        memcpy(at + from, text, n);
    }
}

void sim_ladder_datagram(struct sim *s, const struct sim_packet *p, const char *fate, ike_time delay)
{
    if (!s->ladder) {
        return;
    }
    const struct sim_host *a = p->msg->from, *b = p->to;
    char label[160], late[24] = "";
    if (delay >= SHORT) {
        snprintf(late, sizeof late, " +%u.%02us", (unsigned)(delay / IKE_SEC), (unsigned)(delay % IKE_SEC / (10 * IKE_MS)));
    }
    snprintf(label, sizeof label, " %s%s%s%s%s%s%s ", fate ? "(" : "", fate ? fate : "", fate ? ") " : "", p->msg->text,
             p->msg->sent > 1 ? " again" : "", p->bytes ? " damaged" : "", late);
    char *at = fresh(s);
    if (!b || b == a) {
        put(at, column(s, a->index) + 2, WIDTH, label);
        return;
    }
    bool right = b->index > a->index;
    unsigned lo = column(s, right ? a->index : b->index) + 1, hi = column(s, right ? b->index : a->index);
    hi = hi < WIDTH - 1 ? hi : WIDTH - 1;
    if (lo >= hi) {
        return;
    }
    memset(at + lo, '-', hi - lo);
    at[right ? hi - 1 : lo] = fate ? 'x' : right ? '>' : '<';
    put(at, lo + 2, hi - lo - 4, label);
}

void sim_ladder_note(struct sim *s, const struct sim_host *h, const char *text)
{
    if (s->ladder) {
        char *at = fresh(s);
        unsigned from = column(s, h ? h->index : 0) + (h ? 1 : 0);
        put(at, from, WIDTH, "* ");
        put(at, from + 2, WIDTH - from - 3, text);
    }
}

void sim_ladder_print(const struct sim *s, struct sim_text *out)
{
    const struct sim_ladder *l = s->ladder;
    if (!l) {
        return;
    }
    char head[WIDTH];
    memset(head, ' ', WIDTH);
    head[WIDTH - 1] = '\0';
    for (unsigned i = 0; i < s->hosts; i++) {
        put(head, column(s, i), 8, s->host[i]->name);
    }
    unsigned kept = l->n < l->cap ? l->n : l->cap;
    for (unsigned i = 0; i <= kept; i++) {
        const char *line = i ? l->line[(l->n - kept + i - 1) % l->cap] : head;
        size_t n = strlen(line);
        while (n && line[n - 1] == ' ') {
            n--;
        }
        sim_textf(out, "%.*s\n", (int)n, line);
    }
}
