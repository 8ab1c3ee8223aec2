/* SPDX-License-Identifier: ISC
 *
 * daemon/sysdep/portowner.c: the kernel's table of UDP sockets, and our own process found through it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sysdep/portowner.h"

static const char table[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
    "  325: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 18021 2 0000000000000000 0\n"
    "  757: 00000000:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 91234 2 0000000000000000 0\n"
    "  757: 0100007F:01F4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 91235 2 0000000000000000 0\n"
    " 4757: 00000000000000000000000000000000:1194 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000"
    "  1000        0 777 2 0000000000000000 0\n"
    "rubbish\n"
    " 1: 00000000:0001\n";

static unsigned long look(uint16_t port)
{
    FILE *f = fmemopen((void *)(uintptr_t)table, strlen(table), "r");
    assert_non_null(f);
    unsigned long inode = port_owner_inode(f, port);
    fclose(f);
    return inode;
}

static void inodes(void **state)
{
    (void)state;
    assert_int_equal(look(500), 91234);
    assert_int_equal(look(68), 18021);
    assert_int_equal(look(4500), 777); /* a row of /proc/net/udp6 */
    assert_int_equal(look(501), 0);
    assert_int_equal(look(1), 0);
}

static void ourselves(void **state)
{
    (void)state;
    struct sockaddr_in self = {.sin_family = AF_INET};
    socklen_t len = sizeof(self);
    char name[128], pid[32];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&self, sizeof(self)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&self, &len), 0);
    assert_true(port_owner(ntohs(self.sin_port), name, sizeof(name)));
    snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
    assert_non_null(strstr(name, pid));
    assert_non_null(strstr(name, "test_daemon"));
    close(fd);
    assert_false(port_owner(ntohs(self.sin_port), name, sizeof(name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inodes), cmocka_unit_test(ourselves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
