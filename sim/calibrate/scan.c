/* scan.c - a grid, and golden section. */
#include "sim/calibrate/scan.h"
#include <math.h>

enum { GRID = 24, SECTIONS = 22 };

static double at(double *number, double logarithm, double (*cost)(void *context), void *context)
{
    *number = exp(logarithm);
    return cost(context);
}

double scan_least(double *number, double low, double high, double (*cost)(void *context), void *context)
{
    const double golden = 0.6180339887498949, step = log(high / low) / (GRID - 1);
    double best = log(low), least = INFINITY;
    for (int i = 0; i < GRID; i++) {
        double here = log(low) + step * i, costs = at(number, here, cost, context);
        if (!(costs < least)) continue;
        least = costs;
        best = here;
    }
    double a = fmax(log(low), best - step), b = fmin(log(high), best + step);
    double c = b - golden * (b - a), d = a + golden * (b - a);
    double at_c = at(number, c, cost, context), at_d = at(number, d, cost, context);
    for (int i = 0; i < SECTIONS; i++) {
        if (at_c < at_d) {
            b = d, d = c, at_d = at_c;
            c = b - golden * (b - a);
            at_c = at(number, c, cost, context);
        } else {
            a = c, c = d, at_c = at_d;
            d = a + golden * (b - a);
            at_d = at(number, d, cost, context);
        }
    }
    double between = at(number, (a + b) / 2, cost, context);
    return between <= least ? between : at(number, best, cost, context);
}
