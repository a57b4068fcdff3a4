/* units.c - which unit a number is told in, and with how many digits. */
#include "sim/base/units.h"
#include <math.h>
#include <stdio.h>

Unit unit_of_bytes(double highest)
{
    static const Unit units[] = {{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (highest >= units[i].scale) return units[i];
    return (Unit){"bytes", 1};
}

Unit unit_of_seconds(double highest)
{
    return highest >= 1 ? (Unit){"s", 1} : highest >= 1e-3 ? (Unit){"ms", 1e-3} : (Unit){"µs", 1e-6};
}

Unit unit_of_forwards(double highest)
{
    (void)highest;
    return (Unit){"F", 1};
}

void unit_show(char *text, size_t size, double value, Unit (*unit)(double))
{
    const Unit fit = unit(value);
    const double scaled = value / fit.scale;
    const int digits = fit.scale == 1 && scaled == floor(scaled) ? 0
                       : scaled >= 99.95                         ? 0
                       : scaled >= 9.995                         ? 1
                                                                 : 2;
    snprintf(text, size, "%.*f %s", digits, scaled, fit.name);
}
