/* faults.h - what [faults] asks for, read: stragglers, deaths, late messages and a full disk, at steps that are given and
 * no others.
 *
 * Plain data: who trains asks of each step what holds in it, and hands that to the doors (the lanes of a device, the
 * wire), which know of no config. */
#ifndef SIM_CONFIG_FAULTS_H
#define SIM_CONFIG_FAULTS_H
#include <stdbool.h>
#include <stdint.h>
#include "parallel/wire/late.h"

enum { FAULTS_MOST = 16, FAULTS_TEXT = 512 };

/* As an ini file spells them. */
typedef struct FaultTexts {
    char slow[FAULTS_TEXT], die[FAULTS_TEXT], late[FAULTS_TEXT];
    int64_t disk_full; /* a step; 0: none */
} FaultTexts;

/* Steps as people count them, from 1; the last is INT64_MAX where none is given. */
typedef struct FaultSteps {
    int64_t first, last;
} FaultSteps;

typedef struct SlowRank {
    int rank;
    double factor; /* that its computing takes as long */
    FaultSteps steps;
} SlowRank;

typedef struct Faults {
    SlowRank slow[FAULTS_MOST];
    int slows;
    int die_rank;
    int64_t die_step; /* 0: nobody dies */
    LateLink late[FAULTS_MOST];
    FaultSteps late_steps[FAULTS_MOST];
    int lates;
    int64_t full_step; /* of a disk; 0: none */
} Faults;

/* Steps are counted from 0 here, as in the run. */
bool faults_any(const Faults *faults);
/* By how much more computing takes on this rank in this step, as a share: 0.2 where it is 1.2 times as slow. Factors of
 * the same rank and step multiply. */
double faults_slower(const Faults *faults, int rank, int64_t step);
/* Whether messages of the link are late in this step. */
bool faults_late(const Faults *faults, int link, int64_t step);
/* Whether a step is other than it would be without them. */
bool faults_hold(const Faults *faults, int64_t step);
/* Whether the rank dies in it. */
bool faults_kill(const Faults *faults, int rank, int64_t step);
/* Whether the disk is full as it is recorded. */
bool faults_fill_disk(const Faults *faults, int64_t step);
/* Of so many steps those that are finished before somebody dies. */
int64_t faults_finished(const Faults *faults, int64_t steps);
#endif
