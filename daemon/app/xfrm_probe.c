/* SPDX-License-Identifier: ISC
 *
 * xfrm_probe.c - can this kernel do ESP for us, and is somebody else at it already?
 */
#include "app/xfrm.h"
#include "sysdep/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An SA nobody can use, from the loopback address to itself. It shows rights, XFRM, ESP and AES-GCM at once: ALLOCSPI would
 * succeed without ESP. */
static int probe_sa(struct nl_sock *nl)
{
    struct nl_msg m;
    uint8_t key[20];
    ike_ipsec_sa sa = {.size = sizeof(sa), .inbound = true, .protocol = IKE_PROTO_ESP, .encr = 20, .encr_bits = 128};
    (void)ike_addr_parse(&sa.path.local, "127.0.0.1");
    (void)ike_addr_parse(&sa.path.remote, "127.0.0.1");
    if (random_spi(&sa.spi) != IKE_OK || random_fill(NULL, key, sizeof(key)) != IKE_OK) {
        return -EIO;
    }
    sa.encr_key = (ike_bytes){key, sizeof(key)};
    sa.replay_window = 32;
    int error = xfrm_encode_sa(&m, XFRM_MSG_NEWSA, &sa);
    error = error != 0 ? error : nl_call(nl, &m, NULL, NULL);
    if (error == 0) {
        struct xfrm_sa_name name = xfrm_name_of(&sa);
        xfrm_encode_sa_name(&m, XFRM_MSG_DELSA, &name);
        (void)nl_call(nl, &m, NULL, NULL);
    }
    explicit_bzero(key, sizeof(key));
    return error;
}

int xfrm_probe(struct ikelibd *d, char *why, size_t n)
{
    struct nl_sock nl;
    (void)d;
    int error = nl_open(&nl, NETLINK_XFRM);
    if (error != 0) {
        snprintf(why, n, error == -EPROTONOSUPPORT ? "this kernel has no XFRM" : "netlink: %s", strerror(-error));
        return error;
    }
    error = probe_sa(&nl);
    if (error == -EPERM) {
        snprintf(why, n, "no right to set SAs (CAP_NET_ADMIN)");
    } else if (error == -EPROTONOSUPPORT || error == -ENOSYS || error == -ENOENT) {
        snprintf(why, n, "the kernel has no ESP (module esp4) or no AES-GCM%s%s", nl.why[0] != 0 ? ": " : "", nl.why);
    } else if (error != 0) {
        snprintf(why, n, "the kernel refuses a test SA: %s%s%s", strerror(-error), nl.why[0] != 0 ? ": " : "", nl.why);
    }
    nl_close(&nl);
    return error;
}

/* ---- Others --------------------------------------------------------------------------------------------------------------- */

struct foreign {
    unsigned count;
    struct xfrm_userpolicy_info first;
    struct xfrm_mark mark; /* of the first */
    uint32_t if_id;
};

static void keep_first(struct foreign *f, const struct xfrm_userpolicy_info *info, const struct nlattr **tb)
{
    f->first = *info;
    if (tb[XFRMA_MARK] != NULL && nl_len(tb[XFRMA_MARK]) >= sizeof(f->mark)) {
        memcpy(&f->mark, nl_data(tb[XFRMA_MARK]), sizeof(f->mark));
    }
    if (tb[XFRMA_IF_ID] != NULL && nl_len(tb[XFRMA_IF_ID]) >= sizeof(f->if_id)) {
        memcpy(&f->if_id, nl_data(tb[XFRMA_IF_ID]), sizeof(f->if_id));
    }
}

static int count_policy(void *arg, const struct nlmsghdr *h)
{
    struct foreign *f = arg;
    const struct xfrm_userpolicy_info *info = NLMSG_DATA(h);
    if (h->nlmsg_type != XFRM_MSG_NEWPOLICY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*info))) {
        return 0;
    }
    const struct nlattr *tb[XFRMA_IF_ID + 1];
    nl_attrs(h, sizeof(*info), tb, XFRMA_IF_ID);
    /* Socket policies (index & 7 above 2) are the bypass of some IKE socket, and without a template nothing is protected. */
    if ((info->index & 7) <= XFRM_POLICY_FWD && tb[XFRMA_TMPL] != NULL && f->count++ == 0) {
        keep_first(f, info, tb);
    }
    return 0;
}

/* One policy can be named by its addresses or by its index; ip(8) has words for whole ports and common protocols only, so what
 * has more than addresses goes by its index. A `flush` would take our own along. */
static void delete_command(const struct foreign *f, const char *from, const char *to, const char *dir, char *out, size_t n)
{
    const struct xfrm_selector *sel = &f->first.sel;
    char which[160], more[64] = "";
    snprintf(which, sizeof(which), "src %s/%u dst %s/%u", from, sel->prefixlen_s, to, sel->prefixlen_d);
    if (sel->proto != 0 || sel->sport_mask != 0 || sel->dport_mask != 0 || sel->ifindex != 0) {
        snprintf(which, sizeof(which), "index %u", f->first.index);
    }
    if (f->mark.m != 0) {
        snprintf(more, sizeof(more), " mark %#x mask %#x", f->mark.v, f->mark.m);
    }
    if (f->if_id != 0) {
        size_t len = strlen(more);
        snprintf(more + len, sizeof(more) - len, " if_id %#x", f->if_id);
    }
    snprintf(out, n, "ip xfrm policy delete %s dir %s%s", which, dir, more);
}

static void tell_foreign(struct xfrm_app *x, const struct foreign *f)
{
    static const char *const dirs[] = {"in", "out", "fwd"};
    const char *dir = f->first.dir < 3 ? dirs[f->first.dir] : "?";
    char from[INET6_ADDRSTRLEN] = "?", to[INET6_ADDRSTRLEN] = "?", command[256];
    inet_ntop(f->first.sel.family, &f->first.sel.saddr, from, sizeof(from));
    inet_ntop(f->first.sel.family, &f->first.sel.daddr, to, sizeof(to));
    delete_command(f, from, to, dir, command, sizeof(command));
    daemon_log(
        x->app.d, IKE_LOG_ERROR,
        "%u IPsec policies of another program are installed, the first %s %s/%u -> %s/%u: is another IKE daemon running? "
        "They may take our traffic. Stop that daemon; if there is none, `%s` removes the first, and `ip xfrm policy` lists "
        "them",
        f->count, dir, from, f->first.sel.prefixlen_s, to, f->first.sel.prefixlen_d, command);
}

void xfrm_tell_foreign(struct xfrm_app *x, unsigned count, const struct xfrm_userpolicy_info *first)
{
    struct foreign f = {.count = count, .first = *first};
    tell_foreign(x, &f);
}

void xfrm_warn_foreign(struct xfrm_app *x)
{
    struct foreign f = {0};
    struct nl_msg m;
    struct xfrm_userpolicy_id none = {0};
    nl_begin(&m, XFRM_MSG_GETPOLICY, NLM_F_DUMP, &none, sizeof(none));
    if (nl_call(&x->nl, &m, count_policy, &f) == 0 && f.count > 0) {
        tell_foreign(x, &f);
    }
}
