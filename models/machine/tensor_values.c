/* tensor_values.c - between types, and the few sums that need no shape. */
#include "models/machine/tensor_values.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/half.h"
#include "models/machine/tensor_rows.h"
#include "models/machine/vector.h"

/* ---- between types ---- */

void tensor_read(Tensor t, int64_t first, int64_t count, real *out)
{
    assert(!t.blank);
    if (is_half(t.dtype))
        half_widen(t.dtype, (const uint16_t *)t.data + first, out, count);
    else
        memcpy(out, reals(t) + first, (size_t)count * sizeof *out);
}

void tensor_write(Tensor t, int64_t first, int64_t count, const real *values)
{
    if (is_half(t.dtype))
        half_round(t.dtype, values, (uint16_t *)t.data + first, count);
    else
        memcpy(reals(t) + first, values, (size_t)count * sizeof *values);
}

static void convert(Tensor to, Tensor from)
{
    real values[TENSOR_PIECE];
    for (int64_t i = 0; i < to.count; i += TENSOR_PIECE) {
        tensor_read(from, i, tensor_piece(to.count - i), values);
        tensor_write(to, i, tensor_piece(to.count - i), values);
    }
}

void tensor_convert(Tensor to, Tensor from)
{
    assert(to.count == from.count);
    double bytes = (double)tensor_bytes(to) + (double)tensor_bytes(from);
    if (device_kernel(to.device, work_through(WORK_CONVERT, to, 1, 0, bytes))) convert(to, from);
}

/* ---- opened ---- */

Opened opened_new(Tensor t, int64_t most)
{
    Opened o = {.t = t};
    if (is_half(t.dtype))
        o.room = device_aside(t.device, "16-bit values in 32", (size_t)most * sizeof *o.room);
    return o;
}

void opened_free(Opened *o)
{
    free(o->room);
    *o = (Opened){.room = NULL};
}

real *opened_for(const Opened *o, int64_t first)
{
    return o->room ? o->room : reals(o->t) + first;
}

real *opened_read(const Opened *o, int64_t first, int64_t count)
{
    assert(!o->t.blank);
    if (o->room) tensor_read(o->t, first, count, o->room);
    return opened_for(o, first);
}

void opened_write(const Opened *o, int64_t first, int64_t count)
{
    if (o->room) tensor_write(o->t, first, count, o->room);
}

Tensor wide_for(Tensor t)
{
    if (t.dtype == REAL) return t;
    Tensor wide = {.device = t.device, .count = t.count, .dtype = REAL, .category = MEM_WORKSPACE};
    wide.data = device_aside(t.device, "copies of 16-bit values in 32", tensor_bytes(wide));
    return wide;
}

Tensor wide_of(Tensor t)
{
    tensor_settle(&t);
    Tensor wide = wide_for(t);
    if (t.dtype != REAL && wide.data) tensor_read(t, 0, t.count, wide.data);
    return wide;
}

void wide_free(Tensor *wide, Tensor t)
{
    if (t.dtype != REAL) free(wide->data);
    *wide = (Tensor){0};
}

void wide_store(Tensor *wide, Tensor t)
{
    if (t.dtype != REAL && wide->data) tensor_write(t, 0, t.count, wide->data);
    wide_free(wide, t);
}

/* ---- sums ---- */

VECTORISED static void add(real *restrict y, const real *restrict x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

VECTORISED static void add_counts(int32_t *restrict y, const int32_t *restrict x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

Work tensor_sum_work(Tensor to, Tensor from, WorkKind as)
{
    double bytes = 2.0 * (double)tensor_bytes(to) + (double)tensor_bytes(from);
    return work_through(as, to, 1, (double)to.count, bytes);
}

void tensor_add(Tensor to, Tensor from, WorkKind as)
{
    if (device_kernel(to.device, tensor_sum_work(to, from, as))) tensor_sum(to, from);
}

static void sum_values(void *context, const Tensor *t, int64_t first, int64_t count)
{
    (void)context, (void)first, (void)count;
    Tensor to = t[0], from = t[1];
    assert(!to.blank || to.dtype != INT32); /* counts begin at zero */
    if (to.dtype == INT32) {
        add_counts(ints(to), ints(from), to.count);
        return;
    }
    if (to.blank) {
        convert(to, from);
        return;
    }
    if (to.dtype == REAL && from.dtype == REAL) {
        add(reals(to), reals(from), to.count);
        return;
    }
    real y[TENSOR_PIECE], x[TENSOR_PIECE];
    for (int64_t i = 0; i < to.count; i += TENSOR_PIECE) {
        int64_t n = tensor_piece(to.count - i);
        tensor_read(to, i, n, y);
        tensor_read(from, i, n, x);
        add(y, x, n);
        tensor_write(to, i, n, y);
    }
}

void tensor_sum(Tensor to, Tensor from)
{
    assert(to.count == from.count && (to.dtype == INT32) == (from.dtype == INT32));
    tensor_rows_divide(to.count, (RowsOf[]){{to, 1}, {from, 1}}, 2, sum_values, NULL);
}

VECTORISED static void add_both(real *restrict sum, const real *restrict y, const real *restrict x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) sum[i] = y[i] + x[i];
}

/* In reals. */
static void add_runs(void *const *run, int runs, int64_t first, int64_t count)
{
    real room[TENSOR_PIECE];
    const real *sum = (const real *)run[0] + first;
    if (runs > 2) {
        add_both(room, sum, (const real *)run[1] + first, count);
        sum = room;
    }
    for (int i = 2; i < runs - 1; i++) add(room, (const real *)run[i] + first, count);
    add((real *)run[runs - 1] + first, sum, count);
}

void tensor_sum_runs(DType dtype, void *const *run, int runs, int64_t first, int64_t count)
{
    assert(count <= TENSOR_PIECE);
    if (dtype == REAL) {
        add_runs(run, runs, first, count);
        return;
    }
    const int64_t at = first * (int64_t)dtype_bytes(dtype);
    _Alignas(double) unsigned char room[TENSOR_PIECE * sizeof(double)];
    Tensor t[] = {{.data = (char *)run[0] + at, .count = count, .dtype = dtype},
                  {.count = count, .dtype = dtype}};
    if (runs > 2) t[0].data = memcpy(room, t[0].data, tensor_bytes(t[0]));
    for (int i = 1; i < runs - 1; i++) {
        t[1].data = (char *)run[i] + at;
        sum_values(NULL, t, 0, count);
    }
    t[1].data = t[0].data;
    t[0].data = (char *)run[runs - 1] + at;
    sum_values(NULL, t, 0, count);
}

/* 16 fixed lanes: vectorises, and the order never depends on the machine; of 8 each sum would wait for the one before */
enum { SQUARES = 16 };

VECTORISED static void add_squares(const real *x, int64_t n, double lanes[SQUARES], double *sum)
{
    enum { HALF = SQUARES / 2 };
    double low[HALF], high[HALF]; /* a register each of the widest, while there are more */
    memcpy(low, lanes, sizeof low);
    memcpy(high, lanes + HALF, sizeof high);
    int64_t i = 0;
    for (; i + SQUARES <= n; i += SQUARES) {
        const real *y = x + i + HALF;
        __builtin_prefetch(x + i + FETCHED_AHEAD);
        for (int k = 0; k < HALF; k++) low[k] += (double)x[i + k] * (double)x[i + k];
        for (int k = 0; k < HALF; k++) high[k] += (double)y[k] * (double)y[k];
    }
    memcpy(lanes, low, sizeof low);
    memcpy(lanes + HALF, high, sizeof high);
    for (; i < n; i++) *sum += (double)x[i] * (double)x[i];
}

Work tensor_squares_work(Tensor t)
{
    return work_through(WORK_SQUARES, t, 1, 2.0 * (double)t.count, (double)tensor_bytes(t));
}

double tensor_sum_of_squares(Tensor t)
{
    if (!device_kernel(t.device, tensor_squares_work(t))) return 0;
    double lane[SQUARES] = {0}, sum = 0;
    if (t.dtype == REAL) {
        add_squares(reals(t), t.count, lane, &sum);
    } else {
        real x[TENSOR_PIECE]; /* a multiple of the lanes: the same order as in one piece */
        for (int64_t i = 0; i < t.count; i += TENSOR_PIECE) {
            tensor_fetch(t, i);
            tensor_read(t, i, tensor_piece(t.count - i), x);
            add_squares(x, tensor_piece(t.count - i), lane, &sum);
        }
    }
    for (int k = 0; k < SQUARES; k++) sum += lane[k];
    return sum;
}
