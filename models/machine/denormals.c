/* denormals.c - a mode of the processor, for each thread. */
#include "models/machine/denormals.h"
#if defined(__x86_64__)
#include <xmmintrin.h>

enum { DENORMALS_ARE_ZERO = 1 << 6, FLUSH_TO_ZERO = 1 << 15 }; /* of operands, of results */

bool denormals_off(void)
{
    _mm_setcsr(_mm_getcsr() | DENORMALS_ARE_ZERO | FLUSH_TO_ZERO);
    return true;
}

bool denormals_are_off(void)
{
    return _mm_getcsr() & FLUSH_TO_ZERO;
}
#else
bool denormals_off(void)
{
    return false;
}

bool denormals_are_off(void)
{
    return false;
}
#endif
