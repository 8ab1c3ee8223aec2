/* SPDX-License-Identifier: ISC
 *
 * us_tun.c - the TUN device of the user-space data plane. It is not persistent: it goes with the process.
 */
#include "app/userspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define OUTER_MTU_DEFAULT 1500
#define INNER_MTU_MIN_V6  1280
#define INNER_MTU_MIN     576

static int open_tun(const char *name, char *got)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    snprintf(got, IFNAMSIZ, "%s", ifr.ifr_name);
    return fd;
}

int us_tun_probe(char *why, size_t n)
{
    char name[IFNAMSIZ];
    int fd = open_tun("ikelib%d", name);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    switch (-fd) {
    case ENOENT:
    case ENODEV:
        snprintf(why, n, "no /dev/net/tun (module tun)");
        break;
    case EPERM:
    case EACCES:
        snprintf(why, n, "no right to make a TUN device (CAP_NET_ADMIN)");
        break;
    default:
        snprintf(why, n, "/dev/net/tun: %s", strerror(-fd));
        break;
    }
    return fd;
}

/* No link-local address of its own: router solicitations would only come out of the device to be dropped. */
static void no_autoconf(const char *name)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1", 1);
        close(fd);
    }
}

int us_tun_open(struct us_app *u)
{
    struct ikelibd *d = u->app.d;
    const char *name = d->settings.tun_name[0] != 0 ? d->settings.tun_name : "ikelib%d";
    int fd = open_tun(name, u->name);
    if (fd < 0) {
        daemon_log(d, IKE_LOG_ERROR, "cannot make the TUN device %s: %s", name,
                   fd == -EBUSY ? "the name is in use" : strerror(-fd));
        return fd;
    }
    u->tun = fd;
    u->ifindex = if_nametoindex(u->name);
    u->mtu = d->settings.mtu != 0 ? d->settings.mtu : OUTER_MTU_DEFAULT - 100;
    no_autoconf(u->name);
    int error = rt_link_set(&u->rt, u->ifindex, true, u->mtu);
    if (error != 0) {
        daemon_log(d, IKE_LOG_ERROR, "cannot set up %s: %s", u->name, strerror(-error));
        return error;
    }
    return loop_fd_add(d->loop, fd, EPOLLIN, us_tun_readable, u);
}

void us_tun_close(struct us_app *u)
{
    if (u->tun >= 0) {
        loop_fd_del(u->app.d->loop, u->tun);
        close(u->tun);
        u->tun = -1;
    }
}

/* ---- MTU ------------------------------------------------------------------------------------------------------------------ */

/* The largest inner packet whose ESP packet, in UDP in IP, still fits the way to the peer. */
uint32_t us_inner_mtu(struct us_app *u, const struct us_sa *sa)
{
    struct rt_path path;
    uint32_t outer = OUTER_MTU_DEFAULT;
    if (rt_lookup(&u->rt, &sa->path.remote, ROUTES_MARK, &path) == 0 && path.mtu != 0) {
        outer = path.mtu < PACKET_MAX ? path.mtu : PACKET_MAX - 1;
    }
    uint32_t headers = (sa->path.remote.family == 6 ? 40U : 20U) + 8U;
    uint32_t inner = outer > headers ? outer - headers : INNER_MTU_MIN;
    while (inner > INNER_MTU_MIN && ike_esp_sealed_size(sa->esp, inner) + headers > outer) {
        inner--;
    }
    return inner;
}

static bool carries_v6(const struct us_entry *e)
{
    for (size_t i = 0; i < e->n_remote_ts; i++) {
        if (e->remote_ts[i].family == 6) {
            return true;
        }
    }
    return false;
}

/* IPv6 does not work below 1280: rather let the outer packets be fragmented. */
void us_tun_mtu(struct us_app *u)
{
    struct ikelibd *d = u->app.d;
    uint32_t mtu = UINT32_MAX;
    if (d->settings.mtu != 0) {
        return;
    }
    for (struct us_entry *e = u->entries; e != NULL; e = e->next) {
        for (struct us_sa *sa = e->out; sa != NULL; sa = sa->next) {
            uint32_t one = sa->mtu < INNER_MTU_MIN_V6 && carries_v6(e) ? INNER_MTU_MIN_V6 : sa->mtu;
            mtu = one < mtu ? one : mtu;
        }
    }
    if (mtu == UINT32_MAX || mtu == u->mtu) {
        return;
    }
    int error = rt_link_set(&u->rt, u->ifindex, true, mtu);
    if (error != 0) {
        daemon_log(d, IKE_LOG_WARN, "cannot set the MTU of %s to %u: %s", u->name, mtu, strerror(-error));
        return;
    }
    daemon_log(d, IKE_LOG_DEBUG, "%s: MTU %u", u->name, mtu);
    u->mtu = mtu;
}
