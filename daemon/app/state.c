/* SPDX-License-Identifier: ISC
 *
 * state.c - the list of what we installed in the kernel, kept in a file.
 */
#include "app/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT 192 /* octets of a record with its newline; slot 0 is the heading */

struct state {
    int fd;
    char *path;
    int *unused; /* slots that are free below `slots` */
    int n_unused, max_unused, slots;
};

void state_path(const char *socket_path, char *out, size_t n) { snprintf(out, n, "%s.state", socket_path); }

static void read_line(const char *path, char *out, size_t n)
{
    out[0] = 0;
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        if (fgets(out, (int)n, f) != NULL) {
            out[strcspn(out, "\n")] = 0;
        }
        fclose(f);
    }
}

/* Which kernel and network this is. */
static void heading(char *out, size_t n)
{
    char boot[64], net[64] = "";
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    ssize_t len = readlink("/proc/self/ns/net", net, sizeof(net) - 1);
    net[len > 0 ? len : 0] = 0;
    snprintf(out, n, "ikelibd 1 %s %s", boot, net);
}

static int write_slot(struct state *s, int slot, const char *text)
{
    char record[SLOT + 1];
    int n = snprintf(record, sizeof(record), "%-*s\n", SLOT - 1, text);
    if (n != SLOT) {
        return -EMSGSIZE;
    }
    return pwrite(s->fd, record, SLOT, (off_t)slot * SLOT) == SLOT ? 0 : -errno;
}

static bool read_slot(struct state *s, int slot, char *text)
{
    if (pread(s->fd, text, SLOT, (off_t)slot * SLOT) != SLOT) {
        return false;
    }
    size_t n = SLOT;
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n')) {
        n--;
    }
    text[n] = 0;
    return true;
}

static void take_leftovers(struct state *s, void (*leftover)(void *arg, const char *record), void *arg)
{
    char mine[SLOT + 1], found[SLOT + 1];
    struct stat st;
    heading(mine, SLOT);
    if (fstat(s->fd, &st) < 0 || !read_slot(s, 0, found) || strcmp(mine, found) != 0) {
        return;
    }
    for (int slot = (int)(st.st_size / SLOT) - 1; slot > 0; slot--) {
        if (read_slot(s, slot, found) && found[0] != 0) {
            leftover(arg, found);
        }
    }
}

struct state *state_open(const char *path, void (*leftover)(void *arg, const char *record), void *arg)
{
    struct state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->path = strdup(path);
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = s->path == NULL ? ENOMEM : s->fd < 0 ? errno : 0;
    if (error == 0 && flock(s->fd, LOCK_EX | LOCK_NB) < 0) {
        error = errno;
    }
    if (error == 0) {
        take_leftovers(s, leftover, arg);
        char mine[SLOT];
        heading(mine, sizeof(mine));
        error = ftruncate(s->fd, 0) < 0 ? errno : -write_slot(s, 0, mine);
        s->slots = 1;
    }
    if (error != 0) {
        if (s->fd >= 0) {
            close(s->fd);
        }
        free(s->path);
        free(s);
        errno = error;
        return NULL;
    }
    return s;
}

void state_close(struct state *s)
{
    if (s == NULL) {
        return;
    }
    unlink(s->path);
    close(s->fd);
    free(s->path);
    free(s->unused);
    free(s);
}

int state_add(struct state *s, const char *record)
{
    if (s == NULL) {
        return -1;
    }
    int slot = s->n_unused > 0 ? s->unused[s->n_unused - 1] : s->slots;
    if (write_slot(s, slot, record) != 0) {
        return -1;
    }
    if (s->n_unused > 0) {
        s->n_unused--;
    } else {
        s->slots++;
    }
    return slot;
}

void state_remove(struct state *s, int slot)
{
    if (s == NULL || slot <= 0) {
        return;
    }
    (void)write_slot(s, slot, "");
    if (s->n_unused == s->max_unused) {
        int max = s->max_unused == 0 ? 64 : 2 * s->max_unused;
        int *grown = realloc(s->unused, (size_t)max * sizeof(int));
        if (grown == NULL) {
            return; /* the slot stays blank and unused */
        }
        s->unused = grown;
        s->max_unused = max;
    }
    s->unused[s->n_unused++] = slot;
}
