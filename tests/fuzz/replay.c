/* SPDX-License-Identifier: ISC
 *
 * Runs a fuzz target over files, and over all files of folders, for compilers without libFuzzer.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned inputs;

static bool run_file(const char *path)
{
    static uint8_t all[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(all, 1, sizeof all, f) : 0;
    if (f == NULL || ferror(f)) {
        perror(path);
        return false;
    }
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1); /* of the right size, so that a sanitizer sees a read past its end */
    if (exact == NULL) {
        return false;
    }
    memcpy(exact, all, n);
    printf("%s\n", path); /* before, as there may be no after */
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    inputs++;
    return true;
}

static bool run_folder(DIR *d, const char *folder)
{
    char path[4096];
    bool good = true;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            good = run_file(path) && good;
        }
    }
    closedir(d);
    return good;
}

int main(int argc, char **argv)
{
    bool good = true;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        good = (d ? run_folder(d, argv[i]) : run_file(argv[i])) && good;
    }
    printf("%u inputs\n", inputs);
    return good && inputs ? 0 : 1;
}
