/* kernels.c - linear, columns, embedding. */
#include "models/kernels/kernels.h"
#include <stdlib.h>
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* ---- linear ---- */

VECTORISED static void add_bias(real *restrict y, const real *restrict b, int64_t n, int64_t out)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < out; j++) y[i * out + j] += b[j];
}

/* Rows that a column's sum goes through before it is stored again. */
enum { TOGETHER = 4 };

VECTORISED static void add_columns(real *restrict db, const real *restrict dy, int64_t n, int64_t out)
{
    int64_t i = 0;
    for (; i + TOGETHER <= n; i += TOGETHER, dy += TOGETHER * out)
        for (int64_t j = 0; j < out; j++)
            db[j] = db[j] + dy[j] + dy[out + j] + dy[2 * out + j] + dy[3 * out + j];
    for (; i < n; i++, dy += out)
        for (int64_t j = 0; j < out; j++) db[j] += dy[j];
}

/* Whether there is a bias to be added, here. */
static bool report_bias(Tensor y, Tensor b, int64_t n, int64_t out)
{
    double bytes = tensor_traffic(y, 2 * n * out) + tensor_traffic(b, out);
    return b.count && device_kernel(y.device, work_through(WORK_BIAS, y, n, (double)(n * out), bytes));
}

void bias_open(Tensor y, Tensor b, int64_t n, int64_t out, Tensor wide_y)
{
    if (!report_bias(y, b, n, out)) return;
    Tensor wide_b = wide_of(b);
    add_bias(reals(wide_y), reals(wide_b), n, out);
    wide_free(&wide_b, b);
}

void bias_forward(Tensor y, Tensor b, int64_t n, int64_t out)
{
    if (!report_bias(y, b, n, out)) return;
    Tensor wide_b = wide_of(b);
    Opened oy = opened_new(y, tensor_piece_rows(n, out) * out);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, out);
        add_bias(opened_read(&oy, i * out, rows * out), reals(wide_b), rows, out);
        opened_write(&oy, i * out, rows * out);
    }
    opened_free(&oy);
    wide_free(&wide_b, b);
}

void bias_backward(Tensor dy, Tensor db, int64_t n, int64_t out)
{
    if (db.count == 0) return;
    double bytes = tensor_traffic(dy, n * out) + tensor_traffic(db, 2 * out);
    Work work = work_backward(work_through(WORK_BIAS, dy, n, (double)(n * out), bytes));
    if (!device_kernel(db.device, work)) return;
    int64_t most = TOGETHER * tensor_piece_rows(n, out);
    Tensor wide_db = wide_of(db);
    Opened ody = opened_new(dy, most * out);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = n - i < most ? n - i : most;
        add_columns(reals(wide_db), opened_read(&ody, i * out, rows * out), rows, out);
    }
    opened_free(&ody);
    wide_store(&wide_db, db);
}

void linear_forward(Tensor x, Tensor W, Tensor b, Tensor y, int64_t n, int64_t in, int64_t out)
{
    Matrix A = matrix(x, n, in), B = matrix(W, in, out);
    if (matmul_adds_bias(A, B)) {
        matmul_biased(A, B, b, y);
        report_bias(y, b, n, out);
        return;
    }
    Tensor wide_y = wide_for(y); /* rounded once, with the bias in it */
    matmul_open(A, B, 0, y, wide_y);
    bias_open(y, b, n, out, wide_y);
    wide_store(&wide_y, y);
}

void linear_backward_input(Tensor dy, Tensor W, Tensor dx, int64_t n, int64_t in, int64_t out)
{
    matmul(matrix(dy, n, out), transposed(matrix(W, in, out)), 0, dx);
}

void linear_backward_weight(Tensor x, Tensor dy, Tensor dW, Tensor db, int64_t n, int64_t in, int64_t out)
{
    matmul(transposed(matrix(x, n, in)), matrix(dy, n, out), 1, dW);
    bias_backward(dy, db, n, out);
}

/* ---- residual ---- */

void residual_forward(Tensor y, Tensor x)
{
    tensor_add(y, x, WORK_RESIDUAL);
}

void residual_backward(Tensor dx, Tensor dbranch, bool summed)
{
    Work work = work_backward(tensor_sum_work(dx, dbranch, WORK_RESIDUAL));
    if (device_kernel(dx.device, work) && !summed) tensor_sum(dx, dbranch);
}

/* ---- columns ---- */

void columns_copy(Tensor to, int64_t to_columns, int64_t to_first, Tensor from, int64_t from_columns,
                  int64_t from_first, int64_t columns)
{
    int64_t rows = to.count / to_columns;
    size_t each = dtype_bytes(to.dtype);
    assert(to.dtype == from.dtype && from.count / from_columns == rows);
    double bytes = tensor_traffic(to, 2 * rows * columns);
    bool compute = device_kernel(to.device, work_over(WORK_COPY, to.dtype, rows, columns, 0, bytes));
    for (int64_t r = 0; compute && r < rows; r++)
        memcpy((char *)to.data + (size_t)(r * to_columns + to_first) * each,
               (const char *)from.data + (size_t)(r * from_columns + from_first) * each,
               (size_t)columns * each);
}

/* ---- embedding ---- */

/* The row of this slice that position i of (B, T) embeds, or -1 when another slice has it. */
static int64_t row_of(Tensor tokens, int64_t i, int64_t T, int64_t first, int64_t rows)
{
    int64_t row = ints(tokens)[i / T * (T + 1) + i % T] - first;
    return row >= 0 && row < rows ? row : -1;
}

void embedding_forward(Tensor tokens, Tensor wte, int64_t first, Tensor y, int64_t B, int64_t T, int64_t C)
{
    Work work = work_through(WORK_EMBEDDING, y, B * T, 0, tensor_traffic(y, 2 * B * T * C));
    if (!device_kernel(y.device, work)) return;
    Opened oy = opened_new(y, C);
    for (int64_t i = 0; i < B * T; i++) {
        int64_t row = row_of(tokens, i, T, first, wte.count / C);
        real *out = opened_for(&oy, i * C);
        if (row >= 0)
            tensor_read(wte, row * C, C, out);
        else
            memset(out, 0, (size_t)C * sizeof *out);
        opened_write(&oy, i * C, C);
    }
    opened_free(&oy);
}

/* Rows of a table that are added to, of 16 bits in reals: as one comes again and again, each is opened once, and rounded
 * once. */
typedef struct OpenRows {
    Tensor table;
    int64_t C, count; /* count: of those that are open */
    int64_t *place;   /* (rows of the table): of one that is open its place among them and 1; NULL: of REAL */
    int64_t *row;     /* (most): which they are */
    real *room;       /* (most, C) */
} OpenRows;

static OpenRows rows_open(Tensor table, int64_t C, int64_t most)
{
    const char *what = "rows of an embedding in 32 bits";
    int64_t rows = table.count / C;
    OpenRows o = {.table = table, .C = C};
    if (!is_half(table.dtype)) return o;
    if (most > rows) most = rows;
    o.place = device_aside(table.device, what, (size_t)rows * sizeof *o.place);
    o.row = device_aside(table.device, what, (size_t)most * sizeof *o.row);
    o.room = device_aside(table.device, what, (size_t)(most * C) * sizeof *o.room);
    if (rows) memset(o.place, 0, (size_t)rows * sizeof *o.place);
    return o;
}

static real *row_open(OpenRows *o, int64_t row)
{
    if (!is_half(o->table.dtype)) return reals(o->table) + row * o->C;
    if (!o->place[row]) {
        o->row[o->count] = row;
        tensor_read(o->table, row * o->C, o->C, o->room + o->count * o->C);
        o->place[row] = ++o->count;
    }
    return o->room + (o->place[row] - 1) * o->C;
}

static void rows_close(OpenRows *o)
{
    for (int64_t i = 0; i < o->count; i++) tensor_write(o->table, o->row[i] * o->C, o->C, o->room + i * o->C);
    free(o->place);
    free(o->row);
    free(o->room);
}

void embedding_backward(Tensor tokens, Tensor dy, Tensor dwte, int64_t first, int64_t B, int64_t T, int64_t C)
{
    int64_t count = B * T * C;
    double bytes = tensor_traffic(dy, count) + tensor_traffic(dwte, 2 * count);
    Work work = work_backward(work_through(WORK_EMBEDDING, dy, B * T, (double)count, bytes));
    if (!device_kernel(dy.device, work)) return;
    tensor_settle(&dwte);
    OpenRows rows = rows_open(dwte, C, B * T);
    Opened ody = opened_new(dy, C);
    for (int64_t i = 0; i < B * T; i++) {
        int64_t row = row_of(tokens, i, T, first, dwte.count / C);
        if (row < 0) continue;
        real *de = row_open(&rows, row);
        const real *d = opened_read(&ody, i * C, C);
        for (int64_t j = 0; j < C; j++) de[j] += d[j];
    }
    opened_free(&ody);
    rows_close(&rows);
}
