/* admit.c - estimates against machines, in a line. */
#include "sim/run/admit.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/words.h"
#include "sim/run/agree.h"

/* What a cost is of, and what makes it less. */
static const struct {
    const char *of, *less;
} cost[COSTS] = {
    [COST_PROGRAM] = {"the program itself", "fewer ranks a node"},
    [COST_RANKS] = {"what each rank has of all others", "fewer ranks"},
    [COST_LAYERS] = {"each rank's table of layers", "fewer ranks or model.layers"},
    [COST_ACTIONS] = {"a step's actions", "fewer ranks, a larger train.microbatch"},
    [COST_MESSAGES] = {"rings and rows to experts", "fewer ranks"},
    [COST_STATES] = {"parameters, gradients and optimizer state",
                     "a smaller model, parallel.data = zero3 on more nodes, --dry-run"},
    [COST_ACTIVATIONS] = {"activations", "a smaller train.microbatch, train.recompute = full, --dry-run"},
    [COST_CHECKPOINT] = {"the copy that a checkpoint is written from",
                         "output.checkpoint_async = no, more ranks, --dry-run"},
    [COST_VOCABULARY] = {"the markov source's table", "a smaller model.vocab, a text as data.source"},
    [COST_PRODUCTS] = {"products of matrices",
                       "a smaller model or train.global_batch, more ranks, --dry-run"},
};
#define FORCE "or --force to start it all the same"

static bool check_memory(const Config *config, const Applicant *a, const Estimate *e, const Node *node,
                         Error *error)
{
    char needs[32], has[32];
    double left = fmin(node->memory, node->process * a->processes), total = estimate_total(e->memory);
    Cost most = estimate_largest(e->memory);
    if (total <= left) return true;
    words_bytes_about(total, needs, sizeof needs);
    words_bytes_about(left, has, sizeof has);
    return error_set(
        error,
        "%s: %s would take about %s of memory, most of it for %s, and %s has %s left%s; try %s, " FORCE,
        config->name, a->who, needs, cost[most].of, node->name, has,
        left < node->memory ? " (by ulimit -v)" : "", cost[most].less);
}

static bool check_time(const Config *config, const Applicant *a, const Estimate *e, const Node *node,
                       Error *error)
{
    enum { MINUTES_MOST = 10 };
    char takes[32];
    double crowd = fmax(1, (double)a->processes / node->cores), seconds = estimate_total(e->seconds) * crowd;
    Cost most = estimate_largest(e->seconds);
    if (seconds <= 60 * MINUTES_MOST) return true;
    words_duration(seconds, takes, sizeof takes);
    return error_set(
        error,
        "%s: %s would take about %s, more than %d minutes: %.2g %s at %.2g a second, most of that "
        "for %s; try %s, " FORCE,
        config->name, a->step, takes, MINUTES_MOST, e->work, a->work, e->work / seconds, cost[most].of,
        cost[most].less);
}

static bool check_disk(const Config *config, const Applicant *a, const Estimate *e, const Node *node,
                       Error *error)
{
    char needs[32], has[32];
    if (e->file <= node->disk) return true;
    words_bytes_about(e->file, needs, sizeof needs);
    words_bytes_about(node->disk, has, sizeof has);
    return error_set(error,
                     "%s: %s would record about %s, and %s are free where %s goes; try fewer train.steps or "
                     "ranks, an --output on another disk, " FORCE,
                     config->name, a->who, needs, has, config->output.file);
}

bool admit(const Config *config, const Applicant *applicant, const Estimate *estimate, const Node *node,
           Error *error)
{
    return check_memory(config, applicant, estimate, node, error) &&
           check_time(config, applicant, estimate, node, error) &&
           check_disk(config, applicant, estimate, node, error);
}

bool admit_dry(const Config *config, const Estimate *estimate, int ranks, Error *error)
{
    char who[64];
    Node node = node_look(config->output.file);
    snprintf(who, sizeof who, "a dry run of %d rank%s", ranks, words_s(ranks));
    return admit(config, &(Applicant){who, who, "actions, layers and rings", 1}, estimate, &node, error);
}

/* ---- real ranks ---- */

static bool admit_on(const Config *config, const Estimate *estimate, int here, const Node *node, Error *error)
{
    char who[32], step[48];
    snprintf(who, sizeof who, "%d rank%s", here, words_s(here));
    snprintf(step, sizeof step, "a step of %s", who);
    return admit(config, &(Applicant){who, step, "operations a rank", here}, estimate, node, error);
}

/* What a rank needs, and where. */
typedef struct Share {
    Estimate estimate;
    Node node;
} Share;

/* Rank 0: each node by its first rank, with all others there. */
static bool all_fit(Share *share, int ranks, const Config *config, Error *error)
{
    for (int first = 0; first < ranks; first++) {
        Share *node = &share[first];
        int here = 1;
        if (!node->node.name[0]) continue; /* counted with another */
        for (int rank = first + 1; rank < ranks; rank++) {
            if (strcmp(share[rank].node.name, node->node.name) != 0) continue;
            estimate_add(&node->estimate, &share[rank].estimate);
            node->node.memory = fmin(node->node.memory, share[rank].node.memory);
            share[rank].node.name[0] = '\0';
            here++;
        }
        if (!admit_on(config, &node->estimate, here, &node->node, error)) return false;
    }
    return true;
}

bool admit_everywhere(Group *world, const Config *config, const Plan *plan, bool asks, Error *error)
{
    Share mine = {.node = {.name = ""}};
    if (asks)
        mine = (Share){.estimate = estimate_rank(config, plan, world->size, world->rank),
                       .node = node_look(config->output.file)};
    Share *share = world->rank == 0 ? allocate((size_t)group_walks(world) * sizeof *share) : NULL;
    gather(world, CONTROL, &mine, sizeof mine, share, 0);
    bool fit = world->rank > 0 || !asks || all_fit(share, world->size, config, error);
    free(share);
    return agree(world, fit);
}
