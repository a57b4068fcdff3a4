/* picture.c - reads a picture's size off its first bytes. */
#include "sim/page/picture.h"
#include <stdio.h>
#include <string.h>
#include "sim/base/posix.h"

static int big_endian(const unsigned char *bytes)
{
    return bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

bool picture_size(const char *path, int *width, int *height)
{
    enum { HEAD = 512, WIDTH_AT = 16, HEIGHT_AT = 20 };
    char head[HEAD + 1];
    FILE *in = files_open(path);
    if (!in) return false;
    const size_t got = fread(head, 1, HEAD, in);
    fclose(in);
    head[got] = '\0';
    if (got > HEIGHT_AT + 4 && !memcmp(head, "\x89PNG", 4)) {
        *width = big_endian((const unsigned char *)head + WIDTH_AT) / 2;
        *height = big_endian((const unsigned char *)head + HEIGHT_AT) / 2;
        return *width > 0 && *height > 0;
    }
    const char *box = strstr(head, "viewBox=\"");
    return box && sscanf(box, "viewBox=\"0 0 %d %d\"", width, height) == 2;
}
