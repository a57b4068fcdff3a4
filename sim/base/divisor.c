/* divisor.c - Euclid's algorithm. */
#include "sim/base/divisor.h"

int64_t divisor_common(int64_t a, int64_t b)
{
    return b ? divisor_common(b, a % b) : a;
}
