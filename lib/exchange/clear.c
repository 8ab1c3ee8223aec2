/* SPDX-License-Identifier: ISC
 *
 * Messages in clear: those before there are keys, and what the host's tap is shown.
 */
#include "exchange/common.h"

static void put(struct ike_core *c, struct ike_header *h, const uint8_t *payloads, size_t n)
{
    h->length = (uint32_t)(IKE_HEADER_LEN + n);
    ike_header_write(c->out, h);
    memcpy(c->out + IKE_HEADER_LEN, payloads, n);
}

int ike_frame_clear(struct ike_core *c, struct ike_header *h, const struct ike_chain *chain, size_t *len)
{
    *len = IKE_HEADER_LEN + chain->w.len;
    if (chain->w.bad || *len > c->set.max_message) {
        return IKE_ERR_BUFFER;
    }
    h->next = chain->first;
    put(c, h, chain->w.p, chain->w.len);
    return IKE_OK;
}

void ike_tap(struct ike_core *c, const ike_path *path, bool out, struct ike_header h, const uint8_t *payloads, size_t n)
{
    if (IKE_WITH_RECORDS && c->set.host.tap && IKE_HEADER_LEN + n <= c->set.max_message) {
        put(c, &h, payloads, n);
        ike_hook_enter(c);
        c->set.host.tap(c->set.host.user, path, out, c->out, h.length);
        ike_hook_leave(c);
    }
}
