/* apart.h - how far the numbers of two files are apart. */
#ifndef SIM_INSPECT_APART_H
#define SIM_INSPECT_APART_H
#include <stdbool.h>
#include <stddef.h>

/* What is asked of a comparison. */
typedef struct DiffOptions {
    double within; /* differences up to this part of the largest value are none */
    bool all;      /* what is equal is told, too */
} DiffOptions;
enum { DIFF_ROWS = 20 }; /* told of each kind at most, unless all are */

/* Begin with zeros. */
typedef struct Apart {
    size_t values, differ; /* compared; of them not the same, where a NaN is as another */
    double largest;        /* difference; infinite where one of both is no finite number */
    double scale;          /* the largest finite value of the first file */
    size_t at;             /* where the largest difference is, as its values are numbered */
    double a, b;           /* the two there */
} Apart;

/* Adds `count` values, numbered from `first`. */
void apart_add(Apart *apart, size_t first, const double *a, const double *b, size_t count);
/* Of two numbers; and what part it is of the largest value. */
double apart_of(double a, double b);
double apart_relative(const Apart *apart);
/* Whether they are farther apart than is allowed. */
bool apart_is(const Apart *apart, const DiffOptions *options);
#endif
