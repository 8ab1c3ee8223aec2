/* SPDX-License-Identifier: ISC
 *
 * A VICI message as a line of text, to compare with: key=value, section{...}, list[item,item].
 */
#ifndef TEST_VICI_TEXT_H
#define TEST_VICI_TEXT_H

#include <stdio.h>
#include <string.h>

#include "ui/vici_msg.h"

static inline const char *vici_as_text(struct vici_text message)
{
    static char out[8192];
    size_t n = 0;
    struct vici_reader r = vici_reader(message);
    struct vici_element e;
    const char *gap = "";
    out[0] = 0;
    while (vici_next(&r, &e) && e.type != VICI_END) {
        const char *form = e.type == VICI_SECTION_START ? "%s%.*s{"
                           : e.type == VICI_LIST_START  ? "%s%.*s["
                           : e.type == VICI_KEY_VALUE   ? "%s%.*s="
                                                        : "";
        if (e.type == VICI_SECTION_END || e.type == VICI_LIST_END) {
            n += (size_t)snprintf(out + n, sizeof out - n, "%s", e.type == VICI_LIST_END ? "]" : "}");
        } else if (e.type == VICI_LIST_ITEM) {
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", out[n - 1] == '[' ? "" : ",", (int)e.value.n, e.value.p);
        } else {
            n += (size_t)snprintf(out + n, sizeof out - n, form, gap, (int)e.name.n, e.name.p);
            n += e.type == VICI_KEY_VALUE ? (size_t)snprintf(out + n, sizeof out - n, "%.*s", (int)e.value.n, e.value.p) : 0;
        }
        gap = e.type == VICI_SECTION_START ? "" : " ";
        assert_true(n < sizeof out);
    }
    assert_true(vici_valid(message));
    return out;
}

/* What a frame being made holds, its length and type left aside. */
static inline const char *vici_frame_as_text(struct vici_buf *b, bool named)
{
    struct vici_packet p;
    assert_true(vici_finish(b));
    assert_true(vici_parse_packet(b->p + 4, b->len - 4, &p));
    assert_int_equal(p.name.n > 0, named);
    return vici_as_text(p.message);
}

#endif
