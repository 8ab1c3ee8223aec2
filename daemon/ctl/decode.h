/* SPDX-License-Identifier: ISC
 *
 * ikelibctl decode: the IKE messages of a capture file, field by field.
 */
#ifndef CTL_DECODE_H
#define CTL_DECODE_H

/* argv[0] is "decode". 0: the whole file was read; 1: it could not be read or is damaged; 2: wrong usage. */
int decode_main(int argc, char **argv);

#endif
