/* SPDX-License-Identifier: ISC
 *
 * ike/conf.h - configuration: from text to connections, along one path.
 *
 *     text -> ike_config_read -> triplets (section, tag, value) with file:line -> ike_config_build -> ike_conn_settings
 *
 * Whoever configures (a file, a control protocol) writes triplets inside a transaction; nobody writes connections directly.
 * Everything is checked against one table of keys, which also makes the error messages and the reference in
 * docs/config.md. Nothing here opens a file or knows of an engine: the caller reads files and applies the result.
 *
 * Errors are collected, not thrown: a report takes as many as the caller's array holds and counts the rest. A secret never
 * appears in one.
 */
#ifndef IKE_CONF_H
#define IKE_CONF_H

#include <ike/conn.h>
#include <ike/crypto.h>
#include <ike/ike.h>
#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IKE_CONFIG_NAME_MAX  47   /* of a connection or child: what a failure record holds */
#define IKE_CONFIG_VALUE_MAX 8191 /* octets of one value */

/* ---- Errors ----------------------------------------------------------------------------------------------------------- */

/* One problem. Texts are printable, escaped and cut to fit; any of them may be empty. */
typedef struct ike_config_error {
    char file[128];
    uint32_t line;      /* 0: no line */
    char section[64];   /* "connection office" */
    char tag[48];
    char expected[192];
    char found[112];    /* in quotes, or a word such as nothing */
    char hint[160];     /* what to do about it */
} ike_config_error;

typedef struct ike_config_report {
    ike_config_error *list; /* the caller's array */
    size_t max;
    size_t n;    /* how many are in it */
    size_t more; /* how many did not fit */
} ike_config_report;

/* "file:line: [section] tag: expected ..., found ...; hint". Like snprintf. */
IKE_API size_t ike_config_error_format(const ike_config_error *e, char *out, size_t n);

/* ---- Triplets --------------------------------------------------------------------------------------------------------- */

typedef struct ike_config ike_config;

typedef struct ike_triplet {
    const char *section;
    const char *tag;   /* NULL: the section itself, value NULL too */
    const char *value;
    const char *file;
    uint32_t line;
} ike_triplet;

/* `mem` is used for everything that belongs to the configuration and must outlive it. */
IKE_API int ike_config_new(ike_config **out, const ike_allocator *mem);
/* Wipes and releases; an open transaction is aborted. NULL is fine. */
IKE_API void ike_config_free(ike_config *c);

/* Changes are made inside a transaction: all of them, or (abort) none. One may be open; reading sees what it has changed so
 * far, so that the whole can be checked before it is committed. IKE_ERR_STATE if one is open. */
IKE_API int ike_config_begin(ike_config *c);
/* IKE_ERR_STATE outside a transaction. */
IKE_API int ike_config_commit(ike_config *c);
/* Never fails: what it needs was set aside when the changes were made. */
IKE_API void ike_config_abort(ike_config *c);
/* Set, or replace, one triplet; its section is made if need be. Strings are copied. IKE_ERR_STATE, _NOMEM; _INVALID for a
 * section or tag that is empty and a value that is too long. */
IKE_API int ike_config_put(ike_config *c, const ike_triplet *t);
/* tag NULL: the section with all its tags. IKE_ERR_STATE, _NOMEM, _NOT_FOUND. */
IKE_API int ike_config_remove(ike_config *c, const char *section, const char *tag);

/* tag NULL: the section itself. Views stay valid until the triplet is changed. IKE_ERR_NOT_FOUND. */
IKE_API int ike_config_get(const ike_config *c, const char *section, const char *tag, ike_triplet *out);
/* Every triplet in the order they were put, a section before its tags. A result of fn other than 0 ends it and is returned. */
IKE_API int ike_config_each(const ike_config *c, int (*fn)(void *user, const ike_triplet *t), void *user);

/* Read the text of one file into the open transaction:
 *
 *     # comment, also ;                a line of its own
 *     [section name]
 *     tag = value                      blanks around both are dropped
 *     tag = "value"                    to keep blanks; \" and \\ inside
 *     tag = long, \                    a line may go on
 *           value
 *
 * `file` is for messages only. All syntax errors go to the report. A tag, or a section, given twice is an error.
 * IKE_OK; IKE_ERR_INVALID when something was reported; IKE_ERR_STATE, _NOMEM. */
IKE_API int ike_config_read(ike_config *c, const char *file, const char *text, size_t n, ike_config_report *report);

/* For what the caller alone can find out: one more error, at the triplet `at` (NULL: nowhere), in the form of all others. `found`
 * is quoted; hint may be NULL. */
IKE_API void ike_config_complain(ike_config_report *report, const ike_triplet *at, const char *expected, ike_bytes found,
                                 const char *hint);

/* ---- Keys ------------------------------------------------------------------------------------------------------------- */

/* A row of the table, in words. */
typedef struct ike_config_key {
    const char *section;  /* "daemon", "connection", "child", "user" */
    const char *tag;
    const char *standard; /* what holds without it; NULL: must be there or is explained in text */
    const char *text;     /* what it means */
    bool required;
    bool in_connection;   /* of child keys: may also stand in the connection, for all its children */
    char expected[192];   /* what a value looks like */
} ike_config_key;
/* The i-th row; IKE_ERR_NOT_FOUND past the end. */
IKE_API int ike_config_key_at(size_t i, ike_config_key *out);

/* ---- Connections ------------------------------------------------------------------------------------------------------ */

/* A tag that names a file: the caller reads it and calls ike_config_conns_file. */
typedef struct ike_config_named {
    const char *name; /* NULL: the tag is not there */
    ike_bytes text;   /* what it holds, once it was read */
} ike_config_named;

typedef struct ike_config_conn {
    ike_conn_settings settings;
    const char *remote_name; /* a DNS name: the caller resolves it and sets settings.remote; its port is there already */
    const char *secret_file; /* the caller reads it and calls ike_config_conns_secret; NULL: the secret is in settings */
    ike_config_named local_key, local_cert, remote_cert; /* tags local-key, local-cert, remote-cert */
    const char *xauth_user;  /* xauth = client: whose section is in settings.users */
    const char *file;        /* where the section is */
    uint32_t line;
} ike_config_conn;

typedef struct ike_config_conns ike_config_conns;

/* Check the whole configuration and make its connections. All errors go to the report; *out is set only when there are none.
 * IKE_OK, IKE_ERR_INVALID, IKE_ERR_NOMEM. The result is independent of `c`. */
IKE_API int ike_config_build(const ike_config *c, ike_config_conns **out, ike_config_report *report);
/* Wipes and releases. NULL is fine. */
IKE_API void ike_config_conns_free(ike_config_conns *s);
/* How many there are. */
IKE_API size_t ike_config_conns_count(const ike_config_conns *s);
/* In the order of the configuration; NULL past the end. */
IKE_API const ike_config_conn *ike_config_conns_at(const ike_config_conns *s, size_t i);
/* NULL if there is none of this name. */
IKE_API const ike_config_conn *ike_config_conns_find(const ike_config_conns *s, const char *name);
/* Give the i-th connection the secret its file holds, in the form of the tag `secret` (so 0x.. and 0s.. count); trailing
 * line ends are dropped. Errors go to the report. IKE_OK, IKE_ERR_INVALID, IKE_ERR_NOMEM. */
IKE_API int ike_config_conns_secret(ike_config_conns *s, size_t i, ike_bytes text, ike_config_report *report);

/* Give the i-th connection what the file of this tag holds: a copy, also in its settings. IKE_OK, IKE_ERR_INVALID (nothing is
 * in it), IKE_ERR_NOT_FOUND (no such connection or tag), IKE_ERR_NOMEM. Whether it is a key is seen when the connection is added
 * to an engine. */
IKE_API int ike_config_conns_file(ike_config_conns *s, size_t i, const char *tag, ike_bytes text);

/* The sections [user NAME], in their order; the connections' settings.users lead to them. */
typedef struct ike_config_user {
    const char *name;
    const char *secret_file; /* the caller reads it and calls ike_config_conns_user_secret; NULL: the secret is there */
    const char *file;
    uint32_t line;
} ike_config_user;
/* NULL past the end. */
IKE_API const ike_config_user *ike_config_conns_user(const ike_config_conns *s, size_t i);
/* The same as ike_config_conns_secret, for the i-th user. */
IKE_API int ike_config_conns_user_secret(ike_config_conns *s, size_t i, ike_bytes text, ike_config_report *report);

typedef enum ike_config_change {
    IKE_CONFIG_SAME,
    IKE_CONFIG_MOVED,   /* only file:line is another one */
    IKE_CONFIG_CHANGED,
    IKE_CONFIG_ADDED,
    IKE_CONFIG_REMOVED
} ike_config_change;

/* What differs from `old` (NULL: empty) to `now`: every connection of both once, removed ones first. was/is are NULL where there
 * is none. A result of fn other than 0 ends it and is returned. */
typedef int (*ike_config_diff_fn)(void *user, ike_config_change what, const ike_config_conn *was, const ike_config_conn *is);
/* Calls fn in that order. IKE_OK, or what fn returned. */
IKE_API int ike_config_diff(const ike_config_conns *old, const ike_config_conns *now, ike_config_diff_fn fn, void *user);

/* ---- Section [daemon] ------------------------------------------------------------------------------------------------- */

/* What a daemon around an engine needs to know beside the engine's own settings. Strings are views into the configuration. */
typedef struct ike_config_daemon {
    uint32_t size;
    const char *backend;  /* auto, xfrm, pfkey, userspace, none */
    const char *listen;   /* address, NULL: all */
    uint16_t port, encap_port;
    const char *socket;   /* NULL: the daemon's default */
    const char *keylog;   /* NULL: off */
    uint8_t log_level;    /* ike_log_level */
    const char *tun_name; /* NULL: the daemon's default */
    uint32_t mtu;         /* 0: from the path */
    bool routes;
    const char *modules; /* names of crypto modules, NULL: none */
} ike_config_daemon;

/* What holds without a [daemon] section. */
IKE_API void ike_config_daemon_init(ike_config_daemon *d);
/* Tags that are there overwrite what stands in *d and *engine; either may be NULL. The sizes are looked at: initialise first.
 * IKE_OK, IKE_ERR_INVALID (reported), IKE_ERR_NOMEM. */
IKE_API int ike_config_daemon_get(const ike_config *c, ike_config_daemon *d, ike_settings *engine, ike_config_report *report);

/* Every tag of [daemon] that two such pairs differ in, in the order of the table. The engine's half is left out where either is
 * NULL. */
typedef void (*ike_config_tag_fn)(void *user, const char *tag);
IKE_API void ike_config_daemon_diff(const ike_config_daemon *a, const ike_settings *engine_a, const ike_config_daemon *b,
                                    const ike_settings *engine_b, ike_config_tag_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
