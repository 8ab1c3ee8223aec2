/* SPDX-License-Identifier: ISC
 *
 * Entering and leaving the engine, as every public function does.
 */
#ifndef IKE_ENGINE_ENGINE_H
#define IKE_ENGINE_ENGINE_H

#include "exchange/v2/v2.h"

/* IKE_OK, or IKE_ERR_STATE from inside a hook. */
int ike_enter(struct ike_engine *e, ike_time now);
/* The outermost call delivers events and frees what ended. */
void ike_leave(struct ike_engine *e);
/* Between enter and leave; anything but IKE_OK means that it was dropped or refused, and says why. */
int ike_input_message(struct ike_engine *e, const ike_path *path, const uint8_t *data, size_t n);

#endif
