/* expert_rank.h - one of the ranks that share a block's experts, or one that has them all: the same weights, the same
 * microbatches. */
#ifndef TESTS_SUPPORT_EXPERT_RANK_H
#define TESTS_SUPPORT_EXPERT_RANK_H
#include "models/layers/block.h"
#include "models/layers/routing.h"
#include "parallel/expert_parallel.h"
#include "tests/support/ranks.h"

enum { E = 24, BATCH = 2, EXPERT_FAMILIES = 5 };
typedef struct ExpertFamily {
    const char *name;
    GptShape shape;
} ExpertFamily;
extern const ExpertFamily EXPERT_FAMILY[EXPERT_FAMILIES];

typedef struct ExpertRank {
    Device device;
    Group *group;
    GptShape shape;
    Region region;
    Dispatch dispatch;
    BlockLayout layout;
    Tensor weights, gradients; /* of both units, one after the other */
    BlockParameters p, d;
    double told[ROUTING_LOAD + E]; /* of routing, by the last microbatch */
} ExpertRank;

/* Of the ranks of `group`; NULL: all experts are here. */
ExpertRank *expert_rank_new(const GptShape *shape, Group *group, ExpertParallelConfig config);
/* Nothing is left. */
void expert_rank_free(ExpertRank *r, Findings *f);
/* Of a replica's microbatch, whose samples are the replica's own. */
BlockRun expert_rank_run(const ExpertRank *r, int replica, Recompute recompute);
/* Numbers of its tokens, (BATCH, T, C). */
int64_t expert_rank_values(const ExpertRank *r);
/* Its forward and backward, in one or in halves: y and dx, which are the caller's. */
void expert_rank_microbatch(ExpertRank *r, int replica, Recompute recompute, bool halves, Tensor *y,
                            Tensor *dx);
#endif
