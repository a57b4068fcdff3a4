/* rows.c - room for rows, and what of it they take. */
#include "models/layers/rows.h"

Tensor expert_rows_room(const ExpertRows *r, Tensor like, MemoryCategory category, int64_t width)
{
    return tensor_new(like.device, category, like.dtype, r->room * width);
}

Tensor expert_rows_used(const ExpertRows *r, Tensor rows)
{
    return tensor_view(rows, 0, r->room ? rows.count / r->room * r->rows : 0);
}
