/* SPDX-License-Identifier: ISC
 *
 * Runs a fuzz target over files, for compilers without libFuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        uint8_t buf[65536];
        FILE *f = fopen(argv[i], "rb");
        if (!f) {
            perror(argv[i]);
            return 1;
        }
        size_t n = fread(buf, 1, sizeof buf, f);
        fclose(f);
        uint8_t *exact = malloc(n ? n : 1); /* of the right size, so that a sanitizer sees a read past its end */
        if (!exact) {
            return 1;
        }
        for (size_t k = 0; k < n; k++) {
            exact[k] = buf[k];
        }
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    printf("%d inputs\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
