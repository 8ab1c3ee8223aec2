/* SPDX-License-Identifier: ISC
 *
 * The record of an IKE SA that is handed over: taken in by an engine with the connection it is of, which goes on with it for two
 * minutes. A record that is taken can be written again, and that one is taken as well.
 */
#include "fuzz.h"

#include "engine/engine.h"
#include "sa/record.h"

#include <stdlib.h>

enum { ROOM = 1 << 18 };

static int adopt(void *user, const ike_ipsec_sa *sa)
{
    (void)user;
    fuzz_check(sa->child && sa->conn_name && sa->child_name && sa->n_local_ts && sa->n_remote_ts, "an SA without selectors");
    return sa->spi % 5 ? IKE_OK : IKE_ERR_NOT_FOUND;
}

static void adjust(struct duo *d, unsigned which, ike_settings *s)
{
    (void)d, (void)which;
    s->host.sadb.adopt = adopt;
}

/* Whatever has been begun over it meanwhile. */
static void again(const ike_engine *e, ike_sa_id id, ike_time now, uint8_t *room)
{
    static struct duo other;
    const struct ike_sa *sa = ike_sa_by_id(e, id);
    size_t n = sa ? ike_record_put(sa, now, room, ROOM) : 0;
    ike_sa_id copy;
    if (!sa) {
        return;
    }
    fuzz_check(n <= ROOM, "a record grows");
    duo_begin(&other, 0, "aes128gcm16-prfsha256-x25519, aes256-sha256-x25519", adjust);
    fuzz_check(ike_sa_import(other.node[0].e, room, n, 0, &copy, other.now) == IKE_OK, "a record of ours is not taken");
    duo_end(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct duo duo;
    uint8_t *room = malloc(ROOM);
    ike_sa_id id;
    fuzz_check(room != NULL, "no memory for the fuzzer itself");
    duo_begin(&duo, 0, "aes128gcm16-prfsha256-x25519, aes256-sha256-x25519", adjust);
    int r = n ? ike_sa_import(duo.node[0].e, data + 1, n - 1, data[0] * IKE_SEC, &id, duo.now) : IKE_ERR_INVALID;
    fuzz_check_counts(duo.node[0].e, false);
    if (r == IKE_OK) {
        duo_drop(&duo, 0);
        again(duo.node[0].e, id, duo.now, room);
        duo_time(&duo, 120 * IKE_SEC);
        duo_drop(&duo, 0);
    }
    duo_end(&duo);
    free(room);
    return 0;
}
