/* SPDX-License-Identifier: ISC
 *
 * From a seed the text of a case: who there is, how they are set up, what they are told to do and what becomes of their messages;
 * then fair weather, and everything is closed. The seed decides also how rough it gets, since what must hold differs: in a calm
 * run traffic passes all the time; in a wild one it does not, but what is wanted comes back; in a hungry one memory and
 * randomness fail now and then, and both sides must find together again. In a byzantine one a side means ill for a while.
 */
#include "random.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mood { CALM, WILD, HUNGRY, BYZANTINE };

struct pair {
    unsigned a, b;
    bool fits; /* the two can agree */
    bool v1;   /* over IKEv1, whoever begins */
    char name[8];
    unsigned children;
    bool start[2]; /* kept up by a, by b */
    int inside;    /* 0 or 1: a or b is behind the box, the other one is not; -1 */
    int begins;    /* 0 or 1: only a or b can begin; -1 */
};

struct gen {
    struct sim_case *c;
    struct sim_text *text;
    uint64_t rng;
    enum mood mood;
    unsigned hosts, pairs;
    struct pair pair[6];
    bool hooks[4], closing[4];
    bool v1;             /* most connections are IKEv1's */
    bool box, behind[4]; /* a box that translates addresses */
    unsigned bound;      /* seconds after which what is wanted must be there */
};

static const char host_names[] = "ABCD";
static const char *const child_names[] = {"net", "other", "third"};

static uint32_t below(struct gen *g, uint32_t n) { return sim_below(&g->rng, n); }
static bool chance(struct gen *g, uint32_t percent) { return below(g, 100) < percent; }
#define ONE_OF(g, list) (list)[below(g, SIM_COUNT(list))]

static void SIM_PRINTF(2, 3) say(struct gen *g, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (g->text) {
        sim_textf(g->text, "%s\n", line);
    }
    if (!sim_case_add(g->c, line)) {
        fprintf(stderr, "ike-sim: a random case is not understood: %s\n", line);
        abort();
    }
}

/* ---- Settings ---------------------------------------------------------------------------------------------------------- */

/* What the two sides of a connection propose. What does not fit comes last: calm runs have none of that. */
struct offers {
    const char *one, *other;
    bool fits;
};
static const struct offers ike_choices[] = {
    {NULL, NULL, true},
    {NULL, NULL, true},
    {"aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", true},
    {"aes128-sha256-x25519", "aes128-sha256-x25519", true},
    {"aes256gcm16-prfsha256-ecp256-x25519", "aes256gcm16-prfsha256-x25519", true}, /* INVALID_KE_PAYLOAD */
    {"aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-ecp256-x25519", true},
    {"aes256gcm16-prfsha256-ecp256-x25519", "aes256gcm16-prfsha256-x25519-ecp256", true},
    {"aes256gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", false},
};
static const struct offers child_choices[] = {
    {NULL, NULL, true},
    {NULL, NULL, true},
    {"aes128gcm16", "aes128gcm16", true},
    {"aes128-sha256", "aes256gcm16,aes128-sha256", true},
    {"aes256gcm16-x25519", "aes256gcm16-x25519", true},
    {"aes256gcm16-x25519-ecp256", "aes256gcm16-ecp256-x25519", true},
    {"aes256gcm16-ecp256-x25519", "aes256gcm16-x25519", true}, /* INVALID_KE_PAYLOAD */
    {"aes128gcm16-x25519", "aes128gcm16-x25519,aes128gcm16", true},
    {"aes256gcm16", "aes128gcm16", false},
};
/* In IKEv1 a group is offered with a value for it, and there is no way to ask for another. */
static const struct offers ike_choices_v1[] = {
    {"aes128-sha256-ecp256", "aes128-sha256-ecp256", true},
    {"aes128-sha256-ecp256", "aes256-sha384-ecp256,aes128-sha256-ecp256", true},
    {"aes256-sha512-ecp256,aes128-sha256-ecp256", "aes128-sha256-ecp256", true},
    {"aes128-sha256-ecp256", "aes256-sha256-ecp256", false},
};
static const struct offers child_choices_v1[] = {
    {NULL, NULL, true},
    {"aes128gcm16", "aes128gcm16", true},
    {"aes128-sha256", "aes256gcm16,aes128-sha256", true},
    {"aes256gcm16-ecp256", "aes256gcm16-ecp256", true},
    {"aes256gcm16-ecp256,aes128-sha256-ecp256", "aes128-sha256-ecp256", true},
    {"aes256gcm16", "aes128gcm16", false},
};

/* Those of a table, but for the last in a calm run. */
#define CHOICE(g, list) (&(list)[below(g, SIM_COUNT(list) - ((g)->mood == CALM))])

/* Of all connections of a host, so what the engine does with a peer that is silent. */
static void engine_settings(struct gen *g)
{
    static const unsigned tries[] = {5, 6, 6}, retry[] = {5000, 20000, 60000}, reap[] = {5000, 15000, 30000};
    /* Repeats soon; else by default: a peer that a box hides has the time to show itself at its new address. */
    bool brisk = !(g->mood == CALM && g->box) && chance(g, 60);
    if (brisk) {
        say(g, "set * engine.retransmit_first_ms 500");
        say(g, "set * engine.retransmit_max_ms 10000");
        say(g, "set * engine.retransmit_tries %u", g->mood == CALM ? 6 : ONE_OF(g, tries));
    }
    unsigned pause = ONE_OF(g, retry), schedule = brisk ? 35 : 140;
    say(g, "set * engine.retry_max_ms %u", pause);
    say(g, "set * engine.half_open_life_ms %u", ONE_OF(g, reap));
    say(g, "set * engine.temporary_retry_ms %u", 500 + below(g, 10000));
    for (unsigned i = 0; i < g->hosts; i++) {
        g->hooks[i] = chance(g, 40);
        if (g->hooks[i]) {
            say(g, "set %c hooks yes", host_names[i]);
        }
        if (chance(g, 10)) {
            say(g, "set %c engine.cookie_threshold 0", host_names[i]);
        } else if (g->mood != CALM && chance(g, 10)) {
            say(g, "set %c engine.max_half_open %u", host_names[i], 1 + below(g, 3));
        }
    }
    /* A peer is found dead after a liveness check and a whole schedule; the next attempt may be a whole one as well. */
    g->bound = 40 + 3 * schedule + 4 * pause / 1000;
}

/* A Delete of IKEv1 is neither answered nor repeated, so that what one side has closed may stay with the other until its life is
 * over: all lives end, on both sides, within LIFE_V1. */
#define LIFE_V1   900
#define MARGIN_V1 60 /* of any of them: the shorter life of the two sides holds, which may be the peer's */

static void lives_v1(struct gen *g, const struct pair *p)
{
    for (unsigned side = 0; side < 2; side++) {
        char own = host_names[side ? p->b : p->a];
        unsigned child = 200 + below(g, LIFE_V1 - 200), conn = 300 + below(g, LIFE_V1 - 300);
        say(g, "set %c child.life_s %u", own, child);
        say(g, "set %c child.margin_s %u", own, MARGIN_V1);
        say(g, "set %c conn.life_s %u", own, conn);
        say(g, "set %c conn.margin_s %u", own, MARGIN_V1);
    }
    if (g->mood != CALM && chance(g, 20)) {
        say(g, "set %c child.life_packets %u", host_names[p->a], 20 + below(g, 100));
    }
}

static void lives(struct gen *g, const struct pair *p)
{
    if (p->v1) {
        lives_v1(g, p);
        return;
    }
    if (chance(g, 50)) {
        unsigned life = g->mood == CALM ? 240 + below(g, 200) : 60 + below(g, 300);
        say(g, "set %c child.life_s %u", host_names[chance(g, 50) ? p->a : p->b], life);
        say(g, "set %c child.margin_s %u", host_names[p->a], life / 2);
        say(g, "set %c child.margin_s %u", host_names[p->b], life / 2);
    }
    if (chance(g, 40)) {
        unsigned life = g->mood == CALM ? 300 + below(g, 300) : 90 + below(g, 400);
        say(g, "set %c conn.life_s %u", host_names[chance(g, 50) ? p->a : p->b], life);
        say(g, "set %c conn.margin_s %u", host_names[p->a], life / 2);
        say(g, "set %c conn.margin_s %u", host_names[p->b], life / 2);
    }
    if (g->mood != CALM && chance(g, 20)) {
        say(g, "set %c child.life_packets %u", host_names[p->a], 20 + below(g, 100));
    }
}

static void children(struct gen *g, struct pair *p, unsigned index)
{
    const char *const sides[] = {"yes", "yes", "yes", "no", "demand"};
    const struct offers *choice = p->v1 ? CHOICE(g, child_choices_v1) : CHOICE(g, child_choices);
    unsigned swap = below(g, 2);
    bool transport = !g->behind[p->a] && !g->behind[p->b] && chance(g, 15);
    for (unsigned k = 0; k < p->children; k++) {
        if (k) {
            say(g, "child %c %s", host_names[p->a], child_names[k]);
            say(g, "child %c %s", host_names[p->b], child_names[k]);
        }
        const unsigned wish = below(g, 4); /* to compress: nobody, one of the two, both */
        for (unsigned side = 0; side < 2; side++) {
            unsigned own = side ? p->b : p->a, peer = side ? p->a : p->b;
            const char *offer = side == swap ? choice->one : choice->other;
            say(g, "set %c child.local_ts 10.%u.%u.0/24", host_names[own], 10 * (own + 1) + k, index);
            say(g, "set %c child.remote_ts 10.%u.%u.0/24", host_names[own], 10 * (peer + 1) + k, index);
            if (offer) {
                say(g, "set %c child.proposals %s", host_names[own], offer);
            }
            if (wish == 3 || wish == 1 + side) {
                say(g, "set %c child.compress yes", host_names[own]);
            }
            if (transport && k == 0) {
                say(g, "set %c child.mode transport", host_names[own]);
                say(g, "set %c child.local_ts 192.0.2.%u", host_names[own], own + 1);
                say(g, "set %c child.remote_ts 192.0.2.%u", host_names[own], peer + 1);
            }
            const char *start = g->mood == CALM && side == (p->begins == 1) ? "yes" : ONE_OF(g, sides);
            if (p->begins >= 0 && side != (unsigned)p->begins) {
                start = "no"; /* nobody gets in by himself */
            }
            say(g, "set %c child.start %s", host_names[own], start);
            if (k == 0) {
                p->start[side] = *start == 'y';
            } else if (*start != 'y') {
                p->start[side] = false; /* only what is kept up in full is looked at */
            }
        }
        lives(g, p);
    }
    p->fits = p->fits && choice->fits;
}

/* Main Mode or Aggressive Mode; one that also speaks IKEv2 and begins with that, so that only the other can begin; few with
 * IKEv2. */
static void versions(struct gen *g, struct pair *p)
{
    unsigned r = below(g, 100);
    p->v1 = r < 90;
    if (!p->v1) {
        return;
    }
    say(g, "set %c conn.version 1", host_names[p->a]);
    say(g, "set %c conn.version 1", host_names[p->b]);
    if (r >= 50 && r < 70) {
        say(g, "set %c conn.aggressive yes", host_names[p->a]);
        say(g, "set %c conn.aggressive yes", host_names[p->b]);
    } else if (r >= 70) {
        p->begins = p->begins < 0 ? (int)below(g, 2) : p->begins;
        say(g, "set %c conn.version 2", host_names[p->begins ? p->a : p->b]);
    }
}

static void connection(struct gen *g, struct pair *p, unsigned index)
{
    snprintf(p->name, sizeof p->name, "%c%c", host_names[p->a] + 32, host_names[p->b] + 32);
    say(g, "peers %c %c %s", host_names[p->a], host_names[p->b], p->name);
    p->begins = p->inside = g->behind[p->a] == g->behind[p->b] ? -1 : g->behind[p->b];
    if (g->v1) {
        versions(g, p);
    }
    const struct offers *choice = p->v1 ? CHOICE(g, ike_choices_v1) : CHOICE(g, ike_choices);
    unsigned swap = below(g, 2);
    choice = !g->box ? choice : p->v1 ? ike_choices_v1 : ike_choices; /* whom a box hides the first message does not tell apart */
    p->fits = choice->fits;
    if (p->inside >= 0) {
        char in = host_names[p->inside ? p->b : p->a], out = host_names[p->inside ? p->a : p->b];
        say(g, "set %c conn.local_id @%c", in, in);
        if (chance(g, 40)) {
            say(g, "set %c conn.keepalive_s %u", in, chance(g, 50) ? 0 : 60);
        }
        say(g, "set %c conn.remote_id @%c", out, in);
        say(g, "set %c conn.remote 198.51.100.0", out);
        say(g, "set %c conn.remote_bits 24", out);
    }
    for (unsigned side = 0; side < 2; side++) {
        char own = host_names[side ? p->b : p->a];
        const char *offer = side == swap ? choice->one : choice->other;
        if (offer) {
            say(g, "set %c conn.proposals %s", own, offer);
        }
        say(g, "set %c conn.dpd_s %u", own, 10 + below(g, 30));
        if (chance(g, 20) && g->mood != CALM) {
            say(g, "set %c conn.dpd_timeout_s %u", own, 20 + below(g, 60));
        }
        if (chance(g, 15)) {
            say(g, "set %c conn.encap yes", own);
        }
        if (chance(g, 20) && g->mood != CALM) {
            say(g, "set %c conn.unique no", own);
        }
    }
    /* Main Mode goes by the address to find the secret, which all behind a box share. */
    if (g->mood != CALM && !(g->v1 && g->box) && chance(g, 4)) {
        say(g, "set %c conn.secret wrong", host_names[p->a]);
        p->fits = false;
    }
    p->children = chance(g, 40) ? 2 + chance(g, 30) : 1;
    children(g, p, index);
}

/* ---- Weather ----------------------------------------------------------------------------------------------------------- */

static void weather(struct gen *g)
{
    static const unsigned delays[] = {1, 10, 10, 40, 150}, jitters[] = {0, 5, 30, 200, 800};
    unsigned loss = g->mood == CALM ? below(g, 20) : chance(g, 70) ? below(g, 100) : below(g, 300);
    say(g, "link delay %ums jitter %ums late %ums loss %u twice %u corrupt %u", ONE_OF(g, delays), ONE_OF(g, jitters),
        50 + below(g, 4000), loss, chance(g, 50) ? below(g, 150) : 0, g->mood != CALM && chance(g, 25) ? below(g, 60) : 0);
}

static void partition(struct gen *g)
{
    const struct pair *p = &g->pair[below(g, g->pairs)];
    char a = host_names[p->a], b = host_names[p->b];
    if (g->behind[p->a] + g->behind[p->b] && chance(g, 40)) {
        say(g, chance(g, 50) ? "rebind N" : "rebind N 198.51.100.%u", 1 + below(g, 250));
    } else if (chance(g, 15)) {
        say(g, "link %c %c mtu %u", a, b, 100 + below(g, 300));
    } else if (chance(g, 50)) {
        say(g, "cut %c %c", a, b);
        if (chance(g, 50)) {
            say(g, "run %us", 1 + below(g, chance(g, 20) ? 300 : 40));
            say(g, "heal %c %c", a, b);
        }
    } else {
        say(g, "heal");
    }
}

/* ---- Operations -------------------------------------------------------------------------------------------------------- */

static const struct pair *pair_of(struct gen *g, unsigned host)
{
    const struct pair *p;
    do {
        p = &g->pair[below(g, g->pairs)];
    } while (p->a != host && p->b != host);
    return p;
}

static void reload(struct gen *g, char h, const struct pair *p)
{
    if (g->mood != CALM && chance(g, 50)) { /* what is set belongs to the last connection made */
        unsigned life = g->v1 ? 200 + below(g, LIFE_V1 - 200) : 60 + below(g, 300);
        say(g, "set %c child.life_s %u", h, life);
        if (g->v1) {
            say(g, "set %c child.margin_s %u", h, MARGIN_V1);
        }
    }
    say(g, "%c try reload %s%s", h, g->mood != CALM && chance(g, 50) ? "close " : "", p->name);
}

static void questions(struct gen *g, unsigned host)
{
    static const char *const kernel[] = {"spi", "add"}, *const all[] = {"spi", "add", "add", "secret", "child", "peer"};
    const char *kind = g->hooks[host] ? ONE_OF(g, all) : ONE_OF(g, kernel);
    unsigned count = 1 + below(g, 3);
    if (g->mood == CALM || chance(g, 60)) {
        unsigned slow = g->mood == CALM ? 1500 : 4000; /* three of them are less than a peer waits for an answer */
        say(g, "late %c %s %ums count %u", host_names[host], kind, 1 + below(g, chance(g, 30) ? slow : 300), count);
    } else if (chance(g, 30)) {
        say(g, "late %c %s never count 1", host_names[host], kind);
    } else if (chance(g, 50)) {
        say(g, "refuse %c %s %ums count %u", host_names[host], kind, 1 + below(g, 500), count);
    } else {
        say(g, "refuse %c %s count %u", host_names[host], kind, count);
    }
}

static void boxes(struct gen *g)
{
    static const unsigned forgets[] = {30, 60, 120, 300};
    if (!g->box) {
        return;
    }
    say(g, "nat N 198.51.100.1 %us%s", ONE_OF(g, forgets), chance(g, 40) ? " symmetric" : "");
    for (unsigned i = 0, n = 1 + below(g, g->hosts - 1); i < n; i++) {
        unsigned host = below(g, g->hosts);
        g->behind[host] = true;
        say(g, "behind %c N", host_names[host]);
    }
}

/* Calm runs do nothing that ends an SA. */
static void operation(struct gen *g)
{
    static const char *const calm[] = {"rekey-child", "rekey-child any", "rekey-child any", "rekey-ike", "rekey-ike",
                                       "reauth any",  "expire soft any", "check",           "traffic",         "hand-over"};
    static const char *const wild[] = {"rekey-child",
                                       "rekey-child any",
                                       "rekey-child any",
                                       "rekey-ike",
                                       "rekey-ike",
                                       "rekey-ike any",
                                       "reauth",
                                       "reauth any",
                                       "close-child any",
                                       "close-child any",
                                       "close-child any",
                                       "close-ike any",
                                       "drop-ike any",
                                       "check any",
                                       "up",
                                       "up",
                                       "up",
                                       "expire soft any",
                                       "expire hard any",
                                       "traffic",
                                       "traffic",
                                       "acquire",
                                       "remove-conn",
                                       "add-conn",
                                       "restart",
                                       "crash",
                                       "restart",
                                       "restart keep",
                                       "restart lost",
                                       "crash keep",
                                       "hand-over",
                                       "hold",
                                       "shut-down"};
    unsigned host = below(g, g->hosts);
    char h = host_names[host];
    const struct pair *p = pair_of(g, host);
    unsigned peer = p->a == host ? p->b : p->a;
    const char *op = g->mood == CALM ? ONE_OF(g, calm) : ONE_OF(g, wild);
    if (strcmp(op, "up") == 0 || strcmp(op, "hold") == 0) {
        const char *child = chance(g, 50) ? child_names[below(g, p->children)] : "";
        say(g, "%c try %s %s %s", h, op, p->name, child);
    } else if (strcmp(op, "acquire") == 0) {
        unsigned index = (unsigned)(p - g->pair);
        say(g, "%c try acquire 10.%u.%u.%u[udp/1000] 10.%u.%u.%u[udp/53] %s net", h, 10 * (host + 1), index, below(g, 256),
            10 * (peer + 1), index, below(g, 256), p->name);
    } else if (strcmp(op, "remove-conn") == 0 || strcmp(op, "add-conn") == 0) {
        say(g, "%c try %s %s", h, op, p->name);
    } else if (strcmp(op, "traffic") == 0) {
        say(g, "%c try traffic %c %u %u", h, host_names[peer], 1 + below(g, 60), 40 + below(g, 1400));
    } else {
        say(g, "%c try %s", h, op);
        g->closing[host] = g->closing[host] || strcmp(op, "shut-down") == 0;
    }
}

static void pass_time(struct gen *g)
{
    unsigned r = below(g, 100);
    if (r < 35) {
        return; /* the next one happens at the same moment */
    }
    if (r < 60) {
        say(g, "run %ums", 1 + below(g, 60));
    } else if (r < 80) {
        say(g, "run %ums", 60 + below(g, 1500));
    } else if (r < 96) {
        say(g, "run %us", 1 + below(g, 15));
    } else {
        say(g, "run %us", 15 + below(g, 120));
    }
}

static void middle(struct gen *g)
{
    unsigned steps = 10 + below(g, 50);
    for (unsigned i = 0; i < steps; i++) {
        unsigned r = below(g, 100), host = below(g, g->hosts);
        if (r < 70) {
            operation(g);
        } else if (r < 76 && g->mood != BYZANTINE) {
            weather(g);
        } else if (r < 80 && g->mood == CALM && chance(g, 30) && g->behind[host]) {
            say(g, "rebind N");
        } else if (r < 80 && g->mood != CALM && g->mood != BYZANTINE) {
            partition(g);
        } else if (r < 90) {
            questions(g, host);
        } else if (r < 95) {
            reload(g, host_names[host], pair_of(g, host));
        } else if (g->mood == HUNGRY) {
            say(g, "fail %c %s %u", host_names[host], chance(g, 70) ? "alloc" : "random", 1 + below(g, chance(g, 50) ? 10 : 200));
        }
        pass_time(g);
    }
}

/* ---- Beginning and end -------------------------------------------------------------------------------------------------- */

static void beginning(struct gen *g)
{
    say(g, "start");
    for (unsigned i = 0; g->mood == CALM && i < g->pairs; i++) {
        const struct pair *p = &g->pair[i];
        say(g, "%c up %s", host_names[p->begins == 1 ? p->b : p->a], p->name);
    }
    if (g->mood == BYZANTINE) {
        say(g, "byzantine %c %u", chance(g, 50) ? 'A' : 'B', 50 + below(g, 600));
    }
    if (g->mood != CALM) {
        weather(g);
        say(g, "run %us", below(g, 10));
        return;
    }
    say(g, "quiet");
    for (unsigned i = 0; i < g->pairs; i++) {
        if (g->pair[i].fits) {
            say(g, "watch %c %c", host_names[g->pair[i].a], host_names[g->pair[i].b]);
        }
    }
    weather(g);
}

static void wanted(struct gen *g)
{
    for (unsigned i = 0; i < g->pairs; i++) {
        const struct pair *p = &g->pair[i];
        for (unsigned side = 0; side < 2 && p->fits; side++) {
            unsigned own = side ? p->b : p->a, peer = side ? p->a : p->b;
            for (unsigned k = 0; k < p->children && p->start[side]; k++) {
                say(g, "wanted %c %c %s %s %us", host_names[own], host_names[peer], p->name, child_names[k], g->bound);
            }
        }
    }
}

/* Fair weather: all find together; then all goes, and nothing is left. */
static void ending(struct gen *g)
{
    for (unsigned i = 0; g->mood == BYZANTINE && i < g->hosts; i++) {
        say(g, "byzantine %c 0", host_names[i]);
        g->closing[i] = true; /* what the two believe of each other is forgotten */
    }
    say(g, "heal");
    say(g, "link delay 10ms jitter 5ms late 50ms loss 0 twice 0 corrupt 0 mtu 0");
    for (unsigned i = 0; i < g->pairs; i++) {
        char a = host_names[g->pair[i].a], b = host_names[g->pair[i].b];
        say(g, "link %c %c delay 10ms jitter 5ms loss 0 twice 0 corrupt 0 mtu 0", a, b);
    }
    say(g, "prompt *");
    say(g, "start");
    for (unsigned i = 0; i < g->hosts; i++) {
        if (g->closing[i]) {
            say(g, "%c restart", host_names[i]);
        }
    }
    for (unsigned i = 0; i < g->pairs; i++) {
        const struct pair *p = &g->pair[i];
        for (unsigned side = 0; side < 2; side++) {
            char own = host_names[side ? p->b : p->a];
            say(g, "%c try add-conn %s", own, p->name);
            if (!p->fits) {
                say(g, "%c try hold %s", own, p->name);
            } else if (!(p->start[0] || p->start[1]) || chance(g, 50)) { /* else who keeps it up does so without being told */
                say(g, "%c try up %s", own, p->name);
            }
        }
    }
    /* Children that were replaced, answers kept, and what is left where a Delete was lost: all of that has gone by then. */
    say(g, "run %us", g->bound + 200 + (g->v1 ? LIFE_V1 : 0));
    say(g, "agree %us", g->v1 ? 3 * LIFE_V1 : 900); /* not while one of IKEv1 replaces another, which takes half a minute */
    say(g, "unwatch");
    for (unsigned i = 0; i < g->hosts; i++) {
        say(g, "%c shut-down", host_names[i]);
    }
    say(g, "run 250s");
    say(g, "idle");
}

struct sim_case *sim_random_case(uint64_t seed, bool byzantine, bool v1, struct sim_text *text)
{
    static const enum mood moods[] = {CALM, CALM, CALM, WILD, WILD, WILD, WILD, WILD, HUNGRY, HUNGRY};
    static const char *const names[] = {"calm", "wild", "hungry", "byzantine"};
    struct gen *g = sim_alloc(sizeof *g);
    char name[32];
    snprintf(name, sizeof name, "random-%llu", (unsigned long long)seed);
    g->rng = seed ^ 0x5eedc0de5eedc0deu;
    g->text = text;
    g->c = sim_case_new(name);
    g->mood = byzantine ? BYZANTINE : ONE_OF(g, moods);
    g->v1 = v1;
    g->hosts = byzantine ? 2 : 2 + (chance(g, 40) ? 1 + chance(g, 40) : 0);
    say(g, "title \"%s %s\"", names[g->mood], name);
    for (unsigned i = 0; i < g->hosts; i++) {
        say(g, "host %c 192.0.2.%u", host_names[i], i + 1);
    }
    g->box = g->mood != BYZANTINE && chance(g, 30);
    engine_settings(g);
    boxes(g);
    for (unsigned i = 1; i < g->hosts; i++) { /* a tree, and perhaps one more */
        g->pair[g->pairs] = (struct pair){.a = below(g, i), .b = i};
        connection(g, &g->pair[g->pairs], g->pairs);
        g->pairs++;
    }
    wanted(g);
    beginning(g);
    middle(g);
    ending(g);
    sim_case_end(g->c);
    struct sim_case *c = g->c;
    free(g);
    return c;
}
