/* tail.c - a tenth, rounded down. */
#include "sim/base/tail.h"

size_t tail_count(size_t values)
{
    return values >= 10 ? values / 10 : 1;
}

double tail_mean(const double *value, size_t values)
{
    const size_t count = tail_count(values);
    double mean = 0;
    for (size_t i = values - count; i < values; i++) mean += value[i] / (double)count;
    return mean;
}
