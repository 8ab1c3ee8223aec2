/* SPDX-License-Identifier: ISC
 *
 * From handles to objects. Handles are kept where the object may go first.
 */
#include "exchange/exchange.h"

struct ike_conn *ike_conn_by_id(const struct ike_engine *e, ike_conn_id id) { return ike_slots_get(&e->db.conns, id); }

struct ike_sa *ike_sa_by_id(const struct ike_engine *e, ike_sa_id id) { return ike_slots_get(&e->db.sas, id); }

struct ike_child *ike_child_by_id(const struct ike_engine *e, ike_child_id id) { return ike_slots_get(&e->db.children, id); }
