/* permute.c - rows counted, placed, and moved. */
#include "models/kernels/permute.h"
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor_values.h"
#include "models/machine/vector.h"

/* ---- where rows stand ---- */

static bool is_kept(Tensor kept, int64_t choice)
{
    return kept.count == 0 || masks(kept)[choice];
}

/* Of n tokens' choices. */
static Work places_work(Tensor through, int64_t n, double bytes)
{
    return work_through(WORK_PERMUTE, through, n, 0, bytes);
}

void permute_counts(Tensor experts, Tensor kept, int64_t E, int64_t *counts)
{
    double bytes = (double)(tensor_bytes(experts) + tensor_bytes(kept));
    if (!device_kernel(experts.device, places_work(experts, 1, bytes))) return;
    for (int64_t e = 0; e < E; e++) counts[e] = 0;
    for (int64_t i = 0; i < experts.count; i++)
        if (is_kept(kept, i)) counts[ints(experts)[i]]++;
}

void choices_told(const Permutation *p, Tensor experts, Tensor told)
{
    double bytes = (double)(tensor_bytes(experts) + tensor_bytes(p->row) + tensor_bytes(told));
    if (!device_kernel(told.device, places_work(told, p->tokens, bytes))) return;
    for (int64_t i = 0; i < told.count; i++) ints(told)[i] = ints(p->row)[i] < 0 ? -1 : ints(experts)[i];
}

void choices_here(Tensor told, int64_t first, int64_t E, Tensor here, Tensor kept)
{
    double bytes = (double)(tensor_bytes(told) + tensor_bytes(here) + tensor_bytes(kept));
    if (!device_kernel(told.device, places_work(told, 1, bytes))) return;
    for (int64_t i = 0; i < told.count; i++) {
        int64_t expert = ints(told)[i] - first;
        masks(kept)[i] = expert >= 0 && expert < E;
        ints(here)[i] = masks(kept)[i] ? (int32_t)expert : 0;
    }
}

static Permutation permutation_new(Device *device, int64_t tokens, int64_t choices, MemoryCategory category)
{
    assert(tokens * choices <= INT32_MAX);
    return (Permutation){
        .tokens = tokens, .choices = choices, .row = tensor_new(device, category, INT32, tokens * choices)};
}

void permutation_free(Permutation *p)
{
    tensor_free(&p->row);
}

/* The first row of each of E experts; the caller frees them. */
static int64_t *first_rows(const int64_t *counts, int64_t E)
{
    int64_t *first = allocate((size_t)E * sizeof *first), rows = 0;
    for (int64_t e = 0; e < E; rows += counts[e++]) first[e] = rows;
    return first;
}

Permutation permutation_of_choices(Tensor experts, Tensor kept, int64_t k, int64_t E, const int64_t *counts,
                                   MemoryCategory category)
{
    Permutation p = permutation_new(experts.device, experts.count / k, k, category);
    for (int64_t e = 0; e < E; e++) p.rows += counts[e];
    double bytes = (double)(tensor_bytes(experts) + tensor_bytes(kept) + tensor_bytes(p.row));
    if (!device_kernel(experts.device, places_work(p.row, p.tokens, bytes))) return p;
    int64_t *next = first_rows(counts, E);
    for (int64_t i = 0; i < experts.count; i++)
        ints(p.row)[i] = is_kept(kept, i) ? (int32_t)next[ints(experts)[i]]++ : -1;
    free(next);
    return p;
}

Permutation permutation_of_received(Device *device, int64_t sources, int64_t E, const int64_t *counts,
                                    int64_t room, MemoryCategory category)
{
    int64_t rows = 0, from = 0, *each = allocate_zeroed((size_t)E, sizeof *each);
    for (int64_t run = 0; run < sources * E; rows += counts[run++]) each[run % E] += counts[run];
    assert(rows <= room);
    Permutation p = permutation_new(device, room, 1, category);
    p.tokens = p.rows = rows;
    int64_t *next = first_rows(each, E);
    bool compute = device_kernel(device, places_work(p.row, rows, (double)rows * sizeof(int32_t)));
    for (int64_t run = 0; compute && run < sources * E; run++)
        for (int64_t i = 0; i < counts[run]; i++) ints(p.row)[from++] = (int32_t)next[run % E]++;
    free(each);
    free(next);
    return p;
}

/* ---- moved ---- */

VECTORISED static void add_scaled(real *restrict y, const real *restrict x, real by, int64_t C)
{
    for (int64_t c = 0; c < C; c++) y[c] += by * x[c];
}

/* to = by x; returns x's product with `beside`, which may be `to`. */
VECTORISED static real scale_beside(real *to, const real *restrict x, real by, const real *beside, int64_t C)
{
    real product = dot_of(x, beside, C);
    for (int64_t c = 0; c < C; c++) to[c] = by * x[c];
    return product;
}

static Work rows_work(const Permutation *p, Tensor through, int64_t rows, double flops_a_value, Tensor beside)
{
    int64_t C = rows ? through.count / rows : 0;
    double bytes = (double)(tensor_bytes(through) + tensor_bytes(beside) + tensor_bytes(p->row));
    return work_through(WORK_PERMUTE, through, rows, flops_a_value * (double)(p->rows * C), bytes);
}

void permute_forward(const Permutation *p, Tensor x, Tensor rows, int64_t C)
{
    assert(x.count == p->tokens * C && rows.count == p->rows * C);
    if (!device_kernel(rows.device, rows_work(p, rows, p->rows, 0, x))) return;
    Opened ox = opened_new(x, C), to = opened_new(rows, C);
    for (int64_t i = 0; i < p->tokens; i++) {
        const real *token = opened_read(&ox, i * C, C);
        for (int64_t j = i * p->choices; j < (i + 1) * p->choices; j++) {
            int64_t row = ints(p->row)[j];
            if (row < 0) continue;
            memcpy(opened_for(&to, row * C), token, (size_t)C * sizeof *token);
            opened_write(&to, row * C, C);
        }
    }
    opened_free(&ox);
    opened_free(&to);
}

/* Sums over each token's rows, which begin with y or, of beta = 0, with 0; gates without elements are 1. */
static void gather(const Permutation *p, Tensor rows, Tensor gates, real beta, Tensor y, int64_t C)
{
    int64_t k = p->choices;
    Opened from = opened_new(rows, C), og = opened_new(gates, k), oy = opened_new(y, C);
    for (int64_t i = 0; i < p->tokens; i++) {
        const real *gate = gates.count ? opened_read(&og, i * k, k) : NULL;
        real *sum = beta != 0 ? opened_read(&oy, i * C, C) : opened_for(&oy, i * C);
        if (beta == 0) memset(sum, 0, (size_t)C * sizeof *sum);
        for (int64_t j = 0; j < k; j++) {
            int64_t row = ints(p->row)[i * k + j];
            if (row >= 0) add_scaled(sum, opened_read(&from, row * C, C), gate ? gate[j] : 1, C);
        }
        opened_write(&oy, i * C, C);
    }
    opened_free(&from);
    opened_free(&og);
    opened_free(&oy);
}

void permute_backward(const Permutation *p, Tensor drows, Tensor dx, int64_t C)
{
    assert(dx.count == p->tokens * C && drows.count == p->rows * C);
    if (device_kernel(dx.device, work_backward(rows_work(p, dx, p->tokens, 1, drows))))
        gather(p, drows, (Tensor){0}, 0, dx, C);
}

void combine_forward(const Permutation *p, Tensor rows, Tensor gates, real beta, Tensor y, int64_t C)
{
    assert(y.count == p->tokens * C && rows.count == p->rows * C && gates.count == p->row.count);
    Work work = rows_work(p, y, p->tokens, 2, rows);
    work.bytes += (double)tensor_bytes(gates) + (beta != 0 ? (double)tensor_bytes(y) : 0);
    if (device_kernel(y.device, work)) gather(p, rows, gates, beta, y, C);
}

void combine_backward(const Permutation *p, Tensor dy, Tensor rows, Tensor gates, Tensor drows, Tensor dgates,
                      int64_t C)
{
    assert(dy.count == p->tokens * C && rows.count == p->rows * C && gates.count == p->row.count);
    int64_t k = p->choices;
    Work work = work_backward(rows_work(p, drows, p->rows, 3, dy));
    work.bytes += (double)(tensor_bytes(rows) + tensor_bytes(gates) + tensor_bytes(dgates));
    if (!device_kernel(drows.device, work)) return;
    Opened ody = opened_new(dy, C), from = opened_new(rows, C), to = opened_new(drows, C),
           og = opened_new(gates, k), odg = opened_new(dgates, k);
    for (int64_t i = 0; i < p->tokens; i++) {
        const real *d = opened_read(&ody, i * C, C), *gate = opened_read(&og, i * k, k);
        real *dgate = opened_for(&odg, i * k);
        for (int64_t j = 0; j < k; j++) {
            int64_t row = ints(p->row)[i * k + j];
            dgate[j] = 0;
            if (row < 0) continue;
            const real *result = opened_read(&from, row * C, C);
            dgate[j] = scale_beside(opened_for(&to, row * C), d, gate[j], result, C);
            opened_write(&to, row * C, C);
        }
        opened_write(&odg, i * k, k);
    }
    opened_free(&ody);
    opened_free(&from);
    opened_free(&to);
    opened_free(&og);
    opened_free(&odg);
}
