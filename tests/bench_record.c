/* bench_record.c ROUNDS NAME FOLDER [SECTION.KEY=VALUE...] - what time-keeping and recording cost training, under mpirun
 * or on one rank. By turns, each as often after each other, steps without either; steps that read the thread's clock
 * around their actions, as every run does; that ask for each kernel's time on a machine, too; and that are recorded
 * besides. On rank 0's wall clock, over the steps without, and what it is more. What messages take on the simulated links
 * is always reckoned.
 *
 * A turn is of a few steps, and its first is not timed: a record has rank 0 wait for all at a step's end, which the step
 * after it then need not, so that of steps which take turns one by one a record would seem to take this wait twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/clock.h"
#include "sim/run/run_record.h"
#include "tests/support/case.h"
#include "tests/support/launch.h"
#include "tests/support/sample.h"

enum { WARM = 3, TURN = 3, TIMED = 2, MOST_ROUNDS = 1000 };
typedef enum { NEITHER, CLOCK, MACHINE, RECORDED, MODES } Mode;
static const char *const MODE[MODES] = {"step without clocks and record", "with its clock read",
                                        "with a machine's time, too", "and recorded"};

typedef struct Bench {
    int rounds;
    const char *name;
    KernelTime (*time_of)(const void *machine, const Work *work); /* the machine's */
    Record record;
    int64_t recorded;                          /* steps */
    double began, seconds[MODES][MOST_ROUNDS]; /* of a step that is timed */
} Bench;

/* Of a step after the warm ones. */
static Mode mode_of(int64_t step)
{
    static const Mode turns[MODES][MODES] = {{NEITHER, CLOCK, RECORDED, MACHINE},
                                             {CLOCK, MACHINE, NEITHER, RECORDED},
                                             {MACHINE, RECORDED, CLOCK, NEITHER},
                                             {RECORDED, NEITHER, MACHINE, CLOCK}};
    const int64_t turn = step / TURN;
    return turns[turn / MODES % MODES][turn % MODES];
}

static void set_mode(Trainer *t, const Bench *b, Mode mode)
{
    t->device.lanes.reads_clock = mode >= CLOCK;
    t->device.time_of = mode >= MACHINE ? b->time_of : NULL;
}

static int64_t begin(Trainer *t, void *context)
{
    Bench *b = context;
    b->time_of = t->device.time_of;
    if (!b->time_of)
        fail("bench_record: no machine whose time is simulated; try hardware.profile=a100-80gb-dgx");
    record_begin(&b->record, t, group_world(t->comm, CHANNEL_CONTROL), NULL, "bench_record", 0);
    set_mode(t, b, NEITHER);
    return 0;
}

/* After each step; its time ends here, and that of the next begins. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    Bench *b = context;
    int64_t step = t->step - WARM;
    Mode mode = step < 0 ? NEITHER : mode_of(step);
    if (mode == RECORDED) record_step(&b->record, b->recorded++, result, clock_now() - b->began);
    const double moment = clock_now();
    if (step >= 0 && step % TURN >= TURN - TIMED)
        b->seconds[mode][step / (TURN * MODES)] += (moment - b->began) / TIMED;
    b->began = moment;
    Mode next = step < -1 ? NEITHER : mode_of(step + 1);
    set_mode(t, b, next);
    if (next == RECORDED) record_step_begin(&b->record);
}

static void tell(const Bench *b)
{
    for (int i = 0; i < b->rounds; i++) {
        const double without = b->seconds[NEITHER][i];
        sample(b->name, MODE[NEITHER], "ms", i, 1e3 * without);
        for (Mode mode = CLOCK; mode < MODES; mode++) {
            char more[64];
            snprintf(more, sizeof more, "%s: more", MODE[mode]);
            sample(b->name, MODE[mode], "1", i, b->seconds[mode][i] / without);
            sample(b->name, more, "us", i, 1e6 * (b->seconds[mode][i] - without));
        }
    }
}

int main(int argc, char **argv)
{
    char words[2048] = "";
    int rounds = 0;
    launch_start(&argc, &argv);
    if (!mpi || argc < 4 || (rounds = atoi(argv[1])) < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "mpirun -n RANKS bench_record ROUNDS NAME FOLDER [SECTION.KEY=VALUE...]\n");
        return 2;
    }
    for (int i = 4; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), " %s", argv[i]);
    Bench *b = allocate_zeroed(1, sizeof *b);
    b->rounds = rounds;
    b->name = argv[2];
    device_keep_memory();
    Case c = case_of_words(WARM + MODES * rounds * TURN, "output.file=%s/run.h5%s", argv[3], words);
    c.reads_clock = true;
    c.no_losses = true;
    c.begin = begin;
    c.look = look;
    c.context = b;
    case_run(mpi, &c);
    if (c.refused[0]) fprintf(stderr, "bench_record: %s\n", c.refused);
    if (!c.refused[0] && mpi->rank == 0) tell(b);
    recorder_abandon(b->record.recorder);
    record_free(&b->record);
    bool refused = c.refused[0];
    case_free(&c);
    free(b);
    return launch_stop(refused);
}
