/* tensor_shape.c - how much of a tensor a rank holds. */
#include "models/layers/tensor_shape.h"

int64_t tensor_shape_count(const TensorShape *s, int ranks)
{
    int64_t rows = s->rows ? s->rows : 1;
    if (s->cut != CUT_COLUMNS) return rows * s->columns / (s->cut == CUT_ROWS ? ranks : 1);
    if (s->columns == 0) return 0;
    return rows * (s->part[0] + (s->part[1] + s->part[2]) * s->sharing) / ranks;
}
