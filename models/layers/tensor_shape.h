/* tensor_shape.h - the shape of one of a model's tensors, and how it is cut over the ranks of a region. */
#ifndef MODELS_LAYERS_TENSOR_SHAPE_H
#define MODELS_LAYERS_TENSOR_SHAPE_H
#include <stdbool.h>
#include <stdint.h>

typedef enum { CUT_NONE, CUT_ROWS, CUT_COLUMNS } Cut;
enum { CUT_PARTS = 3 };
typedef struct TensorShape {
    int64_t rows, columns;   /* of the whole; rows 0: a vector; columns 0: there is none */
    int64_t part[CUT_PARTS]; /* the columns' consecutive parts (q, k, v; gate, up), each cut by itself */
    int64_t sharing;         /* so many ranks in a row hold the same of all parts but the first (k, v) */
    Cut cut;
    bool partial; /* not cut, and yet its gradient is on each rank its part of a sum */
} TensorShape;
/* Values of it that one of the ranks holds, where they divide. */
int64_t tensor_shape_count(const TensorShape *s, int ranks);
#endif
