/* quantile.c - sorting, and taking one. */
#include "sim/base/quantile.h"
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile_of(double *numbers, int count, double share)
{
    qsort(numbers, (size_t)count, sizeof *numbers, by_size);
    return numbers[(int)(share * (count - 1))];
}
