/* SPDX-License-Identifier: ISC
 *
 * keylog.c - the file for the keys of IKE SAs: opened so that nobody else can read it or have put it there.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NULL, or why keys must not go there. Nothing has been changed yet, so a device or somebody's file stays as it is. */
static const char *unfit(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return strerror(errno);
    }
    if (!S_ISREG(st.st_mode)) {
        return "not a regular file";
    }
    if (st.st_uid != geteuid()) {
        return "belongs to another user";
    }
    if (st.st_nlink != 1) {
        return "has another name too (hard link)";
    }
    return fchmod(fd, 0600) < 0 ? strerror(errno) : NULL;
}

int keylog_open(struct ikelibd *d)
{
    const char *path = d->settings.keylog;
    d->keylog_fd = -1;
    if (path[0] == 0) {
        return 0;
    }
    /* A FIFO that nobody reads must not hold the daemon up. */
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    const char *wrong = fd >= 0          ? unfit(fd)
                        : errno == ELOOP ? "is a symbolic link"
                        : errno == ENXIO ? "not a regular file"
                                         : strerror(errno);
    if (wrong != NULL) {
        daemon_log(d, IKE_LOG_ERROR, "key log %s: %s", path, wrong);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    d->keylog_fd = fd;
    daemon_log(d, IKE_LOG_WARN, "KEY LOG IS ON: whoever reads %s can decrypt every IKE SA of this run and the tunnels made in it",
               path);
    return 0;
}
