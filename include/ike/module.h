/* SPDX-License-Identifier: ISC
 *
 * ike/module.h - crypto in a shared object of its own, loaded at run time.
 *
 * A module exports one function, by the name in IKE_MODULE_ENTRY. The library loads nothing by itself: a host that wants a
 * module opens it by its own means (dlopen), calls the function, looks at abi and size, and puts the slots into the ike_crypto
 * that it gives to the engine. ikelibd does so for [daemon] modules.
 *
 * abi changes whenever a descriptor of ike/crypto.h or this struct does: a module that says another number must not be used,
 * not even looked into.
 */
#ifndef IKE_MODULE_H
#define IKE_MODULE_H

#include <ike/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IKE_MODULE_ABI   3
#define IKE_MODULE_ENTRY "ike_module_v1"

typedef struct ike_module {
    uint32_t abi;             /* IKE_MODULE_ABI */
    uint32_t size;            /* of this struct */
    const char *name;         /* for people */
    const ike_crypto *crypto; /* constant, and there as long as the module is loaded; no list is NULL */
} ike_module;

/* The type of the exported function. It may be called more than once, from any thread; NULL: the module cannot be used here. */
typedef const ike_module *(*ike_module_entry)(void);

#ifdef __cplusplus
}
#endif
#endif
