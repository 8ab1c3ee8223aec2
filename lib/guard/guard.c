/* SPDX-License-Identifier: ISC
 *
 * Cookies, counts of half-open SAs per source, token buckets: fixed memory whatever strangers send.
 */
#include "guard/guard.h"
#include "base/siphash.h"

/* A cookie is good for two to four minutes while cookies are in demand: longer than any initiator takes to come back with it,
 * and short enough that collected ones are soon worth nothing. */
#define ROTATE (120 * IKE_SEC)
/* Seconds of what a peer may ask for that are saved up: after a restart it asks for all its children at once. */
#define SAVED 20

/* The secret is drawn here and not at the first cookie, when randomness might be short. */
int ike_guard_init(struct ike_guard *g, struct ike_core *core)
{
    memset(g, 0, sizeof *g);
    g->core = core;
    g->rotated = core->now;
    return ike_draw(core, g->secret, sizeof g->secret);
}

/* Two prefixes may share a slot and so a limit; nobody can choose whose, as the hash is keyed. IPv6 is counted by /64, since a
 * single host can take any address in one. */
static size_t slot_of(const struct ike_guard *g, const ike_addr *a)
{
    uint8_t prefix[9] = {a->family};
    memcpy(prefix + 1, a->ip, a->family == 6 ? 8 : 4); /* /64 of IPv6, /32 of IPv4 */
    return ike_siphash(g->core->hash_key, prefix, sizeof prefix) % IKE_SOURCES;
}

/* Any of three loads: half-open SAs in all, those of this source, and requests that came to nothing in this second. */
bool ike_guard_wants_cookie(const struct ike_guard *g, const struct ike_db *db, const ike_addr *source)
{
    const ike_settings *s = &g->core->set;
    bool refusing = g->refused_second == g->core->now / IKE_SEC && g->refused >= s->cookie_threshold;
    return refusing || db->n_half_open >= s->cookie_threshold || g->half_open[slot_of(g, source)] >= s->cookie_per_source;
}

/* On use, not by a timer. The secret before stays valid, so that no cookie on its way dies (RFC 7296 section 2.6). */
static void rotate(struct ike_guard *g)
{
    uint8_t fresh[32];
    ike_time age = g->core->now - g->rotated;
    if (age < ROTATE || g->core->rng.fill(g->core->rng.user, fresh, sizeof fresh) != IKE_OK) {
        return; /* without randomness the present secret serves on */
    }
    memcpy(g->secret[1], g->secret[0], 32);
    memcpy(g->secret[0], fresh, 32);
    g->version = (uint8_t)(g->version + (age < 2 * ROTATE ? 1 : 2)); /* after an idle time the one before counts no more */
    g->rotated = g->core->now;
}

/* A MAC over what the second request must have in common with the first: initiator's SPI, address, port and nonce (RFC 7296
 * section 2.6). So a cookie is of no use from elsewhere or for another attempt. Fields before the nonce are of fixed length,
 * so no two inputs read alike. */
static void compute(const uint8_t secret[32], uint8_t version, const ike_addr *a, uint64_t spi_i, ike_bytes ni,
                    uint8_t out[IKE_COOKIE_LEN])
{
    uint8_t buf[8 + 19 + IKE_NONCE_MAX];
    struct ike_wr w = ike_wr(buf, sizeof buf);
    ike_wr_u64(&w, spi_i);
    ike_wr_u8(&w, a->family);
    ike_wr_put(&w, a->ip, 16);
    ike_wr_u16(&w, a->port);
    /* The caller has checked the length; the bound keeps the buffer safe whoever calls. */
    ike_wr_put(&w, ni.ptr, ni.len < IKE_NONCE_MAX ? ni.len : IKE_NONCE_MAX);
    out[0] = version;
    /* Two keys, two halves: 64 bits alone could be guessed at the rate of a flood. */
    ike_store64(out + 1, ike_siphash(secret, buf, w.len));
    ike_store64(out + 9, ike_siphash(secret + 16, buf, w.len));
}

/* Nothing is stored for it. The version goes along in clear and says which secret to check with. */
int ike_guard_cookie(struct ike_guard *g, const ike_addr *source, uint64_t spi_i, ike_bytes ni, uint8_t out[IKE_COOKIE_LEN])
{
    rotate(g);
    compute(g->secret[0], g->version, source, spi_i, ni, out);
    return IKE_OK;
}

/* In constant time, or the MAC could be found octet by octet. */
bool ike_guard_cookie_valid(struct ike_guard *g, const ike_addr *source, uint64_t spi_i, ike_bytes ni, ike_bytes cookie)
{
    uint8_t want[IKE_COOKIE_LEN];
    rotate(g);
    /* Modulo 256, as the version wraps; the present one and the one before. */
    if (cookie.len != IKE_COOKIE_LEN || (uint8_t)(g->version - cookie.ptr[0]) > 1) {
        return false;
    }
    compute(g->secret[cookie.ptr[0] == g->version ? 0 : 1], cookie.ptr[0], source, spi_i, ni, want);
    return ike_ct_equal(want, cookie.ptr, IKE_COOKIE_LEN);
}

/* A valid cookie proves an address, not good will: even one that is real gets no more than its share. */
bool ike_guard_admits(const struct ike_guard *g, const ike_addr *source)
{
    return g->half_open[slot_of(g, source)] < g->core->set.half_open_per_source;
}

/* So many are looked at. When most are too young to go, as in a flood, a newcomer finds one by luck. */
#define DRAWS 8
/* A third of the places is held so long for whoever has one, a third twice and a third four times that. */
#define PATIENCE (50 * IKE_MS)

/* At random, of those that were not heard of again since our first answer, one that has had the time for a round trip; rather the
 * newcomer goes than one that may be about to come back, which was let in at the expense of others. Were it always the oldest, a
 * flood that fills the table faster than a peer comes back would let nobody in. Nobody's round trip is known, so that places
 * differ in how long they wait: the longer, the fewer get one of them. Those that were heard do not take more than three quarters
 * from newcomers: then the oldest of all goes. */
struct ike_sa *ike_guard_victim(const struct ike_guard *g, const struct ike_db *db)
{
    struct ike_core *c = g->core;
    struct ike_sa *oldest = IKE_OF(db->half_open.next, struct ike_sa, half_open_link);
    if (!IKE_WITH_CROWDS || 4 * db->unheard.count < db->n_half_open) {
        return c->now - oldest->created >= PATIENCE ? oldest : NULL;
    }
    for (unsigned i = 0; i < DRAWS && db->unheard.used; i++) {
        uint32_t place = ike_jitter(c, db->unheard.used);
        struct ike_sa *sa = ike_slots_at(&db->unheard, place);
        if (sa && c->now - sa->created >= PATIENCE << place % 3) {
            return sa;
        }
    }
    return NULL;
}

/* Saturates rather than wraps: too high refuses a few, too low would refuse nobody. */
void ike_guard_opened(struct ike_guard *g, const ike_addr *source)
{
    uint16_t *n = &g->half_open[slot_of(g, source)];
    *n = (uint16_t)(*n + (*n < UINT16_MAX));
}

/* By the address it was counted under; a path that changes while half-open moves the count along. */
void ike_guard_closed(struct ike_guard *g, const ike_addr *source)
{
    uint16_t *n = &g->half_open[slot_of(g, source)];
    *n = (uint16_t)(*n - (*n > 0));
}

/* Parsing and choosing among all connections is the dearest thing that a stranger gets without leaving a trace; past the
 * threshold in one second it has its price in cookies. */
void ike_guard_refused(struct ike_guard *g)
{
    ike_time second = g->core->now / IKE_SEC;
    g->refused = g->refused_second == second ? g->refused + 1 : 1;
    g->refused_second = second;
}

/* One second's worth is the most that is saved up: no burst is larger. */
static bool take(struct ike_bucket *b, ike_time now, uint32_t per_second)
{
    return ike_bucket_take(b, now, IKE_SEC / per_second, per_second);
}

/* A tenth of the whole for each source: one that floods does not use up what others need to learn of an error. The source's
 * bucket is asked first, so that it alone pays for what it is refused. */
bool ike_guard_reply(struct ike_guard *g, const ike_addr *source)
{
    uint32_t all = g->core->set.replies_per_second, each = all / 10 ? all / 10 : 1;
    if (all && take(&g->source[slot_of(g, source)], g->core->now, each) && take(&g->all, g->core->now, all)) {
        return true;
    }
    g->core->count.rate_limited++;
    return false;
}

/* What has proved whose it is may cost a key exchange, or an answer, each time. */
bool ike_guard_serves(struct ike_guard *g, struct ike_sa *sa)
{
    uint32_t rate = g->core->set.requests_per_second;
    if (ike_bucket_take(&sa->asked, g->core->now, IKE_SEC / rate, SAVED * rate)) {
        return true;
    }
    g->core->count.rate_limited++;
    return false;
}

/* The checks take up to half a second, and a new IKE SA is all it takes to have another made: in the long run they have a
 * twentieth of the time. */
#define GROUP_EACH   (10 * IKE_SEC)
#define GROUPS_SAVED 10

bool ike_guard_checks_group(struct ike_guard *g)
{
    if (ike_bucket_take(&g->groups, g->core->now, GROUP_EACH, GROUPS_SAVED)) {
        return true;
    }
    g->core->count.rate_limited++;
    return false;
}

/* ---- Passwords ----------------------------------------------------------------------------------------------------------- */

/* Slots are shared as those of sources are. Who guesses from many addresses meets the limit of the user, who guesses for many
 * users that of the source; both are wider, since many users may be behind one address, and since a stranger could keep a user
 * out that way. */
static size_t wrong_slot(const struct ike_guard *g, enum ike_wrong what, const struct ike_sa *sa, ike_bytes user)
{
    size_t source = slot_of(g, &sa->path.remote);
    uint64_t head[3] = {sa->conn->id, ike_siphash(g->core->hash_key, user.ptr, user.len)};
    head[2] = what == IKE_WRONG_BOTH ? source + 1 : 0;
    return what == IKE_WRONG_SOURCE ? source : ike_siphash(g->core->hash_key, head, sizeof head) % IKE_SOURCES;
}

static uint32_t wrong_most(const struct ike_guard *g, enum ike_wrong what)
{
    return g->core->set.password_tries * (what == IKE_WRONG_BOTH ? 1 : 10);
}

/* Only wrong ones use the buckets up, so that many users at once who know theirs are let in. */
bool ike_guard_looks_at(const struct ike_guard *g, const struct ike_sa *sa, ike_bytes user)
{
    bool looks = true;
    for (enum ike_wrong i = 0; i < IKE_WRONG_N && g->core->set.password_tries; i++) {
        uint32_t most = wrong_most(g, i);
        looks &= ike_bucket_has(&g->wrong[i][wrong_slot(g, i, sa, user)], g->core->now, 60 * IKE_SEC / most, most);
    }
    return looks;
}

void ike_guard_wrong(struct ike_guard *g, const struct ike_sa *sa, ike_bytes user)
{
    for (enum ike_wrong i = 0; i < IKE_WRONG_N && g->core->set.password_tries; i++) {
        uint32_t most = wrong_most(g, i);
        (void)ike_bucket_take(&g->wrong[i][wrong_slot(g, i, sa, user)], g->core->now, 60 * IKE_SEC / most, most);
    }
}
