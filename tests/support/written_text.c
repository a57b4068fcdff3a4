/* written_text.c - a file without a name. */
#include "tests/support/written_text.h"

WrittenText write_text(const void *bytes, int64_t count)
{
    WrittenText w = {.file = tmpfile()};
    Error error;
    if (!w.file || fwrite(bytes, 1, (size_t)count, w.file) != (size_t)count || fflush(w.file) ||
        !text_from(&w.text, fileno(w.file), "a.txt", &error))
        fail("a text could not be written");
    return w;
}

void written_text_free(WrittenText *written)
{
    fclose(written->file);
    *written = (WrittenText){0};
}
