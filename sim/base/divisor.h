/* divisor.h - what divides two numbers. */
#ifndef SIM_BASE_DIVISOR_H
#define SIM_BASE_DIVISOR_H
#include <stdint.h>

/* The largest that divides both, of numbers from 0 up, not both 0 (Euclid). */
int64_t divisor_common(int64_t a, int64_t b);
#endif
