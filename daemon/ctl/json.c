/* SPDX-License-Identifier: ISC
 *
 * json.c - JSON output (RFC 8259). Keys are ours and never change their meaning within a schema version.
 */
#include "ctl/ctl.h"

#include <stdint.h>
#include <string.h>

static void string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c == '\n') {
            fputs("\\n", out);
        } else if (c < 0x20 || c >= 0x7f) { /* what is not ASCII has been escaped by the daemon; anything left is one octet */
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void begin(struct json *j, const char *key)
{
    if (j->comma) {
        fputc(',', j->out);
    }
    if (j->depth && !j->lines) {
        fprintf(j->out, "\n%*s", 2 * j->depth, "");
    }
    if (key) {
        string(j->out, key);
        fputs(j->lines ? ":" : ": ", j->out);
    }
    j->comma = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
    begin(j, key);
    fputc(bracket, j->out);
    j->depth++;
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    j->depth--;
    if (j->comma && !j->lines) {
        fprintf(j->out, "\n%*s", 2 * j->depth, "");
    }
    fputc(bracket, j->out);
    j->comma = true;
    if (j->depth == 0) {
        fputc('\n', j->out);
        j->comma = false;
    }
}

void json_str(struct json *j, const char *key, const char *value)
{
    begin(j, key);
    string(j->out, value);
}

void json_num(struct json *j, const char *key, unsigned long long value)
{
    begin(j, key);
    fprintf(j->out, "%llu", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
    begin(j, key);
    fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
    begin(j, key);
    fputs("null", j->out);
}

void json_failure(struct json *j, const char *key, const struct node *f)
{
    static const struct {
        const char *vici, *json;
        bool number;
    } keys[] = {{"code", "code", true},
                {"name", "name", false},
                {"cause", "cause", false},
                {"decided-by", "decided_by", false},
                {"role", "role", false},
                {"version", "version", true},
                {"exchange", "exchange", true},
                {"step", "step", true},
                {"notify", "notify", true},
                {"transform", "transform", true},
                {"nearest", "nearest", true},
                {"repeats", "repeats", true},
                {"age", "age", true},
                {"connection", "conn", false},
                {"child", "child", false},
                {"source", "source", false},
                {"remote", "remote", false},
                {"expected", "expected", false},
                {"received", "received", false},
                {"remedy", "remedy", false},
                {"explanation", "explanation", false}};
    json_open(j, key, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].number) {
            json_num(j, keys[i].json, tree_num(f, keys[i].vici));
        } else {
            json_str(j, keys[i].json, tree_str(f, keys[i].vici));
        }
    }
    json_close(j, '}');
}
