/* rounding.h - how far apart the gradients of two runs in 16 bits may be, each parameter's for itself.
 *
 * A gradient is a sum over samples, g = g_1 + .. + g_n. In numbers of unit roundoff u it is off for two reasons:
 * term m by e_m, by all that is rounded between that sample's tokens and its g_m; and each partial sum s_k = g_1 +
 * .. + g_k by |u s_k| at most. Roundings go up as often as down, so that squares add up and not sizes (Higham & Mary
 * 2019, probabilistic rounding error analysis):
 *
 *     Y^2 = sum of e_m^2 + sum of (u s_k)^2
 *
 * Where terms cancel g is small, and Y is not: a norm's bias; or the keys', whose gradient is zero in theory, as
 * softmax stays what it is when a row of scores moves together, and rounding alone in practice. Y is measured where
 * nothing is split: e_m is the gradient of sample m alone in 16 bits less that in fp32.
 *
 * Two runs may be 2 Y (1 + 5 / sqrt(d)) apart in a piece of d values. 2 = sqrt(2) sqrt(2): both runs are off, and a
 * split rounds what each rank has of a sum besides, as many numbers again. The bracket is the luck of the draw: the
 * norm of d normal numbers exceeds sqrt(d) + 5 once in 300,000 times. A piece is a parameter, but that queries,
 * keys and values, as gate and values of a gated MLP, are one each, though one tensor holds them. */
#ifndef TESTS_SUPPORT_ROUNDING_H
#define TESTS_SUPPORT_ROUNDING_H
#include "tests/support/case.h"

/* Columns of a parameter: `rows` times `columns` values, `stride` apart, from `at` of all parameters. */
typedef struct Piece {
    char name[96];
    int64_t at, rows, columns, stride;
    double bound; /* of the norm of the difference */
} Piece;
typedef struct Rounding {
    int pieces;
    Piece *piece;
    double all; /* Y of all pieces together, relative to the norm of the gradient */
} Rounding;

/* `truth`: the unsplit run, in 16 bits of this unit roundoff. */
Rounding rounding_of(const Case *truth, double roundoff);
void rounding_free(Rounding *r);
/* The largest part of its bound that a piece's gradient was apart, and which. */
typedef struct Margin {
    double share;
    char where[400];
} Margin;
/* As case_agrees(), for runs in 16 bits: loss, norm and all gradients together within `tolerance`, each piece within
 * its bound. A margin that is larger than `margin` becomes it. */
bool rounding_agrees(const Rounding *r, const Case *truth, Case *c, const char *what, int ranks,
                     double tolerance, Margin *margin);
#endif
