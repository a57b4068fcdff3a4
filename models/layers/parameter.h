/* parameter.h - a model's parameter: its name, what a rank holds of it, and where that lies in the whole. */
#ifndef MODELS_LAYERS_PARAMETER_H
#define MODELS_LAYERS_PARAMETER_H
#include <stdbool.h>
#include "models/layers/tensor_shape.h"

typedef enum { INIT_ZERO, INIT_ONE, INIT_NORMAL, INIT_NORMAL_RESIDUAL } Init;

typedef struct Parameter {
    char name[48];                   /* Hugging Face's: "h.0.attn.c_attn.weight" */
    const struct Parameter *copy_of; /* NULL but for a tied head's copy of wte */
    int unit;
    int64_t number; /* among all parameters of the model, those of experts that this rank does not hold too */
    int64_t offset; /* in the unit */
    int64_t rows, columns;             /* what this rank holds; rows = 0: a vector */
    int64_t whole_rows, whole_columns; /* what all ranks of a tensor-parallel group hold together */
    int64_t part[CUT_PARTS], sharing;  /* of CUT_COLUMNS: as in TensorShape */
    Cut cut;
    bool partial; /* as in TensorShape */
    Init init;
} Parameter;
int64_t parameter_count(const Parameter *p);       /* of what this rank holds */
int64_t parameter_whole_count(const Parameter *p); /* of all of it */
/* Where element `index` of what rank `rank` of `ranks` holds lies in the whole; -1: padding of the vocabulary. */
int64_t parameter_place(const Parameter *p, int ranks, int rank, int64_t index);
/* A rectangle of the whole (a vector is one row), and where it lies in a range of what a rank holds: value (i, j) of it
 * at from + i stride + j. */
typedef struct ParameterSlab {
    int64_t row, column, rows, columns;
    int64_t from, stride;
    bool first; /* no rank of the region before this one holds it, too */
} ParameterSlab;
enum { PARAMETER_SLABS = 3 * CUT_PARTS };
/* The rectangles that elements first..first+count-1 of what rank `rank` of `ranks` holds are, without what pads the
 * vocabulary; returns how many. */
int parameter_slabs(const Parameter *p, int ranks, int rank, int64_t first, int64_t count,
                    ParameterSlab slab[PARAMETER_SLABS]);
/* The first of the columns here that other ranks have too, to the last; p->columns when there are none. */
int64_t parameter_first_shared(const Parameter *p, int ranks);
#endif
