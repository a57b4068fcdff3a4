/* scan.h - the number between two ends at which a sum of squares is least. */
#ifndef SIM_CALIBRATE_SCAN_H
#define SIM_CALIBRATE_SCAN_H

/* `low` above 0. The least of `cost` over `number` in [low, high], found on a grid of equal ratios and then by golden
 * section (Kiefer 1953) around the best of it; *number is left there, and what it costs is returned. */
double scan_least(double *number, double low, double high, double (*cost)(void *context), void *context);
#endif
