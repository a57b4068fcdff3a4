/* step_faults.c - from the config's faults to a device and a comm. */
#include "sim/run/step_faults.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "models/machine/error.h"

/* The line that a rank which is killed could not write. */
static char last_words[128];

/* Nothing of the process has a chance to tidy up: what others then find is what a lost node leaves. */
static void die(void)
{
    ssize_t written = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)written; /* nobody is left to tell */
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

void faults_begin(Comm *comm, const Faults *faults)
{
    if (faults->lates == 0) return;
    comm->late = allocate_zeroed((size_t)faults->lates, sizeof *comm->late);
    comm->lates = faults->lates;
    for (int i = 0; i < faults->lates; i++) comm->late[i].link = faults->late[i];
}

void faults_end(Comm *comm)
{
    free(comm->late);
    comm->late = NULL;
    comm->lates = 0;
}

/* A dry run, in which nobody can be killed alone, ends before that step. */
void faults_begin_step(Device *device, Comm *comm, const Faults *faults, int64_t step, bool goes_on)
{
    int rank = comm->rank;
    for (int i = 0; i < comm->lates; i++) comm->late[i].holds = faults_late(faults, i, step);
    device->lanes.slower = faults_slower(faults, rank, step);
    if (device->dry || goes_on || !faults_kill(faults, rank, step)) return;
    snprintf(last_words, sizeof last_words, "sim: rank %d dies at step %lld, as faults.die says\n", rank,
             (long long)step + 1);
    device->dies = die;
}

void faults_announce(const Config *config, bool dry, bool goes_on)
{
    const FaultTexts *texts = &config->faults;
    if (texts->slow[0]) printf("  slow: %s\n", texts->slow);
    if (texts->late[0]) printf("  late: %s\n", texts->late);
    if (texts->disk_full && !goes_on) printf("  full: the disk, at step %lld\n", (long long)texts->disk_full);
    if (texts->die[0])
        printf("  dies: rank %d at step %lld%s\n", config->fault.die_rank, (long long)config->fault.die_step,
               dry       ? "; what is before that is walked"
               : goes_on ? ", but not again in a run that goes on"
                         : "");
    fflush(stdout);
}
