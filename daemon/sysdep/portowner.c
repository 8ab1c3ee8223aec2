/* SPDX-License-Identifier: ISC
 *
 * portowner.c - who holds a UDP port: the socket's inode from /proc/net/udp, then the process that has it open.
 */
#include "sysdep/portowner.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned long port_owner_inode(FILE *table, uint16_t port)
{
    char line[512];
    while (fgets(line, sizeof(line), table) != NULL) {
        unsigned local_port = 0;
        unsigned long inode = 0;
        /* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode ... */
        if (sscanf(line, "%*s %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &local_port, &inode) == 2 &&
            local_port == port && inode != 0) {
            return inode;
        }
    }
    return 0;
}

static unsigned long find_inode(uint16_t port)
{
    static const char *const tables[] = {"/proc/net/udp", "/proc/net/udp6"};
    unsigned long inode = 0;
    for (size_t i = 0; i < 2 && inode == 0; i++) {
        FILE *f = fopen(tables[i], "re");
        if (f != NULL) {
            inode = port_owner_inode(f, port);
            fclose(f);
        }
    }
    return inode;
}

static bool process_has(const char *pid, const char *link)
{
    char path[300];
    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return false;
    }
    bool found = false;
    for (struct dirent *e; !found && (e = readdir(dir)) != NULL;) {
        char file[600], target[64];
        snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        ssize_t n = readlink(file, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = 0;
            found = strcmp(target, link) == 0;
        }
    }
    closedir(dir);
    return found;
}

static void process_name(const char *pid, char *out, size_t n)
{
    char path[300], name[64] = "";
    snprintf(path, sizeof(path), "/proc/%s/comm", pid);
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        if (fgets(name, sizeof(name), f) != NULL) {
            name[strcspn(name, "\n")] = 0;
        }
        fclose(f);
    }
    snprintf(out, n, "%s (pid %s)", name[0] != 0 ? name : "a process", pid);
}

bool port_owner(uint16_t port, char *out, size_t n)
{
    unsigned long inode = find_inode(port);
    if (inode == 0) {
        return false;
    }
    char link[64];
    snprintf(link, sizeof(link), "socket:[%lu]", inode);
    snprintf(out, n, "another process");
    DIR *proc = opendir("/proc");
    if (proc == NULL) {
        return true;
    }
    for (struct dirent *e; (e = readdir(proc)) != NULL;) {
        if (isdigit((unsigned char)e->d_name[0]) && process_has(e->d_name, link)) {
            process_name(e->d_name, out, n);
            break;
        }
    }
    closedir(proc);
    return true;
}
