/* SPDX-License-Identifier: ISC
 *
 * Test data that was made elsewhere: where it is, hex, and the text form in which NIST's vectors come with BoringSSL.
 */
#ifndef TESTS_VECTORS_VECTORS_H
#define TESTS_VECTORS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The full name of a file below the folder that LIBIKE_VECTORS names, in buf. NULL if the variable is not set or there is no
 * such file; then "SKIPPED" and the reason are on stderr already, and the test calls skip(). */
const char *vec_path(char *buf, size_t n, const char *relative);

/* A whole file, NUL-ended, to be freed; NULL and a message on stderr. One whose name ends in .gz is unpacked, up to 1 MiB. */
char *vec_read_file(const char *path, size_t *n);

/* Hex to octets: their number; SIZE_MAX if text is NULL, not hex, or longer than cap. Space and colons are skipped. */
size_t vec_hex(const char *text, uint8_t *out, size_t cap);

/* A file of blocks "Name: value" or "Name = value", parted by empty lines; # starts a comment. A block "[...]" is skipped. */
struct vec_text {
    char *all, *at;
    size_t count;
    struct {
        const char *name, *value;
    } field[32];
};

bool vec_text_open(struct vec_text *t, const char *path);
void vec_text_close(struct vec_text *t);
/* The next block; false at the end. */
bool vec_text_next(struct vec_text *t);
/* The field's value in this block, or NULL. */
const char *vec_text_get(const struct vec_text *t, const char *name);
/* The field as octets: hex, or "text in quotes". SIZE_MAX as vec_hex. */
size_t vec_text_bytes(const struct vec_text *t, const char *name, uint8_t *out, size_t cap);

#endif
