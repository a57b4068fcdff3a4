/* repeat.h - passes of a dry run that do what one before them did.
 *
 * What a pass of one microbatch through a stage does (F, B, I or W) depends on the sizes alone, so a rank walks its
 * kernels for the first microbatch and takes for others what came of it: the seconds and the rings in their order
 * (parallel/wire/tape.h), the memory that came, went and was held at most, and the work reported. Not the pass that
 * moves what others wait for: of the last microbatch, in which gradients are reduced, of the first to use parameters
 * that are on their way, and wherever a ring begins in one pass and ends in another. */
#ifndef SIM_RUN_REPEAT_H
#define SIM_RUN_REPEAT_H
#include "models/layers/gpt.h"
#include "parallel/schedule/schedule.h"
#include "parallel/wire/tape.h"

typedef struct Pass {
    bool known;
    Tape tape;
    int64_t held[MEMORY_CATEGORIES], total;           /* bytes more than before */
    size_t highest[MEMORY_CATEGORIES], total_highest; /* than before, at most, while it ran */
    WorkDone done[WORK_KINDS];
    int64_t played; /* times whose work is not reported yet */
    GptSaved saved; /* what it left of the microbatch; of F and I */
    Tensor result;  /* y or dx */
} Pass;

/* Of one rank: by kind of action and by which of its stages. */
typedef struct Repeats {
    Device *device;
    Comm *comm;
    const Gpt *gpt;
    int chunks, microbatches;
    Pass *pass;
    /* of the pass being recorded */
    size_t held[MEMORY_CATEGORIES], peak[MEMORY_CATEGORIES], total, peak_total;
    WorkDone done[WORK_KINDS];
} Repeats;

/* NULL where nothing repeats: not dry, or too few microbatches. All must live as long. */
Repeats *repeats_new(Device *device, Comm *comm, const Gpt *gpt, int chunks, int microbatches);
void repeats_free(Repeats *r);

/* The pass in place of one that would be walked; NULL: walk it. */
Pass *repeats_find(Repeats *r, ActionKind kind, int chunk, int microbatch);
/* Does what the pass did, but that its work is reported at the end of the step, by repeats_settle(), which takes NULL, too. */
void repeats_play(Repeats *r, Pass *pass);
void repeats_settle(Repeats *r);
/* Around a pass that is walked; if it is not known yet, its result is kept, and what it saved where that is not NULL. */
void repeats_record(Repeats *r, ActionKind kind, int chunk);
void repeats_keep(Repeats *r, ActionKind kind, int chunk, const GptSaved *saved, Tensor result);
#endif
