/* extents.c - counted, compared, shown. */
#include "sim/file/extents.h"
#include <stdio.h>
#include <string.h>
#include "sim/base/words.h"

size_t extents_count(int rank, const size_t *dims)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= dims[i];
    return count;
}

bool extents_same(int rank, const size_t *dims, int other_rank, const size_t *others)
{
    return rank == other_rank && memcmp(dims, others, (size_t)rank * sizeof *dims) == 0;
}

void extents_text(int rank, const size_t *dims, char *text, size_t size)
{
    snprintf(text, size, "(");
    for (int i = 0; i < rank; i++) words_append(text, size, "%s%zu", i ? ", " : "", dims[i]);
    words_append(text, size, ")");
}

void extents_place(int rank, const size_t *dims, size_t at, char *text, size_t size)
{
    size_t values = extents_count(rank, dims);
    snprintf(text, size, "[");
    for (int i = 0; i < rank; i++) {
        values /= dims[i];
        words_append(text, size, "%s%zu", i ? ", " : "", at / values);
        at %= values;
    }
    words_append(text, size, "]");
}
