/* SPDX-License-Identifier: ISC
 *
 * Intrusive doubly linked list with a head. A node that is in no list points to itself, so unlinking twice is harmless. What is
 * not inlined is in list.c once, not in every file.
 */
#ifndef IKE_BASE_LIST_H
#define IKE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct ike_list {
    struct ike_list *next, *prev;
};

inline void ike_list_init(struct ike_list *l) { l->next = l->prev = l; }
inline bool ike_list_empty(const struct ike_list *l) { return l->next == l; }

inline void ike_list_add(struct ike_list *head, struct ike_list *node) /* at the end */
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* The node is as after init: in no list. */
inline void ike_list_del(struct ike_list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    ike_list_init(node);
}

/* Move all of `from` to the end of `to`. */
inline void ike_list_splice(struct ike_list *to, struct ike_list *from)
{
    if (!ike_list_empty(from)) {
        from->next->prev = to->prev;
        to->prev->next = from->next;
        from->prev->next = to;
        to->prev = from->prev;
        ike_list_init(from);
    }
}

#define IKE_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* Where a walk goes on: the node that was next, or the beginning again if that was unlinked meanwhile. */
inline struct ike_list *ike_list_resume(struct ike_list *next, const struct ike_list *head)
{
    return next != head && next->next == next ? head->next : next;
}

/* The body may unlink any node, the next one too: the walk then begins again, which ends since each time there is one node less.
 * A node may not be freed within the walk unless it is the current one. */
#define IKE_LIST_EACH(it, tmp, head)                                                                                             \
    for (struct ike_list *it = (head)->next, *tmp = it->next; it != (head); it = ike_list_resume(tmp, head), tmp = it->next)

/* Each `x` of a list of type's `member`, for a body that unlinks nothing. */
#define IKE_LIST_LOOK(type, x, member, head)                                                                                     \
    for (type *x = IKE_OF((head)->next, type, member); &x->member != (head); x = IKE_OF(x->member.next, type, member))

#endif
