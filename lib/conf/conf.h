/* SPDX-License-Identifier: ISC
 *
 * What the files of lib/conf share: the database's shape, the row of the key table, the arena that results live in, and
 * the making of error messages.
 */
#ifndef IKE_CONF_CONF_H
#define IKE_CONF_CONF_H

#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/text.h"
#include <ike/conf.h>

/* ---- Database (conf.c) ------------------------------------------------------------------------------------------------- */

struct ike_config_entry { /* one triplet, or a section itself (tag NULL) */
    struct ike_list link; /* section: in all sections; tag: in its section */
    struct ike_list tags; /* section only */
    struct ike_map_node node;
    struct ike_config_entry *section; /* of a tag */
    size_t size;
    ike_triplet t; /* strings follow in the same allocation, except file */
};

/* Names of files, one copy each. */
struct ike_config_file {
    struct ike_config_file *next;
    struct ike_map_node node;
    size_t size;
    char name[];
};

/* A tag that is in the file in a line that could not be read. */
struct ike_config_spoilt {
    struct ike_config_spoilt *next;
    size_t size, tag; /* the tag begins there, behind the section */
    char section[];
};

struct ike_config {
    ike_allocator mem;
    struct ike_list sections;
    struct ike_map map;
    struct ike_map by_file; /* files by name: a folder may hold one for each connection */
    struct ike_config_file *files;
    struct ike_config_undo *undo; /* newest first */
    struct ike_config_spoilt *spoilt; /* of the open transaction */
    bool open;
};

/* The entry of a section (tag NULL) or of a tag; NULL if there is none. */
const struct ike_config_entry *ike_config_find(const ike_config *c, const char *section, const char *tag);

/* Note that the tag was there, though its line was reported: nobody shall miss it. `tag` is not ended by NUL. */
void ike_config_spoil(ike_config *c, const char *section, const char *tag, size_t n);
bool ike_config_spoilt(const ike_config *c, const char *section, const char *tag);

/* ---- Arena (arena.c) --------------------------------------------------------------------------------------------------- */

/* Memory that is released all at once, wiped: it may hold secrets. */
struct ike_arena {
    const ike_allocator *mem;
    struct ike_arena_block *blocks;
};
/* Zeroed, aligned for any type; NULL when memory is short. */
void *ike_arena_get(struct ike_arena *a, size_t n);
char *ike_arena_text(struct ike_arena *a, const char *s, size_t n);
void ike_arena_free(struct ike_arena *a);

/* ---- Errors (report.c) ------------------------------------------------------------------------------------------------- */

/* What a value parser says about a value it refuses. */
struct ike_conf_fault {
    const char *found; /* the part that is wrong; NULL: the whole value */
    size_t found_len;
    const char *expected; /* instead of the key's own words */
    const char *hint;
    const char *meant; /* "did you mean ...?" */
    bool no_memory;
};

/* Append; a row that is full counts in `more`. `t` gives file, line, section and tag (may be NULL). found NULL: "nothing". */
void ike_conf_report(ike_config_report *r, const ike_triplet *t, const char *expected, ike_bytes found,
                     const struct ike_conf_fault *why);
/* The same with `found` written as it is, unquoted. */
void ike_conf_report_word(ike_config_report *r, const ike_triplet *t, const char *expected, const char *found,
                          const char *hint);

/* ---- Keys (keys.c) ----------------------------------------------------------------------------------------------------- */

enum ike_conf_section { IKE_CONF_DAEMON, IKE_CONF_CONNECTION, IKE_CONF_CHILD, IKE_CONF_USER, IKE_CONF_SECTIONS };
/* Whose struct a row fills. */
enum ike_conf_target {
    IKE_CONF_T_DAEMON,
    IKE_CONF_T_ENGINE,
    IKE_CONF_T_CONN,
    IKE_CONF_T_CHILD,
    IKE_CONF_T_USER,
    IKE_CONF_T_NONE
};

struct ike_conf_key;
struct ike_conf_kind { /* of value: how it is described, read and compared */
    void (*expected)(const struct ike_conf_key *k, struct ike_text *out);
    bool (*parse)(struct ike_arena *a, const struct ike_conf_key *k, const char *value, void *target,
                  struct ike_conf_fault *f);
    bool (*same)(const struct ike_conf_key *k, const void *x, const void *y);
    bool secret; /* never shown */
};

struct ike_conf_key {
    uint8_t section, target;
    uint8_t width; /* octets of the field, for numbers */
    bool required;
    bool in_connection; /* a child's key that may stand in the connection */
    uint16_t at, at2;   /* offset of the field; of a second one: the count of a list */
    const struct ike_conf_kind *kind;
    const char *tag, *standard, *text;
    uint64_t min, max;
    const char *const *words;
};

extern const struct ike_conf_key ike_conf_keys[];
extern const size_t ike_conf_n_keys;

/* "connection" for IKE_CONF_CONNECTION. */
const char *ike_conf_section_name(unsigned section);
/* The row that a tag means in a section of this kind (with keys of the child that may stand in a connection), or NULL. */
const struct ike_conf_key *ike_conf_key_find(unsigned section, const char *tag);
/* The nearest tag of that kind of section, or what people who know other programs mean by it; NULL if nothing is near. */
const char *ike_conf_key_nearest(unsigned section, const char *tag);
/* Which kind of section has this tag, or IKE_CONF_SECTIONS. */
unsigned ike_conf_key_elsewhere(unsigned section, const char *tag);
/* Of n words the one within a third of the text's length of edits, or NULL. */
const char *ike_conf_nearest(const char *text, const char *const *words, size_t n);
size_t ike_conf_expected(const struct ike_conf_key *k, char *out, size_t n);

/* ---- Values (value.c, value_net.c) ------------------------------------------------------------------------------------- */

extern const struct ike_conf_kind ike_kind_yesno, ike_kind_number, ike_kind_seconds, ike_kind_millis, ike_kind_volume,
    ike_kind_mtu, ike_kind_life, ike_kind_word, ike_kind_index, ike_kind_text, ike_kind_path, ike_kind_device,
    ike_kind_conn_name, ike_kind_user_name;
extern const struct ike_conf_kind ike_kind_remote, ike_kind_local, ike_kind_listen, ike_kind_id, ike_kind_any_id, ike_kind_ts,
    ike_kind_proposals, ike_kind_secret, ike_kind_file, ike_kind_pool, ike_kind_servers, ike_kind_family;

/* A name of a connection or child: printable, no blank, none of / " [ ] , and not too long. */
bool ike_conf_name_ok(const char *s, size_t n);
/* A secret in the form of the tag `secret`. */
bool ike_conf_secret(struct ike_arena *a, const char *value, ike_bytes *out, struct ike_conf_fault *f);

#endif
