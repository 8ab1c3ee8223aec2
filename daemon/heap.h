/* SPDX-License-Identifier: ISC
 *
 * heap.h - memory of the C library for what is made outside of an engine.
 */
#ifndef IKELIBD_HEAP_H
#define IKELIBD_HEAP_H

#include <ike/crypto.h>

extern const ike_allocator daemon_heap;

#endif
