/* SPDX-License-Identifier: ISC
 *
 * tree.c - a VICI message as a tree, for looking things up in it.
 */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

static char *copy(struct vici_text t)
{
    char *s = malloc(t.n + 1);
    if (s) {
        memcpy(s, t.n ? t.p : "", t.n);
        s[t.n] = 0;
    }
    return s;
}

static struct node *make(enum vici_element_type type, struct vici_text name, struct vici_text value)
{
    struct node *n = calloc(1, sizeof *n);
    if (n) {
        n->type = type;
        n->name = copy(name);
        n->value = copy(value);
        if (n->name == NULL || n->value == NULL) {
            tree_free(n);
            n = NULL;
        }
    }
    return n;
}

void tree_free(struct node *n)
{
    for (struct node *next; n; n = next) {
        next = n->next;
        tree_free(n->first); /* as deep as vici_next() allows */
        free(n->name);
        free(n->value);
        free(n);
    }
}

struct node *tree_read(struct vici_text message)
{
    struct vici_reader r = vici_reader(message);
    struct vici_element e;
    struct node **end[VICI_DEPTH_MAX + 2]; /* where the next node goes, per level */
    unsigned depth = 0;
    struct node *root = make(VICI_SECTION_START, (struct vici_text){0}, (struct vici_text){0});
    end[0] = root ? &root->first : NULL;
    while (root) {
        if (!vici_next(&r, &e)) {
            break;
        }
        if (e.type == VICI_END) {
            return root;
        }
        if (e.type == VICI_SECTION_END || e.type == VICI_LIST_END) {
            depth--;
            continue;
        }
        struct node *n = make(e.type, e.name, e.value);
        if (n == NULL) {
            break;
        }
        *end[depth] = n;
        end[depth] = &n->next;
        if (e.type == VICI_SECTION_START || e.type == VICI_LIST_START) {
            depth++;
            end[depth] = &n->first;
        }
    }
    tree_free(root);
    return NULL;
}

const struct node *tree_find(const struct node *section, const char *name)
{
    for (const struct node *n = section ? section->first : NULL; n; n = n->next) {
        if (strcmp(n->name, name) == 0) {
            return n;
        }
    }
    return NULL;
}

const char *tree_str(const struct node *section, const char *key)
{
    const struct node *n = tree_find(section, key);
    return n && n->type == VICI_KEY_VALUE ? n->value : "";
}

unsigned long long tree_num(const struct node *section, const char *key)
{
    return strtoull(tree_str(section, key), NULL, 10);
}

bool tree_yes(const struct node *section, const char *key) { return strcmp(tree_str(section, key), "yes") == 0; }

/* Lists of any length are put together so: the end is not looked for anew each time. */
void tree_move(struct node *to, struct node *from)
{
    if (from->first == NULL) {
        return;
    }
    struct node *end = to->last ? to->last : to->first;
    while (end && end->next) {
        end = end->next;
    }
    if (end) {
        end->next = from->first;
    } else {
        to->first = from->first;
    }
    to->last = end ? end : to->first;
    from->first = from->last = NULL;
}
