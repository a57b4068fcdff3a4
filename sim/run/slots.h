/* slots.h - what a rank holds of each microbatch that is on one of its stages. Those of a step are many and few of them
 * under way, so one that has left makes room for the next. */
#ifndef SIM_RUN_SLOTS_H
#define SIM_RUN_SLOTS_H
#include "models/layers/gpt.h"
#include "sim/run/repeat.h"

/* One microbatch on one of this rank's stages. What each action looks at comes first, a few cache lines of many. */
typedef struct Slot {
    const Pass *as; /* the pass that saved it, where that was not walked; `saved` is empty */
    bool done;      /* its backward is over, and nothing is saved any more */
    bool saves;     /* `saved` holds something */
    struct Slot *next_spare;
    Tensor dx, dy; /* the gradients of the stage's input and output, as x and y */
    Tensor x, y;   /* the stage's input until F takes it, its output until it is sent or taken */
    GptSaved saved;
} Slot;

typedef struct Slots {
    Slot **at; /* (chunks, microbatches); NULL: not under way */
    int chunks, microbatches;
    Slot *spare;
} Slots;

void slots_make(Slots *slots, int chunks, int microbatches);
void slots_free(Slots *slots);

/* Of the microbatch on this chunk of the rank's stages, which is under way from here on. */
Slot *slots_of(Slots *slots, int chunk, int microbatch);
/* If it is done and what it made has left, it is not. */
void slots_leave(Slots *slots, int chunk, int microbatch);
#endif
