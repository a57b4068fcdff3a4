/* norm.c - LayerNorm and RMSNorm, a row at a time. */
#include "models/kernels/kernels.h"
#include "models/machine/tensor_rows.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

static const real NORM_EPSILON = (real)1e-5;

/* ---- rows ---- */

INLINED real variance_of(const real *x, int64_t C, real mean)
{
    real lane[LANES] = {0}, variance = 0;
    int64_t j = 0;
    for (; j + LANES <= C; j += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += (x[j + k] - mean) * (x[j + k] - mean);
    for (int k = 0; k < LANES; k++) variance += lane[k];
    for (; j < C; j++) variance += (x[j] - mean) * (x[j] - mean);
    return variance / (real)C;
}

/* Of a few rows of C. */
typedef struct Statistics {
    real mean[ROWS_TOGETHER], rstd[ROWS_TOGETHER];
} Statistics;

/* Of RMSNorm's no mean is taken away. */
INLINED void statistics_of(const real *x, int rows, int64_t C, bool layer, Statistics *s)
{
    real variance[ROWS_TOGETHER];
    for (int i = 0; i < rows; i++) s->mean[i] = layer ? sum_of(x + i * C, C) / (real)C : 0;
    for (int i = 0; i < rows; i++)
        variance[i] =
            layer ? variance_of(x + i * C, C, s->mean[i]) : dot_of(x + i * C, x + i * C, C) / (real)C;
    for (int i = 0; i < rows; i++) s->rstd[i] = (real)(1 / sqrt((double)(variance[i] + NORM_EPSILON)));
}

/* n rows of C, of y = hat gain + bias with hat = (x - mean) rstd. */
typedef struct RowsBackward {
    const real *dy, *x, *gain;
    real *dx, *dgain, *dbias; /* dbias NULL: of RMSNorm */
    int64_t n, C;
} RowsBackward;

/* One of them. */
typedef struct RowBackward {
    const real *dy, *x, *gain;
    real mean, rstd;
} RowBackward;

/* Of dhat = dy gain, the gradient of hat, and of dhat hat: sums in lanes. */
typedef struct RowLanes {
    real dhat[LANES], dot[LANES];
} RowLanes;

/* What values j.. of a row add to dgain, dbias and the sums; `layer`: there is a bias. */
INLINED void add_values(const RowBackward *row, int64_t j, int64_t count, bool layer, real *restrict dgain,
                        real *restrict dbias, RowLanes *restrict sums)
{
    const real *restrict dy = row->dy + j, *restrict x = row->x + j, *restrict gain = row->gain + j;
    for (int64_t i = 0; i < count; i++) {
        real hat = (x[i] - row->mean) * row->rstd, dhat = dy[i] * gain[i];
        dgain[i] += dy[i] * hat;
        if (layer) dbias[i] += dy[i], sums->dhat[i] += dhat;
        sums->dot[i] += dhat * hat;
    }
}

/* dx += rstd (dhat - dhat_mean - hat dot_mean) */
INLINED void row_gradient(const RowBackward *row, real dhat_mean, real dot_mean, real *restrict dx, int64_t C)
{
    const real *restrict dy = row->dy, *restrict x = row->x, *restrict gain = row->gain;
    const real mean = row->mean, rstd = row->rstd;
    for (int64_t j = 0; j < C; j++)
        dx[j] += rstd * (dy[j] * gain[j] - dhat_mean - (x[j] - mean) * rstd * dot_mean);
}

/* The row at `at`. */
INLINED void row_backward(const RowsBackward *r, int64_t at, real mean, real rstd, bool layer)
{
    const RowBackward row = {r->dy + at, r->x + at, r->gain, mean, rstd};
    const int64_t C = r->C;
    RowLanes sums = {.dhat = {0}}, rest = {.dhat = {0}}; /* as sum_of() has them, and dot_of() */
    int64_t j = 0;
    for (; j + LANES <= C; j += LANES)
        add_values(&row, j, LANES, layer, r->dgain + j, layer ? r->dbias + j : NULL, &sums);
    add_values(&row, j, C - j, layer, r->dgain + j, layer ? r->dbias + j : NULL, &rest);
    real dhat_mean = layer ? lanes_total(sums.dhat, rest.dhat, C - j) / (real)C : 0;
    real dot_mean = lanes_total(sums.dot, rest.dot, C - j) / (real)C;
    row_gradient(&row, dhat_mean, dot_mean, r->dx + at, C);
}

INLINED void rows_backward_of(const RowsBackward *r, bool layer)
{
    Statistics s;
    for (int64_t i = 0, rows; i < r->n; i += rows) {
        rows = rows_together(r->n - i);
        statistics_of(r->x + i * r->C, (int)rows, r->C, layer, &s);
        for (int64_t k = 0; k < rows; k++) row_backward(r, (i + k) * r->C, s.mean[k], s.rstd[k], layer);
    }
}

VECTORISED static void rows_backward(RowsBackward r)
{
    if (r.dbias)
        rows_backward_of(&r, true);
    else
        rows_backward_of(&r, false);
}

VECTORISED static void layernorm_rows(const real *restrict x, const real *restrict gain,
                                      const real *restrict bias, real *restrict y, int64_t n, int64_t C)
{
    Statistics s;
    for (int rows; n > 0; n -= rows) {
        rows = rows_together(n);
        statistics_of(x, rows, C, true, &s);
        for (int i = 0; i < rows; i++, x += C, y += C)
            for (int64_t j = 0; j < C; j++) y[j] = (x[j] - s.mean[i]) * s.rstd[i] * gain[j] + bias[j];
    }
}

VECTORISED static void rmsnorm_rows(const real *restrict x, const real *restrict gain, real *restrict y,
                                    int64_t n, int64_t C)
{
    Statistics s;
    for (int rows; n > 0; n -= rows) {
        rows = rows_together(n);
        statistics_of(x, rows, C, false, &s);
        for (int i = 0; i < rows; i++, x += C, y += C)
            for (int64_t j = 0; j < C; j++) y[j] = x[j] * s.rstd[i] * gain[j];
    }
}

/* ---- tensors ---- */

static void tensors_backward(Tensor dy, Tensor x, Tensor gain, Tensor dx, Tensor dgain, Tensor dbias)
{
    int64_t C = gain.count, n = x.count / C;
    int64_t most = tensor_piece_rows(n, C) * C;
    Tensor wgain = wide_of(gain), wdgain = wide_of(dgain), wdbias = wide_of(dbias);
    Opened ody = opened_new(dy, most), ox = opened_new(x, most), odx = opened_new(dx, most);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, C);
        rows_backward((RowsBackward){.dy = opened_read(&ody, i * C, rows * C),
                                     .x = opened_read(&ox, i * C, rows * C),
                                     .gain = reals(wgain),
                                     .dx = opened_read(&odx, i * C, rows * C),
                                     .dgain = reals(wdgain),
                                     .dbias = reals(wdbias),
                                     .n = rows,
                                     .C = C});
        opened_write(&odx, i * C, rows * C);
    }
    opened_free(&ody);
    opened_free(&ox);
    opened_free(&odx);
    wide_free(&wgain, gain);
    wide_store(&wdgain, dgain);
    wide_store(&wdbias, dbias);
}

/* Of reals; no bias of RMSNorm's. */
typedef struct NormForward {
    const real *gain, *bias;
    int64_t C;
} NormForward;

static void forward_rows(void *context, const Tensor *t, int64_t first, int64_t n)
{
    (void)first;
    const NormForward *f = context;
    int64_t C = f->C, most = tensor_piece_rows(n, C) * C;
    Opened x = opened_new(t[0], most), y = opened_new(t[1], most);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = tensor_piece_rows(n - i, C);
        const real *from = opened_read(&x, i * C, rows * C);
        real *to = opened_for(&y, i * C);
        if (f->bias)
            layernorm_rows(from, f->gain, f->bias, to, rows, C);
        else
            rmsnorm_rows(from, f->gain, to, rows, C);
        opened_write(&y, i * C, rows * C);
    }
    opened_free(&x);
    opened_free(&y);
}

void norm_forward(NormKind kind, Tensor x, Tensor gain, Tensor bias, Tensor y)
{
    bool layer = kind == NORM_LAYERNORM;
    if (!layer) bias = (Tensor){0};
    int64_t C = gain.count, n = x.count / C;
    double bytes = (double)(tensor_bytes(x) + tensor_bytes(gain) + tensor_bytes(bias) + tensor_bytes(y));
    Work work = work_through(WORK_NORM, y, n, (layer ? 8.0 : 4.0) * (double)(n * C), bytes);
    if (!device_kernel(y.device, work)) return;
    Tensor wgain = wide_of(gain), wbias = wide_of(bias);
    NormForward f = {.gain = reals(wgain), .bias = layer ? reals(wbias) : NULL, .C = C};
    tensor_rows_divide(n, (RowsOf[]){{x, C}, {y, C}}, 2, forward_rows, &f);
    wide_free(&wgain, gain);
    wide_free(&wbias, bias);
}

void norm_backward(NormKind kind, Tensor dy, Tensor x, Tensor gain, Tensor dx, Tensor dgain, Tensor dbias)
{
    bool layer = kind == NORM_LAYERNORM;
    if (!layer) dbias = (Tensor){0};
    int64_t C = gain.count, n = x.count / C;
    double bytes = (double)(tensor_bytes(dy) + tensor_bytes(x) + tensor_bytes(gain) + tensor_bytes(dx) +
                            2 * tensor_bytes(dgain) + 2 * tensor_bytes(dbias));
    Work work = work_through(WORK_NORM, dx, n, (layer ? 15.0 : 11.0) * (double)(n * C), bytes);
    if (device_kernel(dx.device, work_backward(work))) tensors_backward(dy, x, gain, dx, dgain, dbias);
}
