/* pieces.c - whole rows where some fit, else parts of one. */
#include "sim/inspect/pieces.h"
#include <math.h>
#include <stdlib.h>
#include "sim/file/checkpoint_sums.h"

ArrayPieces pieces_of(const Array *tensor)
{
    bool matrix = tensor->rank == 2;
    return (ArrayPieces){.rows = matrix ? tensor->dims[0] : 1, .columns = tensor->dims[matrix]};
}

bool pieces_next(ArrayPieces *p)
{
    p->first += p->count;
    if (p->columns == 0 || p->first / p->columns >= p->rows) return false;
    size_t row = p->first / p->columns, column = p->first % p->columns, rows = 1,
           columns = p->columns - column;
    if (p->columns <= PIECE) {
        rows = PIECE / p->columns;
        if (rows > p->rows - row) rows = p->rows - row;
    } else if (columns > PIECE) {
        columns = PIECE;
    }
    p->slab = (H5Slab){row, column, rows, columns, 0, columns};
    p->count = rows * columns;
    return true;
}

static void tell(Progress *progress, H5 *file, size_t values)
{
    if (progress_due(progress, progress->done + (double)values))
        progress_show(progress, "%s: %.0f of %.0f million values read", h5_path(file), progress->done / 1e6,
                      progress->total / 1e6);
}

static void add(ArrayValues *v, const double *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        v->nan += isnan(value[i]);
        v->infinite += isinf(value[i]) != 0;
        if (!isfinite(value[i])) continue;
        v->least = fmin(v->least, value[i]); /* a NaN gives way */
        v->most = fmax(v->most, value[i]);
        v->root_mean_square += value[i] * value[i];
    }
}

bool values_read(H5 *file, const Array *tensor, ArrayValues *v, Progress *progress, Error *error)
{
    double *value = allocate(PIECE * sizeof *value);
    bool ok = true;
    *v = (ArrayValues){.least = (double)NAN, .most = (double)NAN};
    for (ArrayPieces p = pieces_of(tensor); ok && pieces_next(&p);) {
        ok = h5_read_slab(file, tensor->path, &p.slab, H5_F64, value, error);
        if (ok) add(v, value, p.count);
        tell(progress, file, p.count);
    }
    size_t finite = array_values(tensor) - v->nan - v->infinite;
    v->root_mean_square = sqrt(v->root_mean_square / (double)finite);
    free(value);
    return ok;
}

bool values_sum(H5 *file, const Array *tensor, H5Kind kind, uint64_t *sum, Progress *progress, Error *error)
{
    size_t bytes = h5_width(kind);
    void *value = allocate(PIECE * bytes);
    bool ok = true;
    *sum = 0;
    for (ArrayPieces p = pieces_of(tensor); ok && pieces_next(&p);) {
        ok = h5_read_slab(file, tensor->path, &p.slab, kind, value, error);
        if (ok) *sum += checkpoint_sum_values(p.first, value, bytes, p.count);
        tell(progress, file, p.count);
    }
    free(value);
    return ok;
}
