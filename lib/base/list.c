/* SPDX-License-Identifier: ISC
 *
 * The functions of list.h for where they are called.
 */
#include "base/list.h"

extern inline void ike_list_init(struct ike_list *l);
extern inline bool ike_list_empty(const struct ike_list *l);
extern inline void ike_list_add(struct ike_list *head, struct ike_list *node);
extern inline void ike_list_del(struct ike_list *node);
extern inline void ike_list_splice(struct ike_list *to, struct ike_list *from);
extern inline struct ike_list *ike_list_resume(struct ike_list *next, const struct ike_list *head);
