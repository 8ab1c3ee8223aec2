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

#define SOCKETS_MAX 64

/* Words of 32 bits in the host's order, as the kernel prints them. False if the text is no address. */
static bool read_ip(const char *hex, ike_addr *a)
{
    size_t n = strlen(hex);
    *a = (ike_addr){.family = n == 8 ? 4 : 6};
    for (size_t i = 0; i < n / 8 && i < 4; i++) {
        char word[9] = "";
        memcpy(word, hex + 8 * i, 8);
        uint32_t v = (uint32_t)strtoul(word, NULL, 16);
        memcpy(a->ip + 4 * i, &v, 4);
    }
    return n == 8 || n == 32;
}

static bool is_all(const ike_addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

/* Whether both cannot be bound. The table of IPv6 does not tell which of its sockets take IPv4 too: when one for IPv4 is asked
 * about, one for all addresses is taken to be such a one. Ours for IPv6 never are. */
static bool conflict(const ike_addr *held, const ike_addr *local)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    ike_addr h = *held;
    if (h.family == 6 && memcmp(h.ip, mapped, sizeof(mapped)) == 0) {
        h = (ike_addr){.family = 4};
        memcpy(h.ip, held->ip + sizeof(mapped), 4);
    }
    if (h.family != local->family) {
        return local->family == 4 && is_all(&h);
    }
    return is_all(&h) || is_all(local) || memcmp(h.ip, local->ip, h.family == 4 ? 4 : 16) == 0;
}

size_t port_owner_inodes(FILE *table, const ike_addr *local, unsigned long *inodes, size_t n)
{
    char line[512];
    size_t found = 0;
    while (found < n && fgets(line, sizeof(line), table) != NULL) {
        char ip[33];
        unsigned port = 0;
        unsigned long inode = 0;
        ike_addr held;
        /* sl local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode ... */
        if (sscanf(line, "%*s %32[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %lu", ip, &port, &inode) == 3 && inode != 0 &&
            port == local->port && read_ip(ip, &held) && conflict(&held, local)) {
            inodes[found++] = inode;
        }
    }
    return found;
}

/* IPv4's own table first: what it has is surely in the way. */
static size_t find_inodes(const ike_addr *local, unsigned long *inodes, size_t n)
{
    size_t found = 0;
    for (int v6 = local->family == 6; v6 < 2; v6++) {
        FILE *f = fopen(v6 ? "/proc/net/udp6" : "/proc/net/udp", "re");
        if (f != NULL) {
            found += port_owner_inodes(f, local, inodes + found, n - found);
            fclose(f);
        }
    }
    return found;
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

static void process_name(long pid, char *out, size_t n)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        if (fgets(name, sizeof(name), f) != NULL) {
            name[strcspn(name, "\n")] = 0;
        }
        fclose(f);
    }
    snprintf(out, n, "%s (pid %ld)", name[0] != 0 ? name : "a process", pid);
}

/* The number of the process that has the socket, 0 if none can be seen to have it. */
static long find_process(unsigned long inode)
{
    char link[64];
    long pid = 0;
    snprintf(link, sizeof(link), "socket:[%lu]", inode);
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc != NULL && pid == 0 && (e = readdir(proc)) != NULL;) {
        if (isdigit((unsigned char)e->d_name[0]) && process_has(e->d_name, link)) {
            pid = strtol(e->d_name, NULL, 10);
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return pid;
}

/* A socket of ours is not what somebody has to stop. */
bool port_owner(const ike_addr *local, char *out, size_t n)
{
    unsigned long inodes[SOCKETS_MAX];
    size_t found = find_inodes(local, inodes, SOCKETS_MAX);
    bool unseen = false;
    for (size_t i = 0; i < found; i++) {
        long pid = find_process(inodes[i]);
        if (pid == 0) {
            unseen = true;
        } else if (pid != getpid()) {
            process_name(pid, out, n);
            return true;
        }
    }
    snprintf(out, n, "another process");
    return unseen;
}
