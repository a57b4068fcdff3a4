/* apart.c - value by value. */
#include "sim/inspect/apart.h"
#include <math.h>

double apart_of(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b))) return 0;
    return isfinite(a) && isfinite(b) ? fabs(a - b) : HUGE_VAL;
}

void apart_add(Apart *x, size_t first, const double *a, const double *b, size_t count)
{
    x->values += count;
    for (size_t i = 0; i < count; i++) {
        const double apart = apart_of(a[i], b[i]);
        if (isfinite(a[i]) && fabs(a[i]) > x->scale) x->scale = fabs(a[i]);
        if (apart == 0) continue;
        x->differ++;
        if (apart <= x->largest) continue;
        x->largest = apart;
        x->at = first + i;
        x->a = a[i];
        x->b = b[i];
    }
}

double apart_relative(const Apart *x)
{
    return x->largest == 0 ? 0 : x->scale > 0 ? x->largest / x->scale : HUGE_VAL;
}

bool apart_is(const Apart *x, const DiffOptions *options)
{
    return x->differ > 0 && apart_relative(x) > options->within;
}
