/* SPDX-License-Identifier: ISC
 *
 * ikelibctl decode: the IKE messages of a capture file, field by field.
 */
#ifndef CTL_DECODE_H
#define CTL_DECODE_H

struct options;
/* CTL_OK: the whole file was read; CTL_FAILED: it could not be read or is damaged, and that was said. */
int decode_file(const struct options *o, const char *path);

#endif
