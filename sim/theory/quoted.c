/* quoted.c - memory by the closed forms that papers print and people quote.
 *
 * memory.c counts every tensor, so it needs the family, the paddings and the schedule. These need the
 * shape alone, and say how near the quoted figure is. */
#include <stdio.h>
#include "models/layers/gpt_count.h"
#include "models/machine/real.h"
#include "models/training/optimizer.h"
#include "sim/theory/theory.h"
#include "sim/theory/share.h"
#include "sim/base/words.h"

/* Rajbhandari et al. 1910.02054, section 3.1 and figure 1: what a stage cuts is held by N replicas together. Of what it does
 * not cut, e replicas that share experts hold X = P - E + E/e of P parameters, E being the experts'. */
static void quote_states(const Config *config, int ranks, Quoted *q)
{
    static const char *const forms[][2] = {[DATA_DP] = {"(%g + %g + %g) P", "(%g + %g + %g) X"},
                                           [DATA_DDP] = {"(%g + %g + %g) P", "(%g + %g + %g) X"},
                                           [DATA_ZERO1] = {"(%g + %g + %g/N) P", "((%g + %g) X + %g/N P)"},
                                           [DATA_ZERO2] = {"(%g + (%g + %g)/N) P", "(%g X + (%g + %g)/N P)"},
                                           [DATA_ZERO3] = {"(%g + %g + %g)/N P", "(%g + %g + %g)/N P"}};
    const DataParallelConfig *data = &config->parallel;
    double w = theory_width(config), N = config_mesh(config, ranks).dp,
           g = theory_gradient_width(config, config_microbatches(config, ranks)),
           pieces = (double)(config->pipeline.size * config->tensor.size);
    double P = (double)gpt_parameter_count(&config->model.shape) / pieces, ep = (double)config->expert.size,
           E = (double)gpt_expert_parameter_count(&config->model.shape) / pieces, X = P - E + E / ep;
    int values =
        optimizer_states((OptimizerKind)config->train.optimizer.kind) + is_half(config_dtype(config));
    double optimizer = values * (double)sizeof(real);
    q->states = w * (data_parallel_shards_parameters(data) ? P / N : X) +
                g * (data_parallel_shards_gradients(data) ? P / N : X) +
                optimizer * (data_parallel_shards_optimizer(data) ? P / N : X);
    snprintf(q->states_form, sizeof q->states_form, forms[data->kind][ep > 1], w, g, optimizer);
    if (config->pipeline.size > 1) words_append(q->states_form, sizeof q->states_form, "/p");
    if (config->tensor.size > 1) words_append(q->states_form, sizeof q->states_form, "/t");
}

/* Korthikanti et al. 2205.05198, table 2: one microbatch in 16 bits, with dropout and an MLP of 4 h. Attention
 * without a score matrix (Dao et al. 2205.14135) keeps as much as selective recomputation. */
static void quote_activations(const Config *config, Quoted *q)
{
    const GptShape *shape = &config->model.shape;
    double L = (double)shape->layers / (double)config->pipeline.size, s = (double)shape->sequence,
           b = (double)config->train.microbatch, h = (double)shape->hidden, a = (double)shape->heads,
           t = (double)config->tensor.size, scores = 5 * a * s / (h * t);
    bool cut = t > 1, sp = config->tensor.sequence_parallel;
    bool square = config->train.recompute == RECOMPUTE_NONE && shape->attention != ATTENTION_FLASH;
    const char *form;
    double factor;
    if (config->train.recompute == RECOMPUTE_FULL) {
        factor = sp ? 2 / t : 2;
        form = sp ? "2 s b h/t" : "2 s b h";
    } else if (sp || !cut) {
        factor = 34 / t + (square ? scores : 0);
        form = square ? cut ? "s b h/t (34 + 5 a s/h)" : "s b h (34 + 5 a s/h)"
               : cut  ? "34 s b h/t"
                      : "34 s b h";
    } else {
        factor = 10 + 24 / t + (square ? scores : 0);
        form = square ? "s b h (10 + 24/t + 5 a s/(h t))" : "s b h (10 + 24/t)";
    }
    q->activations = L * s * b * h * factor;
    snprintf(q->activations_form, sizeof q->activations_form, "%s %s",
             config->pipeline.size > 1 ? "L/p" : "L", form);
}

void theory_quoted(const Config *config, int ranks, Quoted *q)
{
    quote_states(config, ranks, q);
    quote_activations(config, q);
}
