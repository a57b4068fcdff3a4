/* operands.h - factors and results of products (models/kernels/product.h), of every type, with numbers of their own; and
 * what of them has to come out. */
#ifndef TESTS_SUPPORT_OPERANDS_H
#define TESTS_SUPPORT_OPERANDS_H
#include <stddef.h>
#include "models/kernels/product.h"

typedef struct Shape {
    int64_t m, n, k, padding; /* values behind each row */
    bool ta, tb;
    float alpha, beta;
    DType a, b, c;
    bool biased; /* by a row of b's type */
} Shape;

/* A matrix in rows of ld: what it stores, and the same numbers in fp32. */
typedef struct Values {
    DType type;
    int64_t count, ld;
    void *stored;
    float *wide;
} Values;

typedef struct Operands {
    Shape shape;
    Values a, b, c, was, bias;
} Operands;

int64_t draw_below(int64_t below); /* always the same numbers, one after the other */
size_t values_bytes(DType type, int64_t count);

/* (rows, ld) of them, and one more, between -1 and 1. */
Values values_new(DType type, int64_t rows, int64_t ld);
void values_free(Values *v);
void values_set(Values *v, const Values *to);
/* The value at `first`, as it is stored or of those in fp32. */
void *values_at(const Values *v, bool wide, int64_t first);

/* With beta = 0 C is NaN. `was` is C before any product. */
Operands operands_new(Shape s);
void operands_free(Operands *o);
/* Shape number `number`: short and long sides, at the edges of tiles, blocks and panels. */
Shape drawn_shape(int number);

/* Rows and columns of C from (i, j) on. */
void operands_multiply(const ProductTiles *tiles, Operands *o, int64_t i, int64_t m, int64_t j, int64_t n);
/* All of it, of which something is causal. */
void operands_multiply_causal(const ProductTiles *tiles, Operands *o, Causal causal);
/* What was right is right behind column i + first of each row i of C: nobody asks for that. */
void operands_forget(Operands *o, int64_t first);
/* All of it, of the same numbers in fp32, into those of C. */
void operands_multiply_wide(const ProductTiles *tiles, Operands *o);
/* |error| <= (k + 4) u sum of |a b|, and what C's type rounds off: Higham, Accuracy and Stability of Numerical Algorithms,
 * section 3.5. Behind a row of C nothing has changed. */
void operands_assert_right(const Operands *o, const char *name);
#endif
