/* SPDX-License-Identifier: ISC
 *
 * Help for tests that read the captures with keys: frames as messages, and the key table.
 */
#ifndef TESTS_UNIT_CAPTURE_FILE_H
#define TESTS_UNIT_CAPTURE_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ike/trace.h>

#include "vectors/vectors.h"

#define CAPTURES         "captures/wireshark/"
#define CAPTURE_MESSAGES 32

struct capture_file {
    char *file;
    size_t n; /* messages */
    ike_bytes message[CAPTURE_MESSAGES];
};

/* All IKE messages of a capture. false: skip the test (said why). */
static inline bool capture_load(struct capture_file *c, const char *name)
{
    char path[512], relative[128];
    size_t size;
    memset(c, 0, sizeof *c);
    snprintf(relative, sizeof relative, CAPTURES "%s", name);
    if (vec_path(path, sizeof path, relative) == NULL || (c->file = vec_read_file(path, &size)) == NULL) {
        return false;
    }
    ike_capture cap;
    ike_frame f;
    assert_int_equal(ike_capture_open(&cap, (const uint8_t *)c->file, size), IKE_OK);
    while (ike_capture_next(&cap, &f) == IKE_OK) {
        ike_datagram d;
        assert_int_equal(ike_frame_datagram(&f, &d), IKE_OK);
        assert_true(c->n < CAPTURE_MESSAGES);
        assert_int_equal(ike_datagram_kind(&d, 500, 4500, &c->message[c->n]), IKE_DATAGRAM_IKE);
        c->n++;
    }
    return true;
}

static inline void capture_free(struct capture_file *c) { free(c->file); }

/* The rows of the key table of a version; their number, 0: skip the test. */
static inline size_t capture_keys(ike_trace_keys *rows, size_t room, int version)
{
    char path[512];
    size_t size, n = 0;
    const char *table = version == 1 ? CAPTURES "ikev1_decryption_table" : CAPTURES "ikev2_decryption_table";
    if (vec_path(path, sizeof path, table) == NULL) {
        return 0;
    }
    char *text = vec_read_file(path, &size);
    assert_non_null(text);
    for (char *line = strtok(text, "\n"); line && n < room; line = strtok(NULL, "\n")) {
        assert_int_equal(ike_trace_keys_parse(&rows[n], line, strlen(line)), IKE_OK);
        n++;
    }
    free(text);
    return n;
}

#endif
