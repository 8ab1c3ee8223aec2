/* SPDX-License-Identifier: ISC
 *
 * The wire: one input is one datagram. Whatever parses is looked at by every body parser and by proposal selection.
 */
#include "message/message.h"
#include "policy/ts.h"
#include "proposal/proposal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void *get(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void put(void *user, void *p, size_t n)
{
    (void)user;
    (void)n;
    free(p);
}

static void look(const struct ike_payload *p, const struct ike_proposals *ours)
{
    struct ike_notify note;
    struct ike_delete del;
    struct ike_ts_list ts;
    struct ike_selection chosen;
    struct ike_mismatch why;
    struct ike_select_args args = {.with_ke = true};
    ike_id id;
    ike_bytes value;
    uint16_t group;
    uint8_t method;
    char text[200];
    (void)ike_notify_parse(&note, p);
    (void)ike_delete_parse(&del, p);
    (void)ike_ke_parse(&group, &value, p);
    (void)ike_id_payload_parse(&id, p);
    (void)ike_auth_parse(&method, &value, p);
    (void)ike_ts_payload_parse(ts.ts, IKE_TS_MAX, &ts.n, p);
    for (uint8_t len = 0; len <= 8; len = (uint8_t)(len + 4)) {
        args.spi_len = len;
        (void)ike_select(ours, p, &args, &chosen, &why);
        (void)ike_select_check(ours, p, &args, &chosen);
    }
    (void)ike_sa_payload_format(p, text, sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const ike_allocator mem = {get, put, NULL};
    struct ike_message m;
    struct ike_proposals *ours = NULL;
    size_t at;
    const char *nearest;
    if (ike_message_parse(&m, data, n) != IKE_OK) {
        return 0;
    }
    if (ike_proposals_parse(&ours, ike_default_ike_proposals(), IKE_PROTO_IKE, NULL, &mem, &at, &nearest) == IKE_OK) {
        for (unsigned i = 0; i < m.n; i++) {
            look(&m.p[i], ours);
        }
    }
    ike_proposals_free(ours, &mem);
    return 0;
}
