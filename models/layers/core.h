/* core.h - what stands between a branch's two linear layers: attention in one,
 * an activation in the other. Inside the region each rank works on its own slice
 * of the width, so a core sends nothing. */
#ifndef MODELS_LAYERS_CORE_H
#define MODELS_LAYERS_CORE_H
#include "models/layers/branch.h"

/* s->inner -> s->outer. What else backward will read is new and of `category`, or of `scores` where it grows with
 * the square of the sequence. RoPE turns inner in place. */
void core_forward(const BlockRun *run, Branch branch, MemoryCategory category, MemoryCategory scores,
                  BranchSaved *s);
/* Frees what core_forward() kept beside inner and outer. */
void core_free(BranchSaved *s);
/* What selective recomputation does not keep of it, attention's scores; and back as workspace, the same bits. There
 * are none with flash attention. */
void core_forget(BranchSaved *s);
void core_recover(const BlockRun *run, BranchSaved *s);
/* Takes over douter and makes a s->dinner of it, which may be the same tensor; frees inner and what was kept. */
void core_backward(const BlockRun *run, Branch branch, Tensor douter, BranchSaved *s);
#endif
