/* rounding.c - measuring what 16 bits cost, sample by sample. */
#include "tests/support/rounding.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "sim/run/collect.h"

/* ---- pieces ---- */

static void add_pieces(Rounding *r, const Parameter *p, int64_t at)
{
    bool parted = p->cut == CUT_COLUMNS;
    int64_t first = 0;
    for (int i = 0; i < (parted ? CUT_PARTS : 1); i++) {
        int64_t columns = parted ? p->part[i] : p->columns;
        if (columns == 0) continue;
        Piece *piece = &r->piece[r->pieces++];
        *piece = (Piece){
            .at = at + first, .rows = p->rows ? p->rows : 1, .columns = columns, .stride = p->columns};
        snprintf(piece->name, sizeof piece->name, "%s, %d of %d columns from %d", p->name, (int)columns,
                 (int)p->columns, (int)first);
        first += columns;
    }
}

static Rounding list_pieces(const GptShape *shape)
{
    Rounding r = {0};
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = shape, .device = &none});
    r.piece = allocate((size_t)gpt->parameters * CUT_PARTS * sizeof *r.piece);
    int64_t at = 0;
    for (int i = 0; i < gpt->parameters; i++) {
        add_pieces(&r, &gpt->parameter[i], at);
        at += parameter_count(&gpt->parameter[i]);
    }
    gpt_free(gpt);
    return r;
}

/* Of values that lie as all parameters do. */
static double sum_over(const Piece *piece, const double *values)
{
    double sum = 0;
    for (int64_t row = 0; row < piece->rows; row++)
        for (int64_t i = 0; i < piece->columns; i++) sum += values[piece->at + row * piece->stride + i];
    return sum;
}

/* ---- the terms of the sum ---- */

typedef struct Terms {
    int64_t parameters, at; /* the one that is kept next */
    real *gradient;         /* (samples, parameters), of each sample's own loss */
} Terms;

static void keep(const Parameter *p, Tensor whole, void *context)
{
    (void)p;
    Terms *terms = context;
    memcpy(terms->gradient + terms->at, whole.data, tensor_bytes(whole));
    terms->at += whole.count;
}

static void keep_term(Trainer *t, const StepResult *result, void *context)
{
    if (result->skipped) fail("a sample's gradient overflows at a loss scale of %g", result->loss_scale);
    collect_parameters(t, true, keep, context);
}

/* The unsplit run's first samples, one a step, of weights that stay as they are; dropout has other masks, and as
 * many. A mean over one sample has gradients n times those it has in a mean over n, and the loss a scale as much
 * less. */
static Terms terms_of(const Case *truth, const Config *config, const char *precision)
{
    int64_t samples = config->train.global_batch;
    Terms terms = {.parameters = truth->parameters};
    char scale[64];
    Case c = {.steps = (int)samples, .look = keep_term, .context = &terms};
    terms.gradient = allocate((size_t)(samples * terms.parameters) * sizeof *terms.gradient);
    int n = 0;
    for (; truth->sets[n]; n++) c.sets[n] = truth->sets[n];
    c.sets[n++] = "train.global_batch=1";
    c.sets[n++] = "train.learning_rate=0";
    snprintf(scale, sizeof scale, "train.loss_scale=%.17g", config->train.loss_scale / (double)samples);
    if (precision) {
        c.sets[n++] = precision;
        c.sets[n++] = "train.gradients=auto";
    } else if (config->train.precision == PRECISION_FP16) {
        c.sets[n++] = scale;
    }
    if (!case_virtual(&c, 1)) fail("a run of one sample a step: %s", c.refused);
    case_free(&c);
    return terms;
}

Rounding rounding_of(const Case *truth, double roundoff)
{
    Config config;
    Error error;
    if (!case_config(truth, &config, &error)) fail("%s", error.text);
    Rounding r = list_pieces(&config.model.shape);
    int64_t samples = config.train.global_batch, P = truth->parameters;
    Terms rounded = terms_of(truth, &config, NULL), exact = terms_of(truth, &config, "train.precision=fp32");
    double *square = allocate_zeroed((size_t)P, sizeof *square); /* Y^2, of each value */
    double norm = 0, all = 0;
    for (int64_t i = 0; i < P; i++) {
        double sum = 0;
        for (int64_t m = 0; m < samples; m++) {
            double term = (double)exact.gradient[m * P + i], e = (double)rounded.gradient[m * P + i] - term;
            sum += term / (double)samples;
            square[i] += pow(e / (double)samples, 2) + pow(roundoff * sum, 2);
        }
        norm += pow((double)truth->gradients[i], 2);
        all += square[i];
    }
    for (int k = 0; k < r.pieces; k++) {
        Piece *piece = &r.piece[k];
        double count = (double)(piece->rows * piece->columns);
        piece->bound = 2 * sqrt(sum_over(piece, square)) * (1 + 5 / sqrt(count));
    }
    r.all = sqrt(all / norm);
    free(square);
    free(rounded.gradient);
    free(exact.gradient);
    config_free(&config);
    return r;
}

void rounding_free(Rounding *r)
{
    free(r->piece);
    *r = (Rounding){0};
}

/* The piece whose gradient is farthest from the truth's, in parts of its bound, which go to `share`. */
static const Piece *farthest_piece(const Rounding *r, const Case *truth, const Case *c, double *share)
{
    double *square = allocate((size_t)truth->parameters * sizeof *square);
    const Piece *farthest = NULL;
    for (int64_t i = 0; i < truth->parameters; i++)
        square[i] = pow((double)c->gradients[i] - (double)truth->gradients[i], 2);
    *share = 0;
    for (int k = 0; k < r->pieces; k++) {
        const Piece *piece = &r->piece[k];
        double apart = sqrt(sum_over(piece, square)), part = apart == 0 ? 0 : apart / piece->bound;
        if (farthest && part <= *share) continue; /* a NaN is the farthest */
        *share = part;
        farthest = piece;
        if (isnan(part)) break;
    }
    free(square);
    return farthest;
}

bool rounding_agrees(const Rounding *r, const Case *truth, Case *c, const char *what, int ranks,
                     double tolerance, Margin *margin)
{
    double all = case_gradients_apart(truth, c), share;
    const Piece *piece = farthest_piece(r, truth, c, &share);
    case_compare(truth, c);
    bool near = c->loss_apart <= tolerance && c->norm_apart <= tolerance && all <= tolerance;
    if (!near)
        printf("# %s on %d ranks: the loss is %.3g apart, the norm %.3g, gradients together %.3g\n", what,
               ranks, c->loss_apart, c->norm_apart, all);
    if (!(share <= 1))
        printf("# %s on %d ranks: the gradient of %s is %.3g times as far apart as rounding may put it\n",
               what, ranks, piece->name, share);
    if (share > margin->share) {
        margin->share = share;
        snprintf(margin->where, sizeof margin->where, "%s; %s on %d ranks", piece->name, what, ranks);
    }
    return case_counts(c, what, ranks) && near && share <= 1;
}
