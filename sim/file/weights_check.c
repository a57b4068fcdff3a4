/* weights_check.c - first what a file says it is, then names and shapes, then every value. */
#include "sim/file/weights_check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/half.h"
#include "sim/base/progress.h"
#include "sim/base/words.h"
#include "sim/file/extents.h"
#include "sim/file/schema.h"
#include "sim/file/weights_naming.h"

/* ---- what it is ---- */

/* A file without a schema of ours is someone else's, and its tensors tell. */
static bool check_schema(H5 *file, Error *error)
{
    char said[SCHEMA_TEXT];
    return schema_is(file, SCHEMA_WEIGHTS, said) || strncmp(said, "sim-", 4) != 0 ||
           error_set(error,
                     "its attribute schema is \"%s\", not \"%s\"; try a file that output.weights wrote", said,
                     schema_name[SCHEMA_WEIGHTS]);
}

static bool check_family(H5 *file, Naming naming, Error *error)
{
    for (int other = 0; other < NAMINGS; other++) {
        FileTensor embedding[CUT_PARTS];
        bool same = naming_is_llama((Naming)other) == naming_is_llama(naming);
        if (same || !weights_named(file, (Naming)other, embedding)) continue;
        return error_set(
            error,
            "tensor '%s' is one of %s's, this model's have %s's names; try model.norm, activation, "
            "position and bias as in the file, or a preset of its family",
            embedding->path + 1, naming_title[other], naming_title[naming]);
    }
    return true;
}

/* ---- names and shapes ---- */

int weights_shape(const Parameter *p, const FileTensor *f, size_t dims[H5_MAX_RANK])
{
    dims[p->whole_rows && !f->transposed] = (size_t)f->columns;
    if (p->whole_rows) dims[f->transposed] = (size_t)p->whole_rows;
    return p->whole_rows ? 2 : 1;
}

static bool check_tensor(H5 *file, Naming naming, const Parameter *p, const FileTensor *f, Error *error)
{
    char have[128], want[128];
    size_t dims[H5_MAX_RANK], wanted[H5_MAX_RANK];
    int rank, wanted_rank = weights_shape(p, f, wanted);
    bool there = h5_exists(file, f->path);
    if (!there && words_end_in(f->path, EXPERT_BIAS_NAME))
        return error_set(error,
                         "tensor '%s' is missing; try a file of a model that was balanced by it, or "
                         "moe.balance = auxiliary",
                         f->path + 1);
    if (!there && strcmp(f->path + 1, HEAD_NAME) == 0)
        return error_set(error,
                         "tensor '%s' is missing; try a file of a model with a head, or "
                         "model.tie_embeddings = yes",
                         f->path + 1);
    if (!there)
        return error_set(error, "tensor '%s' is missing; try %sa file with Hugging Face's %s names",
                         f->path + 1, weights_of_experts(file, p, f) ? "[moe] as in the file, or " : "",
                         naming_title[naming]);
    if (!h5_shape(file, f->path, &rank, dims, error)) return false;
    if (!h5_is_floating(file, f->path))
        return error_set(error, "tensor '%s' is not of floating-point numbers; try one of 16, 32 or 64 bits",
                         f->path + 1);
    if (extents_same(rank, dims, wanted_rank, wanted))
        return h5_is_written(file, f->path) ||
               error_set(
                   error,
                   "tensor '%s' has values that are not in the file; try one that was written whole, and "
                   "refers to no other",
                   f->path + 1);
    extents_text(rank, dims, have, sizeof have);
    extents_text(wanted_rank, wanted, want, sizeof want);
    return error_set(error, "tensor '%s' is %s, the model's is %s; try [model]%s sizes as in the file",
                     f->path + 1, have, want, weights_of_experts(file, p, f) ? " and [moe]" : "");
}

/* The i-th of its parameters, and of its buffers behind them. */
static const Parameter *tensor_at(const Gpt *gpt, int i)
{
    return i < gpt->parameters ? &gpt->parameter[i] : &gpt->buffer[i - gpt->parameters];
}

static int tensors_of(const Gpt *gpt)
{
    return gpt->parameters + gpt->buffers;
}

typedef struct Check {
    const Gpt *gpt;
    Naming naming;
    FileTensor *tensor; /* the model's, by name */
    size_t tensors;
    bool known; /* every name so far */
    Error *error;
} Check;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const FileTensor *)a)->path, ((const FileTensor *)b)->path);
}

static void list_tensors(Check *c)
{
    c->tensor = allocate((size_t)tensors_of(c->gpt) * CUT_PARTS * sizeof *c->tensor);
    for (int i = 0; i < tensors_of(c->gpt); i++)
        c->tensors += (size_t)file_tensors(c->naming, tensor_at(c->gpt, i), c->tensor + c->tensors);
    qsort(c->tensor, c->tensors, sizeof *c->tensor, by_name);
}

static bool name_is_known(const char *name, void *context)
{
    Check *c = context;
    const GptShape *shape = &c->gpt->shape;
    const char *bias = naming_is_llama(c->naming) ? "" : ", model.bias"; /* which a Llama cannot have */
    FileTensor wanted = {.path = ""};
    bool fits = snprintf(wanted.path, sizeof wanted.path, "/%s", name) < (int)sizeof wanted.path;
    if (fits && bsearch(&wanted, c->tensor, c->tensors, sizeof wanted, by_name)) return true;
    if (naming_passes_over(c->naming, name)) return true;
    if (shape->tie_embeddings && strcmp(name, HEAD_NAME) == 0) return true; /* check_head() */
    char shown[96];
    c->known = false;
    if (words_end_in(name, EXPERT_BIAS_NAME) && shape->experts.count && !has_expert_bias(shape))
        return error_set(c->error,
                         "tensor '%s' is a bias of experts' scores, which this model has not; try "
                         "moe.balance = bias",
                         error_show(shown, sizeof shown, name, strlen(name)));
    if (weights_name_experts(name))
        return error_set(
            c->error,
            "tensor '%s' has no place in a model of %lld expert%s and %lld shared; try [moe] as in "
            "the file",
            error_show(shown, sizeof shown, name, strlen(name)), (long long)shape->experts.count,
            words_s(shape->experts.count), (long long)shape->experts.shared);
    return error_set(c->error,
                     "tensor '%s' has no place in a model of %lld layer%s%s; try model.layers%s or "
                     "model.tie_embeddings as in the file",
                     error_show(shown, sizeof shown, name, strlen(name)), (long long)shape->layers,
                     words_s(shape->layers), shape->tie_embeddings ? " with a tied head" : "", bias);
}

/* ---- values ---- */

/* Rows of a tensor that make a piece of about this many values, and at least one. */
enum { PIECE = 1 << 16 };

typedef struct Piece {
    size_t first, rows, width, all; /* rows of `width` values, of `all` */
} Piece;

static Piece first_piece(int rank, const size_t *dims)
{
    size_t width = rank > 1 ? dims[1] : 1, rows = width < PIECE ? PIECE / width : 1;
    return (Piece){.rows = rows < dims[0] ? rows : dims[0], .width = width, .all = dims[0]};
}

static bool next_piece(Piece *p)
{
    p->first += p->rows;
    if (p->all - p->first < p->rows) p->rows = p->all - p->first;
    return p->rows > 0;
}

/* Whether a value is a number, and still one as the model holds it. */
static bool is_held(double value, DType dtype)
{
    real wide = (real)value;
    if (is_half(dtype)) {
        uint16_t half;
        half_round(dtype, &wide, &half, 1);
        half_widen(dtype, &half, &wide, 1);
    }
    return isfinite(wide);
}

/* `at` counts elements as they lie. */
static bool refuse_value(const char *name, int rank, const size_t *dims, size_t at, double value,
                         Error *error)
{
    char where[64];
    extents_place(rank, dims, at, where, sizeof where);
    if (isfinite(value))
        return error_set(error,
                         "tensor '%s' has %g at %s, more than train.precision holds; try a wider one, or "
                         "smaller weights",
                         name, value, where);
    return error_set(error, "tensor '%s' has %s at %s; try weights of numbers alone", name,
                     isnan(value) ? "nan"
                     : value > 0  ? "inf"
                                  : "-inf",
                     where);
}

static bool check_values(H5 *file, const Gpt *gpt, const Parameter *p, const FileTensor *f, Error *error)
{
    size_t dims[H5_MAX_RANK];
    int rank = weights_shape(p, f, dims);
    Piece piece = first_piece(rank, dims);
    double *values = allocate(piece.rows * piece.width * sizeof *values);
    bool ok = true;
    do {
        ok = h5_read_rows(file, f->path, piece.first, piece.rows, H5_F64, values, error);
        for (size_t i = 0; ok && i < piece.rows * piece.width; i++)
            if (!is_held(values[i], gpt->dtype))
                ok = refuse_value(f->path + 1, rank, dims, piece.first * piece.width + i, values[i], error);
    } while (ok && next_piece(&piece));
    free(values);
    return ok;
}

/* A head that the file has of its own, where the model's is the embedding: it must be that, bit for bit. */
static bool check_head(H5 *file, const Gpt *gpt, Naming naming, Error *error)
{
    static const char head[] = "/" HEAD_NAME;
    if (!gpt->shape.tie_embeddings || !h5_exists(file, head)) return true;
    FileTensor wte[CUT_PARTS];
    size_t dims[H5_MAX_RANK], others[H5_MAX_RANK];
    file_tensors(naming, &gpt->parameter[0], wte);
    int rank = weights_shape(&gpt->parameter[0], wte, dims), others_rank;
    if (!h5_shape(file, head, &others_rank, others, error)) return false;
    bool same = h5_is_floating(file, head) && extents_same(rank, dims, others_rank, others);
    Piece piece = first_piece(rank, dims);
    size_t values = piece.rows * piece.width;
    double *embedding = allocate(2 * values * sizeof *embedding), *own = embedding + values;
    bool ok = true;
    do {
        if (!same || !ok) break;
        ok = h5_read_rows(file, wte->path, piece.first, piece.rows, H5_F64, embedding, error) &&
             h5_read_rows(file, head, piece.first, piece.rows, H5_F64, own, error);
        same = ok && memcmp(embedding, own, piece.rows * piece.width * sizeof *own) == 0;
    } while (next_piece(&piece));
    free(embedding);
    if (!ok || same) return ok;
    return error_set(error,
                     "tensor '" HEAD_NAME "' is not '%s', and the model's head is tied to that; try "
                     "model.tie_embeddings = no",
                     wte->path + 1);
}

/* Every tensor of the file: its shape, or its values. */
static bool check_all(H5 *file, const Gpt *gpt, Naming naming, bool values, Error *error)
{
    FileTensor tensor[CUT_PARTS];
    Progress progress;
    progress_begin(&progress, tensors_of(gpt), PROGRESS_QUIET);
    bool ok = true;
    for (int i = 0; ok && i < tensors_of(gpt); i++) {
        const Parameter *p = tensor_at(gpt, i);
        if (p->copy_of) continue;
        int count = file_tensors(naming, p, tensor);
        for (int k = 0; ok && k < count; k++)
            ok = values ? check_values(file, gpt, p, &tensor[k], error)
                        : check_tensor(file, naming, p, &tensor[k], error);
        if (ok && progress_due(&progress, i + 1))
            progress_show(&progress, "%d of %d tensors checked", i + 1, tensors_of(gpt));
    }
    progress_end(&progress);
    return ok;
}

static bool check_names(H5 *file, const Gpt *gpt, Naming naming, Error *error)
{
    Check check = {.gpt = gpt, .naming = naming, .known = true, .error = error};
    list_tensors(&check);
    bool all = h5_each(file, name_is_known, &check, error) && check.known;
    free(check.tensor);
    return all;
}

bool weights_check(H5 *file, const Gpt *gpt, Error *error)
{
    Naming naming = weights_naming(file, &gpt->shape);
    return check_schema(file, error) && check_family(file, naming, error) &&
           check_all(file, gpt, naming, false, error) && check_names(file, gpt, naming, error) &&
           check_all(file, gpt, naming, true, error) && check_head(file, gpt, naming, error);
}
