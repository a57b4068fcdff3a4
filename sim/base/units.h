/* units.h - a number in the unit a person would choose: "1.25 MB", "12.5 µs", "31.5 F". */
#ifndef SIM_BASE_UNITS_H
#define SIM_BASE_UNITS_H
#include <stddef.h>

typedef struct Unit {
    const char *name;
    double scale; /* how many bytes or seconds it is */
} Unit;

Unit unit_of_bytes(double highest);    /* bytes, kB, MB, GB, TB; powers of 1000 */
Unit unit_of_seconds(double highest);  /* s, ms, µs */
Unit unit_of_forwards(double highest); /* F: what ideal seconds are (run_shape.h) */

/* `value` in its own unit with three digits: "1.25 MB". */
void unit_show(char *text, size_t size, double value, Unit (*unit)(double));
#endif
