/* grouped.c - one expert's product after the other, as one kernel. */
#include "models/kernels/grouped.h"
#include <assert.h>
#include "models/kernels/matmul.h"

typedef enum { FORWARD, INPUT, WEIGHT } Pass;

/* x and y, or their gradients, and W or its own. */
typedef struct Operands {
    Pass pass;
    Tensor x, y, W;
} Operands;

/* C = A B + beta C */
typedef struct Factors {
    Matrix A, B;
    Tensor C;
    real beta;
} Factors;

/* An expert's, whose rows begin at `first`. */
static Factors factors_of(const Grouped *g, const Operands *o, int64_t expert, int64_t first)
{
    int64_t rows = g->rows[expert], in = g->in, out = g->out;
    Matrix x = matrix(tensor_view(o->x, first * in, rows * in), rows, in),
           y = matrix(tensor_view(o->y, first * out, rows * out), rows, out),
           W = matrix(tensor_view(o->W, expert * in * out, in * out), in, out);
    switch (o->pass) {
    case FORWARD: return (Factors){x, W, y.values, 0};
    case INPUT: return (Factors){y, transposed(W), x.values, 0};
    case WEIGHT: break;
    }
    return (Factors){transposed(x), y, W.values, 1};
}

static int64_t mean_of(int64_t sum, int64_t count)
{
    return (sum + count - 1) / count;
}

/* All of them, as so many of one size: on one side the mean number of rows, the others being alike. */
static Work together(const Grouped *g, const Operands *o)
{
    Work all = {.kind = WORK_MATMUL};
    int64_t m = 0, n = 0, k = 0;
    for (int64_t e = 0, first = 0; e < g->experts; first += g->rows[e++]) {
        if (g->rows[e] == 0) continue;
        Factors f = factors_of(g, o, e, first);
        Work one = matmul_work(f.A, f.B, f.beta, f.C);
        all.batch++;
        all.adds = one.adds, all.type = one.type;
        m += one.m, n += one.n, k += one.k;
        all.flops += one.flops, all.bytes += one.bytes;
    }
    if (all.batch)
        all.m = mean_of(m, all.batch), all.n = mean_of(n, all.batch), all.k = mean_of(k, all.batch);
    return all;
}

static void multiply(const Grouped *g, const Operands *o)
{
    Work all = together(g, o);
    for (int64_t e = 0; e < g->experts && o->pass == WEIGHT; e++) { /* with no rows it adds nothing */
        Tensor dW = tensor_view(o->W, e * g->in * g->out, g->in * g->out);
        if (g->rows[e] == 0) tensor_settle(&dW);
    }
    if (all.batch == 0) return;
    device_begin_one(o->W.device, all);
    for (int64_t e = 0, first = 0; e < g->experts; first += g->rows[e++]) {
        if (g->rows[e] == 0) continue;
        Factors f = factors_of(g, o, e, first);
        matmul(f.A, f.B, f.beta, f.C);
    }
    device_end_one(o->W.device);
}

void grouped_forward(const Grouped *g, Tensor x, Tensor W, Tensor y)
{
    multiply(g, &(Operands){FORWARD, x, y, W});
}

void grouped_backward_input(const Grouped *g, Tensor dy, Tensor W, Tensor dx)
{
    multiply(g, &(Operands){INPUT, dx, dy, W});
}

void grouped_backward_weight(const Grouped *g, Tensor x, Tensor dy, Tensor dW)
{
    multiply(g, &(Operands){WEIGHT, x, dy, dW});
}
