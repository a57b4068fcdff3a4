/* plan.c - the lists of all ranks of one pipeline, and whether they are whole. */
#include "parallel/schedule/plan.h"
#include <stdlib.h>

void plan_empty(Plan *plan, Shape shape)
{
    int stages = shape.v * shape.p;
    *plan = (Plan){.shape = shape, .stages = stages};
    plan->rank_of = allocate_zeroed((size_t)stages, sizeof *plan->rank_of);
    plan->list = allocate_zeroed((size_t)shape.p, sizeof *plan->list);
}

bool plan_write(Plan *plan, ScheduleKind kind, Shape shape, Error *error)
{
    if (!schedule_possible(kind, shape, error)) return false;
    plan_empty(plan, shape);
    for (int stage = 0; stage < plan->stages; stage++) plan->rank_of[stage] = stage % shape.p;
    for (int rank = 0; rank < shape.p; rank++) schedule_write(&plan->list[rank], kind, shape, rank);
    return true;
}

void plan_free(Plan *plan)
{
    for (int rank = 0; plan->list && rank < plan->shape.p; rank++) schedule_free(&plan->list[rank]);
    free(plan->list);
    free(plan->rank_of);
    *plan = (Plan){0};
}

void plan_lower_messages(Plan *plan)
{
    for (int rank = 0; rank < plan->shape.p; rank++)
        schedule_lower_messages(&plan->list[rank], plan->rank_of, plan->stages);
    plan->lowered = true;
}

bool plan_forwards_first(const Plan *plan)
{
    for (int rank = 0; rank < plan->shape.p; rank++)
        if (!schedule_forwards_first(&plan->list[rank])) return false;
    return true;
}

void plan_add_between(Plan *plan, ActionKind kind)
{
    for (int rank = 0; rank < plan->shape.p; rank++) schedule_add_between(&plan->list[rank], kind);
}

void plan_surround(Plan *plan, const ActionKind *before, const ActionKind *after)
{
    for (int rank = 0; rank < plan->shape.p; rank++) schedule_surround(&plan->list[rank], before, after);
}

/* What has become of one microbatch on one stage. */
enum {
    HAS_INPUT = 1,
    HAS_FORWARD = 2,
    HAS_OUTPUT_GRADIENT = 4,
    HAS_INPUT_GRADIENT = 8,
    HAS_WEIGHT_GRADIENT = 16
};

/* What an action needs to be there, and what it makes. */
typedef struct Rule {
    unsigned needs, makes;
} Rule;
static const Rule rule[ACTION_KINDS] = {
    [ACTION_RECV_FORWARD] = {0, HAS_INPUT},
    [ACTION_FORWARD] = {HAS_INPUT, HAS_FORWARD},
    [ACTION_SEND_FORWARD] = {HAS_FORWARD, 0},
    [ACTION_RECV_BACKWARD] = {0, HAS_OUTPUT_GRADIENT},
    [ACTION_BACKWARD] = {HAS_FORWARD | HAS_OUTPUT_GRADIENT, HAS_INPUT_GRADIENT | HAS_WEIGHT_GRADIENT},
    [ACTION_INPUT] = {HAS_FORWARD | HAS_OUTPUT_GRADIENT, HAS_INPUT_GRADIENT},
    [ACTION_WEIGHT] = {HAS_INPUT_GRADIENT, HAS_WEIGHT_GRADIENT},
    [ACTION_SEND_BACKWARD] = {HAS_INPUT_GRADIENT, 0},
};

static bool missing(Action a, unsigned lacks, Error *error)
{
    char text[64];
    action_text(a, text, sizeof text);
    if (lacks & HAS_INPUT)
        return error_set(error, "%s comes before its input, the output of stage %d", text, a.stage - 1);
    if (lacks & HAS_FORWARD) return error_set(error, "%s comes before %dF%d", text, a.stage, a.microbatch);
    if (lacks & HAS_OUTPUT_GRADIENT)
        return error_set(error, "%s comes before the gradient of its output, from stage %d", text,
                         a.stage + 1);
    return error_set(error, "%s comes before %dI%d", text, a.stage, a.microbatch);
}

/* Whether a stage has what its neighbour makes though no receive on the list brought it: at an end of the
 * model; before lowering, which adds the receive; or from this same rank, once it is made. */
static bool brought_otherwise(const Plan *plan, const unsigned char *state, Action a, int neighbour,
                              unsigned made)
{
    if (neighbour < 0 || neighbour == plan->stages) return true;
    if (plan->rank_of[neighbour] != plan->rank_of[a.stage]) return !plan->lowered;
    return state[(size_t)neighbour * plan->shape.m + a.microbatch] & made;
}

/* The stage a message comes from or goes to must be on another rank. */
static bool check_message(const Plan *plan, Action a, Error *error)
{
    bool up = a.kind == ACTION_SEND_FORWARD || a.kind == ACTION_RECV_BACKWARD;
    bool down = a.kind == ACTION_SEND_BACKWARD || a.kind == ACTION_RECV_FORWARD;
    if (!up && !down) return true;
    int peer = up ? a.stage + 1 : a.stage - 1;
    bool outside = peer < 0 || peer == plan->stages;
    if (!outside && plan->rank_of[peer] != plan->rank_of[a.stage]) return true;
    char text[64];
    action_text(a, text, sizeof text);
    if (outside)
        return error_set(error, "%s has no other end: it is the %s stage", text, up ? "last" : "first");
    return error_set(error, "%s has no other end: stage %d is on the same rank", text, peer);
}

static bool check_action(const Plan *plan, unsigned char *state, int rank, Action a, Error *error)
{
    char text[64];
    int m = plan->shape.m;
    unsigned needs = rule[a.kind].needs, makes = rule[a.kind].makes;
    if (!needs && !makes) return true;
    if (a.stage < 0 || a.stage >= plan->stages || a.microbatch < 0 || a.microbatch >= m)
        return error_set(error, "%s is none of %d stage%s and %d microbatch%s",
                         action_text(a, text, sizeof text), plan->stages, plan->stages == 1 ? "" : "s", m,
                         m == 1 ? "" : "es");
    if (plan->rank_of[a.stage] != rank)
        return error_set(error, "%s is on rank %d, and stage %d is on rank %d",
                         action_text(a, text, sizeof text), rank, a.stage, plan->rank_of[a.stage]);
    if (!check_message(plan, a, error)) return false;
    unsigned char *here = state + (size_t)a.stage * m + a.microbatch;
    if (*here & makes)
        return error_set(error, "%s repeats what was done before", action_text(a, text, sizeof text));
    unsigned lacks = needs & ~(unsigned)*here;
    if (lacks & HAS_INPUT && brought_otherwise(plan, state, a, a.stage - 1, HAS_FORWARD)) lacks &= ~HAS_INPUT;
    if (lacks & HAS_OUTPUT_GRADIENT && brought_otherwise(plan, state, a, a.stage + 1, HAS_INPUT_GRADIENT))
        lacks &= ~HAS_OUTPUT_GRADIENT;
    if (lacks) return missing(a, lacks, error);
    *here = (unsigned char)(*here | makes);
    return true;
}

bool plan_check(const Plan *plan, Place *place, Error *error)
{
    int m = plan->shape.m;
    unsigned char *state = allocate_zeroed((size_t)plan->stages * m, 1);
    bool good = true;
    *place = (Place){-1, -1};
    for (int rank = 0; good && rank < plan->shape.p; rank++)
        for (int i = 0; good && i < plan->list[rank].count; i++) {
            good = check_action(plan, state, rank, plan->list[rank].action[i], error);
            if (!good) *place = (Place){rank, i};
        }
    for (int stage = 0; good && stage < plan->stages; stage++)
        for (int k = 0; good && k < m; k++) {
            unsigned has = state[(size_t)stage * m + k];
            const char *lacks = !(has & HAS_FORWARD) ? "F" : !(has & HAS_INPUT_GRADIENT) ? "B, nor I" : "W";
            if (has & HAS_WEIGHT_GRADIENT) continue;
            good = error_set(error, "stage %d never runs microbatch %d's %s", stage, k, lacks);
            *place = (Place){plan->rank_of[stage], -1};
        }
    free(state);
    return good;
}
