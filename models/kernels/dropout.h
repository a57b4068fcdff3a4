/* dropout.h - which elements are dropped is a function of where they are.
 *
 * Dropout (Srivastava et al., JMLR 15, 2014): an element is kept with
 * probability 1 - rate, and then divided by it; the rate is a whole number of
 * 1/65536, the nearest to the one asked for. What is drawn depends on the
 * seed, the step, the layer, the place in it, and the element's index in the
 * whole, unsplit tensor, alone: every split drops the same elements, and a
 * recomputation drops them again. */
#ifndef MODELS_KERNELS_DROPOUT_H
#define MODELS_KERNELS_DROPOUT_H
#include "models/machine/tensor.h"

typedef enum { DROPOUT_EMBEDDING, DROPOUT_ATTENTION, DROPOUT_PROJ, DROPOUT_OUT } DropoutPlace;

typedef struct Dropout {
    double rate;               /* 0 <= dropout_drawn(rate) < 1 */
    int64_t seed, step, layer; /* step < 2^32, layer < 2^24 */
    DropoutPlace place;
    int64_t first_sample; /* global index of a batch's first sample; the others follow it */
} Dropout;

/* The rate that is drawn, and 1 / (1 - that): what is kept is multiplied by it. */
double dropout_drawn(double rate);
double dropout_scale(double rate);

/* Rows first..first+rows-1 of each of B samples of (T, C): (B, rows, C). */
typedef struct SampleRows {
    int64_t B, first, rows, T, C;
} SampleRows;

/* y = x * mask / (1 - rate), all three of these rows; mask (UINT8) becomes 1 where kept. y may be x. */
void dropout_forward(const Dropout *dropout, SampleRows at, Tensor x, Tensor mask, Tensor y);
/* dx = dy * mask / (1 - rate); dx may be dy. */
void dropout_backward(double rate, Tensor dy, Tensor mask, Tensor dx);

/* For the inside of a kernel, without a report to the device. The mask of columns first..first+n-1 (`first` a
 * multiple of 8) of row `row` of a whole tensor of rows of `width`: */
void dropout_draw(const Dropout *dropout, int64_t row, int64_t width, int64_t first, uint8_t *mask,
                  int64_t n);
#endif
