/* SPDX-License-Identifier: ISC
 *
 * Modules that must be refused, one per value of KIND (tests/unit/test_daemon_modules.c).
 */
#include <ike/module.h>

enum { NO_ENTRY = 1, OTHER_ABI, OTHER_SIZE, UNWILLING, NO_CRYPTO, NO_LIST, NOT_WHOLE };

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
static const ike_ke *const kes[] = {NULL};
static const ike_hash *const hashes[] = {NULL};
static const ike_crypto crypto = {"sample", KIND == NOT_WHOLE ? encrs : no_encrs, prfs,
                                  integs,   KIND == NO_LIST ? NULL : kes,         hashes};
static const ike_module module = {KIND == OTHER_ABI ? IKE_MODULE_ABI + 1 : IKE_MODULE_ABI,
                                  sizeof(module) + (KIND == OTHER_SIZE ? 8 : 0), "sample", KIND == NO_CRYPTO ? NULL : &crypto};

const ike_module *ike_module_v1(void) { return KIND == UNWILLING ? NULL : &module; }
