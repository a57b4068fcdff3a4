/* written_text.h - a text of a test's own, in a file that is gone with the test. */
#ifndef TESTS_SUPPORT_WRITTEN_TEXT_H
#define TESTS_SUPPORT_WRITTEN_TEXT_H
#include <stdio.h>
#include "models/training/text.h"

typedef struct WrittenText {
    FILE *file;
    Text text;
} WrittenText;

WrittenText write_text(const void *bytes, int64_t count);
void written_text_free(WrittenText *written);
#endif
