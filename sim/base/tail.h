/* tail.h - how something was at its end: the mean of the last tenth of its values, as one of them is noisy. */
#ifndef SIM_BASE_TAIL_H
#define SIM_BASE_TAIL_H
#include <stddef.h>

/* How many of so many values, one at least, that is: one at least. */
size_t tail_count(size_t values);
/* Their mean. */
double tail_mean(const double *value, size_t values);
#endif
