/* quantile.h - the middle of many numbers. */
#ifndef SIM_BASE_QUANTILE_H
#define SIM_BASE_QUANTILE_H

/* The number that a share of `count` lie below, of which there is one or more; they are sorted. 0.5: the median, of an
 * even number the lower of two. */
double quantile_of(double *numbers, int count, double share);
#endif
