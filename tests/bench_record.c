/* bench_record.c NAME FOLDER [SECTION.KEY=VALUE...] - what time-keeping and recording cost training, under mpirun or on one
 * rank. By turns, each as often after each other, a step without either; one that reads the thread's clock around its
 * actions, as every run does; one that asks for each kernel's time on a machine, too; and one that is recorded besides.
 * As on rank 0, over the step without: by the wall clock, and by the CPU time of its thread. What messages take on the
 * simulated links is always reckoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/clock.h"
#include "sim/run/run_record.h"
#include "tests/support/case.h"
#include "tests/support/launch.h"
#include "tests/support/sample.h"

enum { WARM = 3, ROUNDS = 100 };
typedef enum { NEITHER, CLOCK, MACHINE, RECORDED, MODES } Mode;
static const char *const MODE[MODES] = {"step without clocks and record", "with its clock read",
                                        "with a machine's time, too", "and recorded"};
typedef enum { WALL, CPU, CLOCKS } Clock;

typedef struct Bench {
    const char *name;
    KernelTime (*time_of)(const void *machine, const Work *work); /* the machine's */
    Record record;
    int64_t recorded; /* steps */
    double began[CLOCKS], seconds[MODES][ROUNDS][CLOCKS];
} Bench;

static double now(Clock clock)
{
    return clock == WALL ? clock_now() : lanes_cpu_clock();
}

/* Of a step after the warm ones. */
static Mode mode_of(int64_t step)
{
    static const Mode turns[MODES][MODES] = {{NEITHER, CLOCK, RECORDED, MACHINE},
                                             {CLOCK, MACHINE, NEITHER, RECORDED},
                                             {MACHINE, RECORDED, CLOCK, NEITHER},
                                             {RECORDED, NEITHER, MACHINE, CLOCK}};
    return turns[step / MODES % MODES][step % MODES];
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
    if (mode == RECORDED) record_step(&b->record, b->recorded++, result, clock_now() - b->began[WALL]);
    for (Clock c = WALL; c < CLOCKS; c++) {
        double moment = now(c);
        if (step >= 0) b->seconds[mode][step / MODES][c] = moment - b->began[c];
        b->began[c] = moment;
    }
    Mode next = step < -1 ? NEITHER : mode_of(step + 1);
    set_mode(t, b, next);
    if (next == RECORDED) record_step_begin(&b->record);
}

static void tell(Bench *b)
{
    static const char *const by[CLOCKS] = {"wall clock", "CPU time"};
    for (int i = 0; i < ROUNDS; i++) {
        double(*one)[ROUNDS][CLOCKS] = b->seconds;
        sample(b->name, MODE[NEITHER], "ms", i, 1e3 * one[NEITHER][i][WALL]);
        for (Mode mode = CLOCK; mode < MODES; mode++)
            for (Clock c = WALL; c < CLOCKS; c++) {
                char what[128];
                snprintf(what, sizeof what, "%s; %s", MODE[mode], by[c]);
                sample(b->name, what, "1", i, one[mode][i][c] / one[NEITHER][i][c]);
            }
    }
}

int main(int argc, char **argv)
{
    char words[2048] = "";
    launch_start(&argc, &argv);
    if (!mpi || argc < 3) {
        fprintf(stderr, "mpirun -n RANKS bench_record NAME FOLDER [SECTION.KEY=VALUE...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), " %s", argv[i]);
    Bench *b = allocate_zeroed(1, sizeof *b);
    b->name = argv[1];
    device_keep_memory();
    Case c = case_of_words(WARM + MODES * ROUNDS, "output.file=%s/run.h5%s", argv[2], words);
    c.reads_clock = true;
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
