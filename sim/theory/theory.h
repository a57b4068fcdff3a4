/* theory.h - what the papers say a step costs, from the configuration alone.
 *
 * Nothing here looks at how the program does it: run files carry these figures
 * beside the counted ones, and tests hold the two equal. */
#ifndef SIM_THEORY_THEORY_H
#define SIM_THEORY_THEORY_H
#include "models/machine/device.h"
#include "parallel/wire/purpose.h"
#include "parallel/schedule/timeline.h"
#include "sim/config/config.h"

/* Payload bytes rank `rank` of `ranks` sends in one step, by purpose. */
void theory_bytes(const Config *config, const Plan *plan, int ranks, int rank, double bytes[PURPOSES]);

/* Of replicas that share experts, what they send each other of that: where theory_bytes() has it of an even load, this is
 * of rows as experts took them in a step, (layers with experts, replicas, microbatches, E), by who chose them (NULL: of the
 * same). */
void theory_dispatched(const Config *config, const Plan *plan, int ranks, int rank, const int32_t *taken,
                       double bytes[PURPOSES]);
/* Bytes that a rank has room for at most beside such rows on their way in two hops, of one exchange: what it packs for the
 * first, what that brings, and of this what goes on; 0 where they go straight. The ledger has them as communication. */
double theory_rows_room(const Config *config, const Plan *plan, int ranks, int rank, const int32_t *taken);

/* Bytes that a row takes in a step there, and as many back. */
double theory_row_bytes(const Config *config);

/* Of the bytes that `rank` sends by theory_bytes, and others like it, `alike` ranks in all, those that stay inside
 * nodes and those that leave them: added to bytes[route][purpose]; NaN where no formula stands. Of a ring of n ranks
 * over N nodes the last in each sends out of its own; of a hierarchical all-reduce (N-1)/(n-1) of what each rank
 * sends goes out; over trees a block goes out once for each edge of its tree between nodes (all_reduce.c). */
void theory_links(const Config *config, const Plan *plan, int ranks, int rank, int alike,
                  double bytes[ROUTES][PURPOSES]);
/* And of those that go by all-to-all, of rows as experts took them (theory_dispatched). */
void theory_links_dispatched(const Config *config, const Plan *plan, int ranks, int rank, int alike,
                             const int32_t *taken, double bytes[ROUTES][PURPOSES]);

/* Peak bytes rank `rank` holds, by category; NaN where no formula stands. */
void theory_memory(const Config *config, const Plan *plan, int ranks, int rank,
                   double bytes[MEMORY_CATEGORIES]);

/* Bytes of the copy that rank `rank` takes of its part of a checkpoint, the parameters and the optimizer's values in REAL,
 * to write it beside training; 0 where none is due after step `first`, from 0, and before the last. */
double theory_checkpoint_copy(const Config *config, const Plan *plan, int ranks, int rank, int64_t first);

/* About as many bytes rank `rank` holds for a moment beside these categories: units that are gathered or whose gradients
 * are on their way, where zero2 and zero3 have them in pieces, activations of a block that are computed again, and
 * theory_rows_room()'s. No paper counts them. */
double theory_moment(const Config *config, const Plan *plan, int ranks, int rank);

/* Parameters of a block that a rank holds. */
double theory_block_parameters(const Config *config);

/* What people quote of one rank: bytes, and the form they are from, in the papers' letters (P parameters, N
 * replicas, t and p ranks that cut a layer and the layers). */
typedef struct Quoted {
    double states;      /* parameters, gradients, optimizer */
    double activations; /* of one microbatch, in 16 bits, of the blocks alone */
    char states_form[64], activations_form[48];
} Quoted;
void theory_quoted(const Config *config, int ranks, Quoted *quoted);

/* Values a token and layer that a cache at inference would hold of latent attention: of its latents, or (kv_heads not 0)
 * if so many heads had keys and values of their own, as wide but for RoPE's part (DeepSeek-AI 2405.04434, table 1). */
int64_t theory_cached(const GptShape *shape, int64_t kv_heads);

/* Operations of a step of so many samples, as papers quote them: 2 of each multiply and add of a product, nothing else.
 * What the model needs: Korthikanti et al. 2205.05198, equation 7, 72 B L s h^2 (1 + s/6h + V/12hL), B samples;
 * NaN for a shape that it does not count: gated, grouped queries, an MLP that is not of 4 h. */
double theory_flops_model(const GptShape *shape, double samples);
/* What a device does under selective recomputation: equation 8 there, as printed, with s/3h. */
double theory_flops_selective(const GptShape *shape, double samples);
/* What any model needs: 6 N + 12 L h s a token, N the parameters that a token is multiplied by, of experts those it goes to
 * (Chowdhery et al. 2204.02311, appendix B); 2 h are the widths of all heads' keys and values. Others are in no product,
 * and small models have so many of them that counted they would need more than all their kernels do. */
double theory_flops_parameters(const GptShape *shape, double samples);

/* Seconds under hardware.profile = given, those of the config; under all others F 1, B 2, I and W 1 each, on every
 * stage alike, whatever its layers: what the formulas of bubbles count on, so that a schedule alone is judged and
 * not how a model was cut; where a rank holds v stages, a run takes 1/v of these, so that steps of one model
 * compare. B and I are longer by what is computed again: a whole F under full recomputation; under selective QK^T's
 * share of a block's flops, 2 b s^2 h of 2 b s (4 h^2 + 2 h f) + 4 b s^2 h (Korthikanti et al. 2205.05198,
 * appendix A), or what is in their places where heads' keys and values have widths of their own. */
Ideal theory_ideal(const Config *config);

/* Of B's or I's seconds there, what is computed again. */
double theory_again(const Config *config);

/* The idle share of a pipeline's ranks when all stages take the ideal seconds and messages none; NaN for a
 * user's own schedule. */
double theory_bubble(const Config *config, int microbatches);
#endif
