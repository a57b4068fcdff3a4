/* tensor_values.h - a tensor's values as reals: read, written, opened for a kernel, and added up. */
#ifndef MODELS_MACHINE_TENSOR_VALUES_H
#define MODELS_MACHINE_TENSOR_VALUES_H
#include <assert.h>
#include "models/machine/real.h"
#include "models/machine/tensor.h"

static inline real *reals(Tensor t)
{
    assert(t.dtype == REAL);
    return t.data;
}

/* REAL, BF16 and FP16 in any mixture: computed in reals, and a result of 16 bits
 * rounded once. Done in pieces that stay in the cache, without workspace. */
void tensor_convert(Tensor to, Tensor from);
/* to += from, which is work of that kind; INT32 both, too. In place of a sum a blank becomes what is added. */
void tensor_add(Tensor to, Tensor from, WorkKind as);
double tensor_sum_of_squares(Tensor t); /* in double, in a fixed order */
/* Values first..first+count-1 of a tensor of one of these types, to and from
 * reals: for the inside of a kernel, so no report to the device. */
void tensor_read(Tensor t, int64_t first, int64_t count, real *out);
void tensor_write(Tensor t, int64_t first, int64_t count, const real *values);
void tensor_sum(Tensor to, Tensor from);                   /* to += from, so */
Work tensor_sum_work(Tensor to, Tensor from, WorkKind as); /* and what is to be reported of it */
/* Values first..first + count - 1, a piece at most, of so many runs of one type, two or more: those of all but the last
 * are added up in their order, and that sum to the last, each rounded. For the inside of a kernel, too. */
void tensor_sum_runs(DType dtype, void *const *run, int runs, int64_t first, int64_t count);
Work tensor_squares_work(Tensor t); /* of the sum of squares */
/* Of `left` values the next piece, when work is done in pieces: in the first cache, and on any stack. */
enum { TENSOR_PIECE = 1024 };
static inline int64_t tensor_piece(int64_t left)
{
    return left < TENSOR_PIECE ? left : TENSOR_PIECE;
}

/* Of a pass over 16 bits piece by piece: fetches the piece after the next, from `first` on, as no cache may hold it. */
static inline void tensor_fetch(Tensor t, int64_t first)
{
    enum { LINE = 64 };
    const char *at = (const char *)t.data + (first + 2 * TENSOR_PIECE) * (int64_t)dtype_bytes(t.dtype),
               *end = at + TENSOR_PIECE * dtype_bytes(t.dtype);
    for (; at < end; at += LINE) __builtin_prefetch(at);
}

/* The same in whole rows of so many values: of `left` rows, one at least. */
static inline int64_t tensor_piece_rows(int64_t left, int64_t width)
{
    int64_t rows = width < TENSOR_PIECE ? TENSOR_PIECE / width : 1;
    return left < rows ? left : rows;
}

/* How a kernel goes through an argument of one of these types, some values at a time: those of a REAL tensor where they
 * lie, those of 16 bits in reals, in room for `most` of them, which stays in the first cache. In no ledger, neither as
 * memory nor as traffic: an accelerator widens in registers. For the inside of a kernel, so not on a dry device. */
typedef struct Opened {
    Tensor t;
    real *room; /* NULL: of REAL */
} Opened;
Opened opened_new(Tensor t, int64_t most); /* a zero tensor is nowhere read or written */
void opened_free(Opened *o);
/* Values first..first+count-1, to be read or changed; or, to be written, those from `first` on. What was changed or
 * written goes back by opened_write(). Until the next of these calls. */
real *opened_read(const Opened *o, int64_t first, int64_t count);
real *opened_for(const Opened *o, int64_t first);
void opened_write(const Opened *o, int64_t first, int64_t count);

/* How a kernel opens all of an argument at once, where pieces would not do: wide_of() to read or to
 * change it (a blank is settled), wide_for() to write all of it. A REAL tensor is itself; of another
 * the kernel gets a REAL copy, which it closes by wide_free() or, to round it
 * into `t`, wide_store(). In no ledger either. */
Tensor wide_of(Tensor t);
Tensor wide_for(Tensor t);
void wide_free(Tensor *wide, Tensor t);
void wide_store(Tensor *wide, Tensor t);
#endif
