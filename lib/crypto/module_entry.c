/* SPDX-License-Identifier: ISC
 *
 * What makes a module of a provider. The build says which one; this file is no part of the library.
 */
#include <ike/module.h>

extern const ike_crypto IKE_MODULE_CRYPTO;
IKE_API const ike_module *ike_module_v1(void);

static const ike_module module = {IKE_MODULE_ABI, sizeof(module), IKE_MODULE_NAME, &IKE_MODULE_CRYPTO};

const ike_module *ike_module_v1(void) { return &module; }
