/* SPDX-License-Identifier: ISC
 *
 * pfkey_probe.c - can this kernel do ESP for us by PF_KEY, and is somebody else at it already?
 */
#include "app/pfkey_msg.h"
#include "app/xfrm.h"
#include "sysdep/random.h"

#include <errno.h>
#include <linux/ipsec.h>
#include <stdio.h>
#include <string.h>

/* An SA nobody can use, from the loopback address to itself, with algorithms that every PF_KEY has. */
static int probe_sa(struct pfk_sock *s)
{
    struct pfk_msg m;
    uint8_t key[36];
    ike_ipsec_sa sa = {.size = sizeof(sa), .inbound = true, .protocol = IKE_PROTO_ESP, .encr = 12, .encr_bits = 128, .integ = 2};
    (void)ike_addr_parse(&sa.path.local, "127.0.0.1");
    (void)ike_addr_parse(&sa.path.remote, "127.0.0.1");
    if (random_spi(&sa.spi) != IKE_OK || random_fill(NULL, key, sizeof(key)) != IKE_OK) {
        return -EIO;
    }
    sa.encr_key = (ike_bytes){key, 16};
    sa.integ_key = (ike_bytes){key + 16, 20};
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    int error = pfk_call(s, &m, NULL, NULL);
    if (error == 0) {
        struct xfrm_sa_name name = xfrm_name_of(&sa);
        pfkey_encode_sa_name(&m, SADB_DELETE, &name);
        (void)pfk_call(s, &m, NULL, NULL);
    }
    explicit_bzero(key, sizeof(key));
    return error;
}

int pfkey_probe(struct ikelibd *d, char *why, size_t n)
{
    struct pfk_sock s;
    (void)d;
    int error = pfk_open(&s);
    if (error != 0) {
        const char *text = error == -EPERM ? "no right to set SAs (CAP_NET_ADMIN)" : strerror(-error);
        snprintf(why, n, "%s", error == -EAFNOSUPPORT ? "this kernel has no PF_KEY (module af_key)" : text);
        return error;
    }
    error = probe_sa(&s);
    if (error == -EPROTONOSUPPORT || error == -ENOSYS || error == -ENOENT) {
        snprintf(why, n, "the kernel has no ESP (module esp4), or no AES-CBC with HMAC-SHA-1");
    } else if (error != 0) {
        snprintf(why, n, "the kernel refuses a test SA: %s", strerror(-error));
    }
    pfk_close(&s);
    return error;
}

struct foreign {
    unsigned count;
    struct xfrm_userpolicy_info first;
};

static void count_policy(void *arg, const struct pfk_view *v)
{
    struct foreign *f = arg;
    struct xfrm_userpolicy_id id;
    struct sadb_x_policy policy;
    /* Without a request nothing is protected. Further directions are those of sockets' policies. */
    if (pfkey_read_policy(v, &id) && pfk_get(v, SADB_X_EXT_POLICY, &policy, sizeof(policy)) &&
        v->ext[SADB_X_EXT_POLICY].len > sizeof(policy) && id.dir <= SPD_FWD && f->count++ == 0) {
        f->first = (struct xfrm_userpolicy_info){.sel = id.sel, .dir = id.dir, .index = policy.sadb_x_policy_id};
    }
}

void pfkey_warn_foreign(struct xfrm_app *x)
{
    struct foreign f = {0};
    struct pfk_msg m;
    pfk_begin(&m, SADB_X_SPDDUMP, SADB_SATYPE_UNSPEC);
    if (pfk_call(&x->key, &m, count_policy, &f) == 0 && f.count > 0) {
        xfrm_tell_foreign(x, f.count, &f.first);
    }
}
