/* letter.c - a first byte says how many follow. */
#include "models/machine/letter.h"
#include <stdint.h>

int letter_read(const char *text, size_t left, unsigned *number)
{
    static const unsigned least[] = {0, 0x80, 0x800, 0x10000}; /* that needs so many bytes more */
    const unsigned first = (unsigned char)text[0];
    const unsigned more = first < 0xC2 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if ((first >= 0x80 && !more) || first > 0xF4 || more >= left) return 0;
    unsigned code = more ? first & (0x3Fu >> more) : first;
    for (unsigned i = 1; i <= more; i++) {
        const unsigned next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80) return 0;
        code = code << 6 | (next & 0x3F);
    }
    if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
    *number = code;
    return (int)more + 1;
}

int letter_bytes(const char *text)
{
    unsigned ignored;
    return letter_read(text, SIZE_MAX, &ignored);
}
