/* SPDX-License-Identifier: ISC
 *
 * Modules that must be refused, or in part, one per value of KIND (tests/unit/test_daemon_modules.c).
 */
#include <ike/module.h>

enum { NO_ENTRY = 1, OTHER_ABI, OTHER_SIZE, UNWILLING, NO_CRYPTO, NO_LIST, NOT_WHOLE, CLOSED_GROUP };

IKE_API const ike_module *ike_module_v1(void);
#if KIND == 1
IKE_API const ike_module *some_function(void);
#define ike_module_v1 some_function
#endif

/* Functions are missing. */
static const ike_encr encr = {.id = 2, .name = "half", .key_bits = {64}, .block = 8};
static const ike_encr *const encrs[] = {&encr, NULL}, *const no_encrs[] = {NULL};
static const ike_prf *const prfs[] = {NULL};
static const ike_integ *const integs[] = {NULL};
/* All functions are there, but it cannot be used on this machine. */
static void *no_open(const ike_allocator *mem) { return (void)mem, NULL; }
static void no_close(void *state, const ike_allocator *mem) { (void)state, (void)mem; }
static int no_pair(void *s, const ike_random *r, uint8_t *priv, uint8_t *pub)
{
    return (void)s, (void)r, (void)priv, (void)pub, -1;
}
static int no_check(void *s, const uint8_t *pub) { return (void)s, (void)pub, -1; }
static int no_end(void *s, const ike_random *r, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    return (void)s, (void)r, (void)priv, (void)pub, (void)shared, -1;
}
static const ike_ke ke = {.id = 1234,
                          .name = "closed",
                          .public_len_i = 8,
                          .public_len_r = 8,
                          .shared_len = 8,
                          .private_len = 8,
                          .open = no_open,
                          .close = no_close,
                          .initiate = no_pair,
                          .check = no_check,
                          .finish = no_end};
static const ike_ke *const kes[] = {&ke, NULL};
static const ike_hash *const hashes[] = {NULL};
static const ike_sign *const signs[] = {NULL};
static const ike_crypto crypto = {"sample", KIND == NOT_WHOLE ? encrs : no_encrs, prfs,
                                  integs,   KIND == NO_LIST ? NULL : kes,         hashes, signs, NULL};
static const ike_module module = {KIND == OTHER_ABI ? IKE_MODULE_ABI + 1 : IKE_MODULE_ABI,
                                  sizeof(module) + (KIND == OTHER_SIZE ? 8 : 0), "sample", KIND == NO_CRYPTO ? NULL : &crypto};

const ike_module *ike_module_v1(void) { return KIND == UNWILLING ? NULL : &module; }
