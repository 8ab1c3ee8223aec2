/* SPDX-License-Identifier: ISC
 *
 * text.c - times and sizes for people: two units at most.
 */
#include "ctl/ctl.h"

#include <string.h>

static char *buffer(void)
{
    static char ring[8][32];
    static unsigned at;
    return ring[at++ % 8];
}

const char *text_seconds(unsigned long long s)
{
    char *out = buffer();
    if (s < 60) {
        snprintf(out, 32, "%llus", s);
    } else if (s < 3600) {
        snprintf(out, 32, "%llum%02llus", s / 60, s % 60);
    } else if (s < 86400) {
        snprintf(out, 32, "%lluh%02llum", s / 3600, s / 60 % 60);
    } else {
        snprintf(out, 32, "%llud%02lluh", s / 86400, s / 3600 % 24);
    }
    return out;
}

const char *text_octets(unsigned long long n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    char *out = buffer();
    double v = (double)n;
    unsigned u = 0;
    while (v >= 1024 && u < 6) {
        v /= 1024;
        u++;
    }
    snprintf(out, 32, u ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}

void text_indented(FILE *out, const char *text)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchr(text, '\n');
        end = end ? end : text + strlen(text);
        fprintf(out, "  %.*s\n", (int)(end - text), text);
    }
}
