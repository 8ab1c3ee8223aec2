/* SPDX-License-Identifier: ISC
 *
 * daemon/sysdep/portowner.c: the kernel's table of UDP sockets, and the process found through it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sysdep/portowner.h"

/* The kernel prints an address as words of 32 bits in the host's order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOOPBACK "0100007F"
#define V6       "B80D0120000000000000000001000000"
#define MAPPED   "0000000000000000FFFF00000100000A"
#else
#define LOOPBACK "7F000001"
#define V6       "20010DB8000000000000000000000001"
#define MAPPED   "00000000000000000000FFFF0A000001"
#endif

static const char table[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
    "  325: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 18021 2 0000000000000000 0\n"
    "  757: 00000000:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 91234 2 0000000000000000 0\n"
    "  757: " LOOPBACK ":01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 91235 2 0000000000000000 0\n"
    " 4757: 00000000000000000000000000000000:1194 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000"
    "  1000        0 777 2 0000000000000000 0\n"
    " 4757: " V6 ":1194 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000"
    "  1000        0 778 2 0000000000000000 0\n"
    " 4757: " MAPPED ":1194 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000"
    "  1000        0 779 2 0000000000000000 0\n"
    "rubbish\n"
    " 1: 00000000:0001\n";

/* The inodes in the way of this address, as a text. */
static const char *look(const char *address)
{
    static char text[128];
    unsigned long inodes[8];
    ike_addr a;
    size_t at = 0;
    FILE *f = fmemopen((void *)(uintptr_t)table, strlen(table), "r");
    assert_non_null(f);
    assert_int_equal(ike_addr_parse(&a, address), IKE_OK);
    size_t n = port_owner_inodes(f, &a, inodes, 8);
    fclose(f);
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)sprintf(text + at, "%s%lu", i ? " " : "", inodes[i]);
    }
    return text;
}

static void inodes(void **state)
{
    (void)state;
    assert_string_equal(look("0.0.0.0:500"), "91234 91235");
    assert_string_equal(look("10.0.0.1:500"), "91234");
    assert_string_equal(look("127.0.0.1:500"), "91234 91235");
    assert_string_equal(look("10.0.0.1:68"), "18021");
    assert_string_equal(look("[::]:500"), "");
    /* rows of /proc/net/udp6: who has all addresses may have IPv4's too; a mapped address is one of IPv4 */
    assert_string_equal(look("[::]:4500"), "777 778");
    assert_string_equal(look("[2001:db8::2]:4500"), "777");
    assert_string_equal(look("[2001:db8::1]:4500"), "777 778");
    assert_string_equal(look("0.0.0.0:4500"), "777 779");
    assert_string_equal(look("10.0.0.1:4500"), "777 779");
    assert_string_equal(look("10.0.0.2:4500"), "777");
    assert_string_equal(look("0.0.0.0:501"), "");
    assert_string_equal(look("0.0.0.0:1"), "");
}

/* A socket of this family that only takes what it says; its port in *a. */
static int open_socket(int family, ike_addr *a)
{
    struct sockaddr_storage ss = {.ss_family = (sa_family_t)family};
    socklen_t len = sizeof(ss);
    int on = 1, fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && family == AF_INET6) {
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
    }
    if (fd < 0 ||
        bind(fd, (struct sockaddr *)&ss, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) < 0) {
        skip(); /* no IPv6 here */
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    /* Both kinds have it in the same place. */
    *a = (ike_addr){.family = family == AF_INET ? 4 : 6, .port = ntohs(((struct sockaddr_in *)(void *)&ss)->sin_port)};
    return fd;
}

/* As the kernel has it: below an emulator that is the emulator's. */
static void own_name(char *out, int n)
{
    FILE *f = fopen("/proc/self/comm", "re");
    assert_non_null(f);
    assert_non_null(fgets(out, n, f));
    out[strcspn(out, "\n")] = 0;
    fclose(f);
}

/* We are not named; another process is, and one that has the port for IPv4 is not in the way of IPv6. */
static void processes(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    char comm[32];
    (void)state;
    own_name(comm, (int)sizeof(comm));
    for (int i = 0; i < 2; i++) {
        ike_addr a;
        char name[128], other[128], want[64];
        int fd = open_socket(families[i], &a);
        assert_false(port_owner(&a, name, sizeof(name))); /* ourselves */
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            pause();
            _exit(0);
        }
        close(fd); /* the child has it still */
        bool taken = port_owner(&a, name, sizeof(name));
        ike_addr v6 = {.family = 6, .port = a.port};
        bool in_the_way = port_owner(&v6, other, sizeof(other));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        snprintf(want, sizeof(want), "%s (pid %d)", comm, (int)child);
        assert_true(taken);
        assert_string_equal(name, want);
        assert_int_equal(in_the_way, families[i] == AF_INET6);
        assert_false(port_owner(&a, name, sizeof(name)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inodes), cmocka_unit_test(processes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
