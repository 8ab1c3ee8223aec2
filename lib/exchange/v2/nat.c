/* SPDX-License-Identifier: ISC
 *
 * NAT detection (RFC 7296 section 2.23).
 */
#include "exchange/v2/v2.h"

#define NAT_HASH_LEN 20

/* Of the address as this side sees it; the two sides compare. SHA-1 is the RFC's and is no security here: whoever can forge
 * the hashes can as well change the addresses. */
static bool hash_address(struct ike_core *c, uint64_t spi_i, uint64_t spi_r, const ike_addr *a, uint8_t out[NAT_HASH_LEN])
{
    const ike_hash *sha1 = ike_find_hash(c->crypto, 1);
    uint8_t buf[34];
    struct ike_wr w = ike_wr(buf, sizeof buf);
    if (!sha1) {
        return false;
    }
    ike_wr_u64(&w, spi_i);
    ike_wr_u64(&w, spi_r);
    ike_wr_put(&w, a->ip, a->family == 4 ? 4 : 16);
    ike_wr_u16(&w, a->port);
    sha1->init(c->ctx);
    sha1->update(c->ctx, buf, w.len);
    sha1->final(c->ctx, out);
    return true;
}

/* As in the header it goes with: the request knows no responder's SPI yet. */
static uint64_t spi_r_on_wire(const struct ike_exchange *x) { return x->role == IKE_INITIATOR ? 0 : x->sa->spi_r; }

/* Of a path whose local address may be wrong, on a host with several: then the peer sees a NAT that is not there, which costs
 * keepalives and encapsulation, but works. */
void ike_put_nat_detection(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    const ike_path *path = x->role == IKE_INITIATOR ? &x->sa->path : &x->path;
    uint8_t hash[NAT_HASH_LEN];
    if (!hash_address(c, x->sa->spi_i, spi_r_on_wire(x), &path->local, hash)) {
        return;
    }
    if (x->sa->conf->s.encap) {
        hash[0] ^= 0xff; /* a source nobody has: the peer takes us to be behind a NAT */
        x->sa->ours_fake_nat = true;
    }
    ike_put_notify(&x->chain, IKE_N_NAT_DETECTION_SOURCE_IP, ike_bytes_of(hash, sizeof hash));
    hash_address(c, x->sa->spi_i, spi_r_on_wire(x), &path->remote, hash);
    ike_put_notify(&x->chain, IKE_N_NAT_DETECTION_DESTINATION_IP, ike_bytes_of(hash, sizeof hash));
}

/* Several SOURCE notifies may come, one for each address the peer may send from: one that fits is enough (RFC 7296 section
 * 2.23). The notifies of IKE_SA_INIT are covered by AUTH later. */
void ike_detect_nat(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    uint8_t source[NAT_HASH_LEN], dest[NAT_HASH_LEN];
    bool any_source = false, source_fits = false, any_dest = false, dest_fits = false;
    if (!hash_address(&x->e->core, x->msg->h.spi_i, x->msg->h.spi_r, &x->path.remote, source) ||
        !hash_address(&x->e->core, x->msg->h.spi_i, x->msg->h.spi_r, &x->path.local, dest)) {
        return;
    }
    for (unsigned i = 0; i < x->msg->n; i++) {
        struct ike_notify n;
        if (x->msg->p[i].type != IKE_P_NOTIFY || ike_notify_parse(&n, &x->msg->p[i]) != IKE_OK || n.data.len != NAT_HASH_LEN) {
            continue;
        }
        if (n.type == IKE_N_NAT_DETECTION_SOURCE_IP) {
            any_source = true;
            source_fits |= memcmp(n.data.ptr, source, NAT_HASH_LEN) == 0;
        } else if (n.type == IKE_N_NAT_DETECTION_DESTINATION_IP) {
            any_dest = true;
            dest_fits |= memcmp(n.data.ptr, dest, NAT_HASH_LEN) == 0;
        }
    }
    /* No notifies, no NAT: a peer that does not detect cannot traverse either. */
    sa->nat_remote = any_source && !source_fits;
    sa->nat_local = any_dest && !dest_fits;
    sa->no_nat_t = !any_source || !any_dest; /* then it cannot take UDP encapsulation */
}
