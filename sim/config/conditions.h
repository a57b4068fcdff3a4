/* conditions.h - when a key has an effect.
 *
 * A key applies where another value of it would make another run: other numbers, bytes, memory, time. What a
 * condition looks at is the config alone, and there what is trained and how it is split; never how long, on how
 * many ranks or whether dry, so that a config is right for its rehearsal too. */
#ifndef SIM_CONFIG_CONDITIONS_H
#define SIM_CONFIG_CONDITIONS_H
#include "sim/config/config.h"

typedef enum {
    WHEN_UNSAID, /* of no row: each says when, or ALWAYS */
    ALWAYS,
    WITH_ROPE,
    WITH_HEADS_ALONE,
    WITH_LATENTS,
    WITH_EXPERTS,
    WITH_EXPERT_PARALLELISM,
    WITH_DISPATCH,
    WITH_GROUPS_OF_EXPERTS,
    WITH_CAPACITY,
    WITH_A_BALANCE,
    WITH_A_BIAS,
    WITH_LOADS_OF_A_SCOPE,
    WITH_A_LOAD,
    WITHOUT_A_LOAD,
    WITH_A_TEXT,
    WITH_DRAWN_SAMPLES,
    WITH_DRAWN_WEIGHTS,
    WITH_ADAM,
    WITH_ROOTS,
    WITH_MOMENTUM,
    WITH_RMSPROP,
    WITH_16_BITS,
    WITH_FP16,
    WITH_KEPT_SCORES,
    WITH_SHARDED_GRADIENTS,
    WITH_WHOLE_PARAMETERS,
    WITH_BUCKETS,
    WITH_ROUNDED_SUMS,
    WITH_SENT_BLOCKS,
    WITH_RINGS,
    WITH_TENSOR_PARALLELISM,
    WITH_TENSOR_OVERLAP,
    WITH_PIECES,
    WITH_WHOLE_BORDERS,
    WITH_AN_ORDER,
    WITH_CHUNKS,
    WITH_STAGES,
    WITH_GIVEN,
    WITH_LINKS,
    WITH_A_MACHINE,
    WITH_ALL_TO_ALLS,
    WITH_CARDS,
    WITH_A_CARRIER,
    WHENS
} When;

typedef struct Condition {
    /* On a resolved config. A value that asks for nothing (no, none, auto, one stage a rank) has its effect
     * always: nothing. */
    bool (*holds)(const Config *config);
    const char *words; /* "with model.position = rope" */
    const char
        *instead; /* what to try so that it does: "model.position = rope"; NULL: only to leave it out */
} Condition;

extern const Condition config_conditions[WHENS];
#endif
