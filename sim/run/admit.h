/* admit.h - whether a run starts: not one that a machine has no room for, nor one that shows nothing for long.
 *
 * What it will take (estimate.h) is held against what is left (sim/base/node.h), and refused in a line with both,
 * what most of it is for, and what to try. A dry run may take ten minutes; a real one as long as it likes, as each of
 * its steps is shown and recorded, but no single step as long as that. --force starts it all the same: estimates
 * err, and memory may come. */
#ifndef SIM_RUN_ADMIT_H
#define SIM_RUN_ADMIT_H
#include "parallel/wire/comm.h"
#include "sim/base/node.h"
#include "sim/run/estimate.h"

/* What would take what an estimate says, on one node. */
typedef struct Applicant {
    const char *who;  /* "a dry run of 8 ranks" */
    const char *step; /* what takes the estimate's seconds: "it", or "a step" */
    const char *work; /* and what they are spent on, many of them */
    int processes;
} Applicant;
bool admit(const Config *config, const Applicant *applicant, const Estimate *estimate, const Node *node,
           Error *error);

/* A dry run, whose ranks are all in this process. */
bool admit_dry(const Config *config, const Estimate *estimate, int ranks, Error *error);

/* Collective: every node, for the ranks it has. False on all ranks; rank 0's error names the node. Unless it `asks`, all
 * are admitted, and the same is sent. */
bool admit_everywhere(Group *world, const Config *config, const Plan *plan, bool asks, Error *error);
#endif
