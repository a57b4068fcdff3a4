/* region.h - where tensor parallelism enters and leaves a region of the model.
 *
 * Inside a region each of `size` ranks holds a slice of the width; outside, all
 * hold the same (B, T, C), or with `sequence` each its T / size rows of every
 * sample (B, T/size, C). Entering and leaving are conjugate pairs (Shoeybi et
 * al. 1909.08053, f and g; Korthikanti et al. 2205.05198, g and g-bar):
 *
 *                    enter forward   enter backward   leave forward    leave backward
 *   tensor           nothing         all-reduce       all-reduce       nothing
 *   with sequence    all-gather      reduce-scatter   reduce-scatter   all-gather
 *
 * The model calls these; what moves the bytes stands behind RegionOps. With one
 * rank nothing moves and whole and local are the same tensor. What needs no part of
 * a result may be computed between the begin of a crossing and its end. */
#ifndef MODELS_LAYERS_REGION_H
#define MODELS_LAYERS_REGION_H
#include "models/machine/tensor.h"

/* `count` values from `first` on. */
typedef struct Values {
    int64_t first, count;
} Values;

/* Each begins to move something, which end() waits for. */
typedef struct RegionOps {
    void *(*sum)(void *context, Tensor t); /* over ranks, in place */
    /* Of whole (B, T, C), in each sample these values of every rank's rows: this rank's are in place; or, of a
     * sum, complete in the end. */
    void *(*gather_rows)(void *context, Tensor whole, int64_t B, Values values);
    void *(*sum_to_rows)(void *context, Tensor whole, int64_t B, Values values);
    void *(*gather_all)(void *context, Tensor all); /* block `rank` of all is in place */
    void (*end)(void *moving);
} RegionOps;

/* What is computed while a border is crossed: nothing; or, in backward, the product with the weights while their
 * input's gradient leaves, and that for the input's gradient while the input is gathered again; or that, and
 * elsewhere the product that reads what enters or makes what leaves, by pieces. */
typedef enum { REGION_WAITS, REGION_BULK, REGION_PIPELINED } RegionOverlap;
enum { REGION_PIECES = 32 }; /* at most */

typedef struct Region {
    int size, rank;
    bool sequence;
    RegionOverlap overlap;
    int pieces;
    const RegionOps *ops;    /* not called when size is 1 */
    void *context, *sharing; /* of the ranks that hold the same keys and values; NULL: no two do */
} Region;

/* Rows of a sample that this rank holds outside a region, and the first of them. */
int64_t region_rows(const Region *r, int64_t T);
int64_t region_first_row(const Region *r, int64_t T);

/* A rank's rows of a sample cross in so many pieces: piece j is of every rank the j-th part of its rows. */
typedef struct Pieces {
    int count;
    int64_t rows; /* a rank's of a sample */
} Pieces;
static const Pieces ONE_PIECE = {1, 1};
/* As its overlap says, of samples of T rows: no more than a rank has rows. */
Pieces region_pieces(const Region *r, int64_t T);
/* The first row of a piece among a rank's; of one past the last the end. */
int64_t piece_first(Pieces pieces, int piece);

/* A border on its way to be crossed. */
typedef struct Crossing {
    Tensor whole, local;
    int64_t B;
    Pieces pieces;
    void *moving[REGION_PIECES]; /* NULL: nothing does */
} Crossing;

/* What enters forward or leaves backward, local -> whole: all its pieces begin; a piece's rows of all ranks are there
 * when it has ended, this rank's at once. Where nothing has to move whole is local. */
Crossing region_gather_begin(const Region *r, Tensor local, int64_t B, Pieces pieces);
void region_gather_piece_end(const Region *r, Crossing *c, int piece);
Tensor region_gather_end(const Region *r, Crossing *c); /* region_release() it */
/* What enters backward or leaves forward, whole (this rank's part of the sum, used up) -> local: each piece begins once
 * whole has all of its rows. They may be one tensor. */
Crossing region_sum_open(Tensor whole, Tensor local, int64_t B, Pieces pieces);
void region_sum_piece_begin(const Region *r, Crossing *c, int piece);
void region_sum_end(const Region *r, Crossing *c);

/* local -> whole (B, T, C): local itself, or a new tensor; region_release() it. */
Tensor region_enter(const Region *r, Tensor local, int64_t B);
/* dwhole (this rank's part of the sum, used up) -> dlocal; they may be one tensor. */
void region_enter_backward(const Region *r, Tensor dwhole, Tensor dlocal, int64_t B);
/* What a region writes its result to: local itself, or a new whole tensor; region_release() it. */
Tensor region_result(const Region *r, Tensor local);
/* whole (this rank's part of the sum, used up) -> local. */
void region_leave(const Region *r, Tensor whole, Tensor local, int64_t B);
/* dlocal -> dwhole: as region_enter. */
Tensor region_leave_backward(const Region *r, Tensor dlocal, int64_t B);
/* Row `rank` of all (size, ...), which is in place, to all. */
void region_gather_all(const Region *r, Tensor all);
/* Frees `whole` unless it is `local` itself. */
void region_release(const Region *r, Tensor *whole);
#endif
