/* search.c - least absolute errors of what is nearly linear: line by line, inside a box. */
#include "sim/validate/search.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a number's size: the step that finds the lines, the box at first, and the box that is too small to matter. */
static const double STEP = 0.02, BOX = 0.25, SMALLEST = 1e-3;
/* What a round has to promise: this share of the mean error, and so much of it. */
static const double SHARE = 2e-3, LEAST = 1e-5;

/* Errors as lines: error[i] + sum over k of slope[k][i] d[k], d in sizes of the numbers. */
typedef struct Lines {
    const Search *search;
    double *error, *slope[SEARCH_MOST], *left;  /* left: room for what a d leaves */
    double low[SEARCH_MOST], high[SEARCH_MOST]; /* of d, in the box */
} Lines;

static double mean_of(const Search *search, const double *error)
{
    double sum = 0;
    for (int i = 0; i < search->errors; i++) sum += search->weight[i] * fabs(error[i]);
    return sum;
}

static double size_of(const SearchNumber *n)
{
    return fmax(fabs(n->value), n->least);
}

/* ---- the least on the lines ---- */

static void leave(const Lines *l, const double *d)
{
    memcpy(l->left, l->error, (size_t)l->search->errors * sizeof *l->left);
    for (int k = 0; k < l->search->numbers; k++)
        for (int i = 0; i < l->search->errors; i++) l->left[i] += l->slope[k][i] * d[k];
}

/* Moves d[k] to the least of the weighted squares along it, and what is left with it. */
static void move(const Lines *l, const double *weight, double *d, int k)
{
    double up = 0, down = 0;
    for (int i = 0; i < l->search->errors; i++) {
        up += weight[i] * l->slope[k][i] * l->left[i];
        down += weight[i] * l->slope[k][i] * l->slope[k][i];
    }
    if (!(down > 0)) return;
    double to = fmin(fmax(d[k] - up / down, l->low[k]), l->high[k]), by = to - d[k];
    for (int i = 0; i < l->search->errors; i++) l->left[i] += l->slope[k][i] * by;
    d[k] = to;
}

/* Least absolute values as least squares that are weighted again and again (Schlossmacher 1973): each error by one over
 * its size, down to a thousandth of a percent. Returns the mean at `best`. */
static double least_on_lines(const Lines *l, double *best)
{
    enum { ROUNDS = 60, SWEEPS = 20 };
    const Search *s = l->search;
    double d[SEARCH_MOST] = {0}, least = mean_of(s, l->error), *weight;
    weight = allocate((size_t)s->errors * sizeof *weight);
    for (int k = 0; k < s->numbers; k++) best[k] = 0;
    for (int round = 0; round < ROUNDS; round++) {
        leave(l, d);
        for (int i = 0; i < s->errors; i++) weight[i] = s->weight[i] / fmax(fabs(l->left[i]), 1e-5);
        for (int sweep = 0; sweep < SWEEPS; sweep++)
            for (int k = 0; k < s->numbers; k++) move(l, weight, d, k);
        double mean = mean_of(s, l->left);
        if (!(mean < least)) continue;
        least = mean;
        memcpy(best, d, sizeof d);
    }
    free(weight);
    return least;
}

/* ---- a round ---- */

static bool evaluate(Search *s, const double *d, double *value, double *error, Error *why)
{
    for (int k = 0; k < s->numbers; k++) {
        const SearchNumber *n = &s->number[k];
        value[k] = fmin(fmax(n->value + d[k] * size_of(n), n->low), n->high);
    }
    s->evaluations++;
    return s->evaluate(s->context, value, error, why);
}

/* The slopes: a step up, or down where the range ends. What did not matter in the first round stays level. */
static bool find_lines(Search *s, Lines *l, bool first, Error *why)
{
    double value[SEARCH_MOST];
    for (int k = 0; k < s->numbers; k++) {
        SearchNumber *n = &s->number[k];
        if (!first && !n->matters) continue;
        double d[SEARCH_MOST] = {0}, size = size_of(n);
        d[k] = n->value + STEP * size <= n->high ? STEP : -STEP;
        if (!evaluate(s, d, value, l->slope[k], why)) return false;
        double by = (value[k] - n->value) / size;
        for (int i = 0; i < s->errors; i++) {
            double change = l->slope[k][i] - l->error[i];
            n->matters |= change != 0;
            l->slope[k][i] = by != 0 ? change / by : 0;
        }
    }
    return true;
}

/* Goes where the lines are least. `moved`: it was better there; s->after, the mean, and `box` change with it. */
static bool go(Search *s, Lines *l, double *box, bool *moved, Error *why)
{
    double d[SEARCH_MOST], value[SEARCH_MOST], *error = allocate((size_t)s->errors * sizeof *error);
    bool good = true;
    *moved = false;
    while (good && !*moved && *box > SMALLEST) {
        for (int k = 0; k < s->numbers; k++) {
            const SearchNumber *n = &s->number[k];
            l->low[k] = fmax(-*box, (n->low - n->value) / size_of(n));
            l->high[k] = fmin(*box, (n->high - n->value) / size_of(n));
        }
        double hoped = s->after - least_on_lines(l, d), mean, longest = 0;
        for (int k = 0; k < s->numbers; k++) longest = fmax(longest, fabs(d[k]));
        if (!(hoped > fmax(SHARE * s->after, LEAST))) break;
        good = evaluate(s, d, value, error, why);
        mean = good ? mean_of(s, error) : INFINITY;
        if (s->after - mean > 0.1 * hoped) {
            for (int k = 0; k < s->numbers; k++) s->number[k].value = value[k];
            memcpy(l->error, error, (size_t)s->errors * sizeof *error);
            *box = s->after - mean > 0.7 * hoped ? fmin(2 * *box, 0.5) : *box;
            s->after = mean;
            *moved = true;
        } else {
            *box = fmin(*box, longest) / 3;
        }
    }
    free(error);
    return good;
}

/* The share of two slopes that is common to both: 1 where one is a multiple of the other. */
static double common(const Lines *l, int a, int b)
{
    double both = 0, first = 0, second = 0;
    for (int i = 0; i < l->search->errors; i++) {
        double w = l->search->weight[i], x = l->slope[a][i], y = l->slope[b][i];
        both += w * x * y;
        first += w * x * x;
        second += w * y * y;
    }
    return first > 0 && second > 0 ? fabs(both) / sqrt(first * second) : 0;
}

static void find_likes(Search *s, const Lines *l)
{
    for (int b = 1; b < s->numbers; b++)
        for (int a = 0; a < b && !s->number[b].like; a++)
            if (s->number[a].matters && common(l, a, b) > 0.9999) s->number[b].like = a + 1;
}

bool search_least(Search *s, Error *why)
{
    double d[SEARCH_MOST] = {0}, value[SEARCH_MOST], box = BOX;
    size_t bytes = (size_t)s->errors * sizeof(double);
    Lines l = {.search = s, .error = allocate(bytes), .left = allocate(bytes)};
    for (int k = 0; k < s->numbers; k++) l.slope[k] = allocate(bytes);
    bool good = evaluate(s, d, value, l.error, why), moved = true;
    s->before = s->after = good ? mean_of(s, l.error) : INFINITY;
    for (int round = 0; round < SEARCH_ROUNDS && good && moved; round++)
        good = find_lines(s, &l, round == 0, why) && go(s, &l, &box, &moved, why);
    if (good) find_likes(s, &l);
    for (int k = 0; k < s->numbers; k++) free(l.slope[k]);
    free(l.error);
    free(l.left);
    return good;
}
