/* SPDX-License-Identifier: ISC
 *
 * ctl.h - the parts of ikelibctl: the connection to the daemon (client.c), messages as trees (tree.c), output as JSON
 * (json.c), and the commands.
 */
#ifndef IKELIBCTL_H
#define IKELIBCTL_H

#include "ui/vici_msg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit status. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NO_DAEMON = 3 };

struct options {
    const char *socket;
    bool json, verbose;
    const char *child, *ike;       /* --child, --ike */
    const char *child_id, *ike_id; /* --child-id, --ike-id */
    uint32_t timeout_ms;           /* --timeout; 0: none */
    int level;                     /* log: --level */
    const char *keys;              /* decode: --keys */
    uint16_t port, encap_port;     /* decode: --port, --encap-port */
};

/* ---- tree.c ----------------------------------------------------------------------------------------------------------- */

struct node {
    enum vici_element_type type; /* VICI_SECTION_START, VICI_KEY_VALUE, VICI_LIST_START, VICI_LIST_ITEM */
    struct node *next, *first;   /* siblings; what is inside */
    struct node *last;           /* of those inside, where tree_move() has been at work */
    char *name, *value;
};
/* A section of the whole message; NULL: malformed, or out of memory. */
struct node *tree_read(struct vici_text message);
void tree_free(struct node *n);
const struct node *tree_find(const struct node *section, const char *name); /* NULL section is fine */
/* The value of a key, "" if it is not there. */
const char *tree_str(const struct node *section, const char *key);
unsigned long long tree_num(const struct node *section, const char *key);
bool tree_yes(const struct node *section, const char *key);
/* Move everything inside `from` behind what is inside `to`. */
void tree_move(struct node *to, struct node *from);

/* ---- client.c --------------------------------------------------------------------------------------------------------- */

struct client {
    int fd;
    const char *path;
    void (*quiet)(void *arg); /* called once when the daemon has said nothing for CLIENT_QUIET ms in a request, or NULL */
    void *quiet_arg;
};
#define CLIENT_QUIET 3000
/* CTL_OK, or CTL_NO_DAEMON with the reason said. */
int client_open(struct client *c, const char *path);
void client_close(struct client *c);

typedef void client_event(void *arg, const char *name, struct node *message);
/* The event is wanted from now on. */
int client_register(struct client *c, const char *event);
/* Send the request in b and wait for the answer; events meanwhile go to fn (NULL: passed over). *answer is the caller's.
 * wait_s: 0 as long as it takes. CTL_OK, or CTL_NO_DAEMON and said. */
int client_request(struct client *c, struct vici_buf *b, unsigned wait_s, client_event *fn, void *arg, struct node **answer);
/* Events only, until the daemon closes. */
int client_listen(struct client *c, client_event *fn, void *arg);
/* A request without arguments, or with one. The list of events of a streaming command goes below `into`. CTL_FAILED and said
 * where the daemon refuses it. */
int client_list(struct client *c, const char *command, const char *event, const char *key, const char *value, struct node *into);
/* Whether the daemon has a connection of this name. */
int client_has_conn(struct client *c, const char *name, bool *yes);

/* ---- json.c ----------------------------------------------------------------------------------------------------------- */

struct json {
    FILE *out;
    int depth;
    bool comma, lines; /* lines: no line breaks inside */
};
void json_open(struct json *j, const char *key, char bracket); /* '{' or '['; key NULL in lists */
void json_close(struct json *j, char bracket);                 /* '}' or ']' */
void json_str(struct json *j, const char *key, const char *value);
void json_num(struct json *j, const char *key, unsigned long long value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* The keys of a failure record, as an object. */
void json_failure(struct json *j, const char *key, const struct node *failure);

/* ---- text.c ----------------------------------------------------------------------------------------------------------- */

/* "3m12s"; a static ring of buffers, so several in one call are fine. */
const char *text_seconds(unsigned long long s);
const char *text_octets(unsigned long long n);
/* Each line two blanks to the right. */
void text_indented(FILE *out, const char *text);

/* ---- status.c --------------------------------------------------------------------------------------------------------- */

/* Of an SA whose peer does not answer: since when, and when it is given up. Without a line end, as the next one. */
void status_silence(FILE *out, const struct node *sa);
/* How it goes with the name of a connection's peer. */
void status_resolving(const struct node *conn);
void status_json_name(struct json *j, const struct node *conn); /* the same as keys */

/* ---- Commands: exit status -------------------------------------------------------------------------------------------- */

int cmd_status(struct client *c, const struct options *o, const char *name);
int cmd_stats(struct client *c, const struct options *o, const char *name);
int cmd_explain(struct client *c, const struct options *o, const char *name);
int cmd_up(struct client *c, const struct options *o, const char *name);
int cmd_down(struct client *c, const struct options *o, const char *name);
int cmd_rekey(struct client *c, const struct options *o, const char *name);
int cmd_reauth(struct client *c, const struct options *o, const char *name);
int cmd_reload(struct client *c, const struct options *o, const char *name);
int cmd_log(struct client *c, const struct options *o, const char *name);

#endif
