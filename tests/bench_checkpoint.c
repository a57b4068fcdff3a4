/* bench_checkpoint.c throughput|cost FOLDER [SECTION.KEY=VALUE...] - what checkpoints take on these ranks, under mpirun.
 *
 * Throughput: by turns all ranks write a checkpoint that they wait for, and each a plain file of as many bytes as its part
 * of it, with fsync; both from the same moment until the last rank is done. Cost: by turns a checkpoint is written beside
 * steps, where the one before goes, too, and as many steps run alone. What it costs is what training waited for it, and
 * what the steps beside it took longer, over the time of these steps alone; by the wall clock, and by the CPU time of
 * the threads that train, which does not know who else uses the cores. Medians; beside them the least and the most. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/clock.h"
#include "sim/base/discard.h"
#include "sim/base/quantile.h"
#include "sim/run/checkpoint_save.h"
#include "tests/support/case.h"
#include "tests/support/launch.h"

enum { WARM = 2, ROUNDS = 7, PATH = 4096, STEPS = 100000 };
typedef enum { WALL, CPU, CLOCKS } Clock;

typedef struct Bench {
    const char *folder;
    bool costs; /* that is what is measured */
    Group *world;
    size_t bytes; /* of this rank's part */
    char *plain;  /* as many, for a file */
    double ended[CLOCKS];
    Saving *saving;
    Discard gone; /* the one before */
    CheckpointImage *image;
    int beside, alone;                                    /* steps of this round */
    double waited[CLOCKS], with[CLOCKS], without[CLOCKS]; /* seconds of it */
    int rounds;
    double cost[CLOCKS][ROUNDS], held[ROUNDS], steps[ROUNDS];
    bool over;
} Bench;

static double now(Clock clock)
{
    struct timespec time;
    if (clock == WALL) return clock_now();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The least of this rank's and all others' before any goes on. */
static void meet(Group *world)
{
    int32_t here = 1, *all = allocate((size_t)world->size * sizeof *all);
    gather(world, CONTROL, &here, sizeof here, all, 0);
    tree_broadcast(world, CONTROL, &here, sizeof here, 0);
    free(all);
}

static void show(const char *unit, double scale, double *numbers, int count)
{
    double middle = scale * quantile_of(numbers, count, 0.5); /* which sorts them */
    printf("%.1f%s (%.1f .. %.1f)", middle, unit, scale * numbers[0], scale * numbers[count - 1]);
}

/* ---- throughput ---- */

static void path_of(const Bench *b, const char *name, int rank, char path[PATH])
{
    snprintf(path, PATH, "%s/%s.%d", b->folder, name, rank);
}

static void write_plain(const Bench *b)
{
    enum { PIECE = 1 << 20 };
    char path[PATH];
    path_of(b, "plain", b->world->rank, path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) fail("%s: cannot create it", path);
    for (size_t done = 0; done < b->bytes;) {
        size_t left = b->bytes - done;
        ssize_t put = write(file, b->plain + done, left < PIECE ? left : PIECE);
        if (put <= 0) fail("%s: cannot write it", path);
        done += (size_t)put;
    }
    if (fsync(file)) fail("%s: cannot bring it to the disk", path);
    close(file);
    meet(b->world);
}

static void save(Trainer *t, Bench *b)
{
    char path[PATH];
    Saved saved;
    Error error;
    path_of(b, "checkpoint", 0, path);
    const SavingRequest request = {path, t->step + 1, "bench", 0, false, &b->image};
    Saving *s = checkpoint_begin(t, b->world, &request, &error);
    bool ended = s ? checkpoint_end(s, &saved, &error) : false;
    if (!ended) fail("%s", error.text);
    checkpoint_free(s);
    meet(b->world);
}

static void remove_one(const Bench *b, const char *name, int rank)
{
    char path[PATH];
    path_of(b, name, rank, path);
    unlink(path);
}

/* How many bytes this rank has: of a checkpoint that is thrown away. */
static size_t part_of(Trainer *t, Bench *b, double *all)
{
    char path[PATH];
    Saved saved;
    Error error;
    uint64_t *copies = allocate_zeroed((size_t)b->world->size, sizeof *copies), mine;
    path_of(b, "checkpoint", 0, path);
    const SavingRequest request = {path, t->step + 1, "bench", 0, true, &b->image};
    Saving *s = checkpoint_begin(t, b->world, &request, &error);
    if (!s || !checkpoint_end(s, &saved, &error)) fail("%s", error.text);
    *all = 0;
    for (int r = 0; r < b->world->size && b->world->rank == 0; r++) {
        copies[r] = checkpoint_copies(s)[r];
        *all += (double)copies[r];
    }
    scatter(b->world, CONTROL, copies, sizeof *copies, &mine, 0);
    checkpoint_free(s);
    free(copies);
    if (b->world->rank == 0) remove_one(b, "checkpoint", 0);
    return (size_t)mine;
}

static void throughput(Trainer *t, Bench *b)
{
    double all, seconds[2][ROUNDS], ratio[ROUNDS];
    b->bytes = part_of(t, b, &all);
    b->plain = allocate(b->bytes);
    memset(b->plain, 7, b->bytes);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < 2; k++) {
            meet(b->world);
            double began = clock_now();
            if (k)
                save(t, b);
            else
                write_plain(b);
            seconds[k][i] = clock_now() - began;
        }
        remove_one(b, "plain", b->world->rank);
        if (b->world->rank == 0) remove_one(b, "checkpoint", 0);
        ratio[i] = seconds[0][i] / seconds[1][i];
    }
    if (b->world->rank > 0) return;
    double plain = quantile_of(seconds[0], ROUNDS, 0.5), checkpoint = quantile_of(seconds[1], ROUNDS, 0.5);
    printf("throughput, %d ranks: %.1f MB; plain files %.0f MB/s, checkpoints %.0f MB/s: %.0f %%, by turns ",
           b->world->size, all / 1e6, all / 1e6 / plain, all / 1e6 / checkpoint, 100 * plain / checkpoint);
    show(" %", 100, ratio, ROUNDS);
    printf("\n");
    fflush(stdout);
}

/* ---- cost ---- */

/* As the last step with nothing beside it ends. */
static void end_round(Bench *b)
{
    for (Clock c = WALL; c < CLOCKS; c++)
        b->cost[c][b->rounds] = (b->waited[c] + b->with[c]) / b->without[c] - 1;
    b->held[b->rounds] = b->waited[WALL];
    b->steps[b->rounds++] = b->beside;
    b->beside = b->alone = 0;
    for (Clock c = WALL; c < CLOCKS; c++) b->waited[c] = b->with[c] = b->without[c] = 0;
}

/* All ranks know alike how many steps are to be beside it: rank 0 says when it has its place. */
static void go_on(Bench *b)
{
    int32_t done = checkpoint_goes_on(b->saving);
    tree_broadcast(b->world, CONTROL, &done, sizeof done, 0);
    if (!done) return;
    Saved saved;
    Error error;
    if (!checkpoint_end(b->saving, &saved, &error)) fail("%s", error.text);
    checkpoint_free(b->saving);
    b->saving = NULL;
}

/* The one before goes beside the next, so that steps alone have nothing beside them. */
static void begin(Trainer *t, Bench *b)
{
    char path[PATH];
    Error error;
    path_of(b, "checkpoint", 0, path);
    if (b->world->rank == 0) {
        discard_end(&b->gone);
        discard_name(&b->gone, path);
        discard_begin(&b->gone);
    }
    const SavingRequest request = {path, t->step + 1, "bench", 0, true, &b->image};
    b->saving = checkpoint_begin(t, b->world, &request, &error);
    if (!b->saving) fail("%s", error.text);
}

static void cost(Trainer *t, Bench *b)
{
    double began[CLOCKS];
    for (Clock c = WALL; c < CLOCKS; c++) {
        began[c] = now(c);
        if (b->saving) b->with[c] += began[c] - b->ended[c];
        if (!b->saving && b->beside) b->without[c] += began[c] - b->ended[c];
    }
    if (b->saving) {
        b->beside++;
        checkpoint_tell(b->saving);
        go_on(b);
    } else if (b->beside) {
        b->alone++;
    }
    if (b->beside && !b->saving && b->alone == b->beside) end_round(b);
    if (b->rounds == ROUNDS)
        b->over = true;
    else if (!b->saving && !b->beside)
        begin(t, b);
    for (Clock c = WALL; c < CLOCKS; c++) b->waited[c] += b->saving || b->alone == 0 ? now(c) - began[c] : 0;
}

static void tell_cost(Bench *b)
{
    if (b->world->rank > 0) return;
    discard_end(&b->gone);
    remove_one(b, "checkpoint", 0);
    printf("cost, %d ranks: of ", b->world->size);
    show("", 1, b->steps, ROUNDS);
    printf(" steps beside one ");
    show(" %", 100, b->cost[WALL], ROUNDS);
    printf(" by the wall clock, ");
    show(" %", 100, b->cost[CPU], ROUNDS);
    printf(" by CPU time; training waited ");
    show(" ms", 1e3, b->held, ROUNDS);
    printf("\n");
    fflush(stdout);
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Bench *b = context;
    if (t->step + 1 < WARM || b->over) return;
    if (t->step + 1 == WARM) {
        b->world = group_world(t->comm, CHANNELS);
        if (!b->costs) throughput(t, b);
        b->over = !b->costs;
    } else {
        cost(t, b);
    }
    for (Clock c = WALL; c < CLOCKS; c++) b->ended[c] = now(c);
    if (!b->over) return;
    if (b->costs) tell_cost(b);
    launch_stop(0);
    exit(0);
}

int main(int argc, char **argv)
{
    char words[2048] = "";
    launch_start(&argc, &argv);
    if (!mpi || argc < 3 || (strcmp(argv[1], "cost") != 0 && strcmp(argv[1], "throughput") != 0)) {
        fprintf(stderr, "mpirun -n RANKS bench_checkpoint throughput|cost FOLDER [SECTION.KEY=VALUE...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), " %s", argv[i]);
    Bench *b = allocate_zeroed(1, sizeof *b);
    b->costs = *argv[1] == 'c';
    b->folder = argv[2];
    device_keep_memory();
    Case c = case_of_words(STEPS, "%s", words);
    c.look = look;
    c.context = b;
    case_run(mpi, &c);
    fprintf(stderr, "bench_checkpoint: %s\n", c.refused);
    return launch_stop(1);
}
