/* tensor_rows.c - parts of rows as views. */
#include "models/machine/tensor_rows.h"
#include <assert.h>
#include "models/machine/team.h"

typedef struct Division {
    const RowsOf *tensors;
    int count;
    RowsKernel *kernel;
    void *context;
} Division;

static void some_rows(void *context, int64_t first, int64_t end)
{
    const Division *d = context;
    Tensor views[ROWS_TENSORS] = {0};
    for (int i = 0; i < d->count; i++) {
        const RowsOf *r = &d->tensors[i];
        if (r->t.device) views[i] = tensor_view(r->t, first * r->width, (end - first) * r->width);
    }
    d->kernel(d->context, views, first, end - first);
}

void tensor_rows_divide(int64_t rows, const RowsOf *tensors, int count, RowsKernel *kernel, void *context)
{
    enum { LEAST = 1 << 14 }; /* values: tens of microseconds of what is no product */
    int64_t width = 1;
    assert(count <= ROWS_TENSORS);
    for (int i = 0; i < count; i++) width = tensors[i].width > width ? tensors[i].width : width;
    int64_t grain = (LEAST + width - 1) / width;
    team_divide(rows, grain, some_rows, &(Division){tensors, count, kernel, context});
}
