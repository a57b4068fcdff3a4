/* letter.h - UTF-8 (RFC 3629), a letter at a time. */
#ifndef MODELS_MACHINE_LETTER_H
#define MODELS_MACHINE_LETTER_H
#include <stddef.h>

/* How many bytes the letter has that `text` begins with, of which there are `left` bytes, one at least; its number in
 * Unicode goes to `number`. 0 where it begins with none: what is cut short, half of a pair, longer than it has to be,
 * or no UTF-8 at all. */
int letter_read(const char *text, size_t left, unsigned *number);

/* The same of a text that ends with a zero byte, which is a letter of one byte. */
int letter_bytes(const char *text);
#endif
