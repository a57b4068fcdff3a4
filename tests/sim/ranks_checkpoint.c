/* ranks_checkpoint.c - a checkpoint of any split is gone on from under any other: the same values in the file, the same
 * bits where the split is the same, and elsewhere the losses of the run that never stopped.
 * On virtual ranks in this process; under mpirun (tests/run.sh does both) on the ranks it was given. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/progress.h"
#include "sim/run/checkpoint.h"
#include "sim/run/checkpoint_save.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

enum { AT = 2, PATH = 64, RANKS_MOST = 8 };
#ifdef SIM_DOUBLE
static const double TOLERANCE = 1e-12;
#else
static const double TOLERANCE = 1e-5;
#endif

/* A vocabulary that is padded, heads of keys and values that ranks share, a tied embedding of which a pipeline has a
 * copy, and units that no number of replicas divides. */
static const char MODEL[] = "model.hidden=24 model.heads=4 model.kv_heads=2 model.ffn=20 model.layers=4 "
                            "model.sequence=8 train.microbatch=1 train.global_batch=12";
typedef struct Split {
    int ranks;
    const char *split;
} Split;
static const Split SPLITS[] = {
    {1, "parallel.tp=1"},
    {2, "parallel.data=zero3"},
    {3, "parallel.data=dp"},
    {4, "parallel.tp=4"},
    {3, "parallel.data=ddp"},
    {4, "parallel.pp=4"},
    {6, "parallel.tp=2 parallel.sequence_parallel=yes parallel.data=zero3"},
    {8, "parallel.pp=2 parallel.tp=2 parallel.data=zero1"},
    {4, "parallel.pp=2 parallel.data=zero2 parallel.gather=forward"},
    {2, "parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2"},
};
enum { SPLIT_COUNT = sizeof SPLITS / sizeof *SPLITS };

static char folder[FOLDER];

static void path_of(char path[PATH], const char *name)
{
    snprintf(path, PATH, "%s/%s.h5", folder, name);
}

/* What a case does beside training. */
typedef struct Stops {
    const char *load, *save,
        *again; /* before the first step, after step `at`, and at once what was loaded; NULL: not */
    int64_t at;
    double loss_scale; /* what rank 0 has at the end; of it */
    int64_t fine, updates;
    bool refused;
    Error error;
    const char *beside; /* what is written beside the steps after `at`, */
    Saving *saving[RANKS_MOST];
    Group *world[RANKS_MOST]; /* whose it is */
    int written;              /* on so many ranks */
} Stops;

static void save(Trainer *t, const char *name, int64_t step)
{
    char path[PATH];
    Saved saved;
    Error error;
    Group *world = group_world(t->comm, CHANNELS);
    path_of(path, name);
    if (!checkpoint_save(t, world, path, step, "test", &saved, &error)) fail("%s", error.text);
    group_free(world);
}

static int64_t begin(Trainer *t, void *context)
{
    Stops *s = context;
    CheckpointState state = {.step = 0};
    char path[PATH];
    if (s->load) {
        Error error;
        Group *world = group_world(t->comm, CHANNELS);
        path_of(path, s->load);
        bool ok = checkpoint_load(t, world, path, &state, &error) == CHECKPOINT_LOADED;
        if (t->comm->rank == 0) s->refused = !ok;
        if (t->comm->rank == 0 && !ok) s->error = error;
        group_free(world);
    }
    if (s->again && !s->refused) save(t, s->again, state.step);
    return state.step;
}

/* In place of the C library's: while this is so, other threads than the first write nothing. */
static atomic_bool held;
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    while (atomic_load(&held) && gettid() != getpid()) usleep(1000);
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

/* Begun after step `at`, ended after the last, each rank by itself; until then no thread has written any of it. */
static void write_beside(Trainer *t, Stops *s)
{
    Saving **saving = &s->saving[t->comm->rank];
    Group **world = &s->world[t->comm->rank];
    char path[PATH];
    Saved saved;
    Error error;
    path_of(path, s->beside);
    if (t->step + 1 < s->at) return;
    if (t->step + 1 == s->at) {
        atomic_store(&held, true);
        *world = group_world(t->comm, CHANNELS);
        *saving = checkpoint_begin(t, *world, path, s->at, "test", true, &error);
        if (!*saving) fail("%s", error.text);
        assert_true(checkpoint_copied(*saving) > 0);
    }
    assert_false(checkpoint_goes_on(*saving) && atomic_load(&held));
    if (t->step + 1 < t->config->train.steps) return;
    atomic_store(&held, false);
    if (!checkpoint_end(*saving, &saved, &error)) fail("%s", error.text);
    group_free(*world);
    s->written++;
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Stops *s = context;
    if (t->comm->rank == 0) {
        s->loss_scale = t->loss_scale;
        s->fine = t->fine;
        s->updates = t->updates;
    }
    if (s->save && t->step + 1 == s->at) save(t, s->save, s->at);
    if (s->beside) write_beside(t, s);
}

/* `ranks` is the split's, on MPI's or virtual ranks: as run_case(). */
static bool run_stops(Case *c, Stops *s, int ranks)
{
    c->begin = begin;
    c->look = look;
    c->context = s;
    return run_case(c, ranks);
}

/* On virtual ranks, whatever the launch; on rank 0 alone. */
static void run_virtual(Case *c, Stops *s, int ranks)
{
    c->begin = begin;
    c->look = look;
    c->context = s;
    assert_true(case_virtual(c, ranks));
}

static bool is_first(void)
{
    return !mpi || mpi->rank == 0;
}

/* Rank 0 is done with what the others will look for. */
static void meet(void)
{
    int32_t there = 1;
    if (!mpi) return;
    Group *world = group_world(mpi, CHANNELS);
    tree_broadcast(world, CONTROL, &there, sizeof there, 0);
    group_free(world);
}

/* Whether two checkpoints hold the same: every tensor, its checksum with it, and the state. */
static bool same_files(const Case *c, const char *a, const char *b)
{
    char path[2][PATH], dataset[CHECKPOINT_PATH];
    Error error;
    Config config;
    CheckpointState state[2] = {{.step = 0}};
    H5 *file[2];
    uint64_t sum[2];
    bool same = true;
    Progress quiet;
    progress_begin(&quiet, 1, 1e9);
    path_of(path[0], a);
    path_of(path[1], b);
    if (!case_config(c, &config, &error)) fail("%s", error.text);
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &config.model.shape, .device = &none});
    for (int f = 0; f < 2; f++)
        if (!(file[f] = h5_open(path[f], &error)) ||
            !checkpoint_check(file[f], gpt, &config, 0, &state[f], &error))
            fail("%s", error.text);
    for (int i = 0; i < checkpoint_parts(&config) * gpt->parameters; i++) {
        checkpoint_dataset(&config, i / gpt->parameters, &gpt->parameter[i % gpt->parameters], dataset);
        for (int f = 0; f < 2; f++)
            if (!h5_checksum(file[f], dataset, NULL, &sum[f], &quiet, &error)) fail("%s", error.text);
        same &= sum[0] == sum[1];
    }
    for (int f = 0; f < 2; f++) h5_close(file[f], NULL);
    gpt_free(gpt);
    config_free(&config);
    return same && state[0].step == state[1].step && state[0].updates == state[1].updates &&
           state[0].next_sample == state[1].next_sample && state[0].fine == state[1].fine &&
           state[0].loss_scale == state[1].loss_scale;
}

static Case of_split(const Split *s)
{
    return case_of_words(AT + 1, "%s %s", MODEL, s->split);
}

/* ---- any split into any other ---- */

/* What `from` saved lies under its number; `to` reads it, writes it again, and takes the next step as one rank does that
 * read it, too. */
static void reshard(const Case *truth, int from, int to)
{
    char saved[16], again[16], path[PATH];
    snprintf(saved, sizeof saved, "of%d", from);
    snprintf(again, sizeof again, "as%d", to);
    Stops stops = {.load = saved, .again = again};
    Case c = of_split(&SPLITS[to]);
    bool look_at = run_stops(&c, &stops, SPLITS[to].ranks);
    if (!is_first()) return;
    if (stops.refused) print_error("%s: %s\n", SPLITS[to].split, stops.error.text);
    assert_true(look_at && !stops.refused);
    bool same = same_files(&c, saved, again);
    double loss = fabs(c.loss[AT] / truth->loss[AT] - 1), norm = fabs(c.grad_norm / truth->grad_norm - 1),
           gradients = case_distance(truth, &c, true);
    if (!same || loss > TOLERANCE || norm > TOLERANCE || gradients > TOLERANCE)
        print_error("%s, read by %s: %s; loss, norm, gradients %g, %g, %g apart\n", SPLITS[from].split,
                    SPLITS[to].split, same ? "the same file" : "another file", loss, norm, gradients);
    assert_true(same && loss <= TOLERANCE && norm <= TOLERANCE && gradients <= TOLERANCE);
    path_of(path, again);
    remove(path);
    case_free(&c);
}

/* Which splits' files a split reads here; and whether any does that fits. */
enum { READS = 2 };
static int read_by(int to, int k)
{
    static const int shift[READS] = {1, 4};
    return (to + shift[k]) % SPLIT_COUNT;
}

static bool is_read(int from)
{
    bool is = false;
    for (int to = 0; to < SPLIT_COUNT; to++)
        for (int k = 0; k < READS; k++) is |= ranks_fit(SPLITS[to].ranks) && read_by(to, k) == from;
    return is;
}

static void any_split_goes_on_under_any_other(void **state)
{
    (void)state;
    Case truth[SPLIT_COUNT] = {{.steps = 0}};
    for (int i = 0; i < SPLIT_COUNT && is_first(); i++) { /* of virtual ranks: the file knows none */
        if (!is_read(i)) continue;
        char name[16];
        snprintf(name, sizeof name, "of%d", i);
        Case c = case_of_words(AT, "%s %s", MODEL, SPLITS[i].split);
        run_virtual(&c, &(Stops){.save = name, .at = AT}, SPLITS[i].ranks);
        case_free(&c);
        truth[i] = of_split(&SPLITS[0]);
        run_virtual(&truth[i], &(Stops){.load = name}, 1);
    }
    meet();
    for (int to = 0; to < SPLIT_COUNT; to++)
        for (int k = 0; k < READS && ranks_fit(SPLITS[to].ranks); k++)
            reshard(&truth[read_by(to, k)], read_by(to, k), to);
    for (int i = 0; i < SPLIT_COUNT && is_first(); i++) case_free(&truth[i]);
}

/* ---- beside training ---- */

/* While it is written the values change; in the file they are as those of a run that waits. */
static void what_is_written_beside_training_is_the_same(void **state)
{
    (void)state;
    static const Split splits[] = {{1, "parallel.tp=1"},
                                   {4, "parallel.pp=2 parallel.tp=2"},
                                   {3, "parallel.data=ddp"},
                                   {6, "parallel.data=zero3"}};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        if (!ranks_fit(splits[i].ranks)) continue;
        char path[PATH];
        Stops stops = {.save = "waited", .beside = "beside", .at = AT};
        Case c = case_of_words(AT + 2, "%s %s", MODEL, splits[i].split);
        bool look_at = run_stops(&c, &stops, splits[i].ranks);
        assert_true(stops.written == (mpi ? 1 : splits[i].ranks));
        if (look_at) {
            assert_true(same_files(&c, "waited", "beside"));
            path_of(path, "beside");
            remove(path);
            path_of(path, "waited");
            remove(path);
        }
        case_free(&c);
    }
}

#ifndef SIM_DOUBLE /* where 16 bits are refused; what follows is the same in either */

/* ---- the same split ---- */

/* What there is of a run beside its losses: gathered in another way, rounded, scaled. */
static const Split SAME[] = {
    {1, "train.optimizer=sgd"},
    {2, "train.optimizer=momentum parallel.data=zero2"},
    {3, "train.optimizer=rmsprop parallel.data=dp"},
    {4, "train.optimizer=adagrad parallel.pp=2"},
    {2, "parallel.data=zero1 parallel.quantize=both"},
    {3, "parallel.data=zero2 parallel.quantize=parameters parallel.gather=forward"},
    {4, "parallel.data=zero3 parallel.quantize=both"},
    {2, "parallel.data=zero1 parallel.gather=forward model.dropout=0.1"},
    {6, "parallel.pp=3 parallel.data=zero1"},
    {8, "parallel.tp=2 parallel.pp=2 parallel.data=zero2 model.dropout=0.1"},
    {1, "train.precision=bf16"},
    {2, "train.precision=bf16 parallel.data=ddp"},
    {4, "train.precision=bf16 parallel.data=zero1 parallel.quantize=parameters"},
    /* the scale falls and rises, and when it stops has been as it is for a step or two */
    {2, "train.precision=fp16 parallel.data=zero3 train.loss_scale=4e9 train.loss_scale_backoff=0.2 "
        "train.loss_scale_interval=3"},
    {4, "train.precision=fp16 parallel.tp=2 train.loss_scale=1024 train.loss_scale_interval=3"},
};
enum { SAME_COUNT = sizeof SAME / sizeof *SAME, LONG = 6, STOP = 4 };

/* Losses from where it stopped on, and the weights at the end. */
static void goes_on_alike(const Split *s)
{
    Stops whole = {.save = "at5", .at = STOP}, rest = {.load = "at5"};
    Case never = case_of_words(LONG, "%s %s", MODEL, s->split),
         on = case_of_words(LONG, "%s %s", MODEL, s->split);
    run_stops(&never, &whole, s->ranks);
    bool look_at = run_stops(&on, &rest, s->ranks);
    if (!is_first()) return;
    if (!look_at || rest.refused) print_error("%s: %s%s\n", s->split, on.refused, rest.error.text);
    assert_true(look_at && !rest.refused);
    bool losses = true;
    for (int step = STOP; step < LONG; step++) losses &= never.loss[step] == on.loss[step];
    bool weights = memcmp(never.weights, on.weights, (size_t)on.parameters * sizeof *on.weights) == 0;
    assert_true(whole.loss_scale == rest.loss_scale && whole.fine == rest.fine &&
                whole.updates == rest.updates);
    if (!losses || !weights)
        print_error("%s goes on with other %s\n", s->split, losses ? "weights" : "losses");
    assert_true(losses && weights);
    char path[PATH];
    path_of(path, "at5");
    remove(path);
    case_free(&never);
    case_free(&on);
}

static void the_same_split_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    for (int i = 0; i < SAME_COUNT; i++)
        if (ranks_fit(SAME[i].ranks)) goes_on_alike(&SAME[i]);
}

/* ---- files that are another's ---- */

static void edit(const char *name, const char *attribute, const char *text, double number)
{
    char path[PATH];
    Error error;
    path_of(path, name);
    H5 *file = h5_edit(path, &error);
    bool ok = file && (text ? h5_set_text(file, "/", attribute, text, &error)
                            : h5_set_integer(file, "/", attribute, (int64_t)number, &error));
    if (!ok || !h5_close(file, &error)) fail_msg("%s", error.text);
}

static void refused_as(const char *what, const char *words, const char *says)
{
    Stops stops = {.load = "edited"};
    Case c = case_of_words(AT + 1, "%s %s", MODEL, words);
    c.begin = begin;
    c.context = &stops;
    case_virtual(&c, 1);
    if (!stops.refused || !strstr(stops.error.text, says)) print_error("%s: %s\n", what, stops.error.text);
    assert_true(stops.refused && strstr(stops.error.text, says));
    case_free(&c);
}

static void refuses_what_is_another_s(void **state)
{
    (void)state;
    static const struct {
        const char *attribute, *text;
        double number;
        const char *says;
    } edits[] = {
        {"schema", "sim-checkpoint/2", 0, "another sim: its attribute schema is \"sim-checkpoint/2\", not"},
        {"schema", "sim-run/3", 0, "not a checkpoint"},
        {"precision", "fp64", 0,
         "its values are fp64, and this sim computes in fp32; try the build that wrote it"},
        {"precision", "fp8", 0, "its attribute precision is neither fp32 nor fp64"},
        {"next_sample", NULL, 47, "2 steps of 12 samples are done, and its next sample is 47"},
        {"step", NULL, -1, "attribute step is missing or no count"},
        {"updates", NULL, 3, "attributes are not a checkpoint's"},
        {"data", "00000000000000ff", 0, "another text"}};
    static const struct {
        const char *words, *says;
    } configs[] = {
        {"model.hidden=16", "made with model.hidden = 24, and this run has 16; try model.hidden = 24"},
        {"model.heads=2", "made with model.heads = 4, and this run has 2"},
        {"model.layers=5", "made with model.layers = 4"},
        {"train.seed=2", "made with train.seed = 1"},
        {"data.seed=2", "made with data.seed = 1"},
        {"train.global_batch=24", "made with train.global_batch = 12"},
        {"train.optimizer=momentum",
         "it has no /optimizer/momentum_v/wte.weight, as it was made with train.optimizer = adamw"}};
    if (mpi) return;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        Case c = case_of_words(AT, "%s", MODEL);
        run_virtual(&c, &(Stops){.save = "edited", .at = AT}, 1);
        case_free(&c);
        edit("edited", edits[i].attribute, edits[i].text, edits[i].number);
        refused_as(edits[i].attribute, "", edits[i].says);
    }
    Case c = case_of_words(AT, "%s", MODEL);
    run_virtual(&c, &(Stops){.save = "edited", .at = AT}, 1);
    case_free(&c);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++)
        refused_as(configs[i].words, configs[i].words, configs[i].says);
    Stops stops = {.load = "edited"}; /* and of what may be another's */
    c = case_of_words(
        AT + 1, "%s train.learning_rate=1e-4 train.clip=0 train.optimizer=adam model.attention=flash", MODEL);
    run_virtual(&c, &stops, 1);
    assert_false(stops.refused);
    case_free(&c);
}

#endif

/* In memory, where there is such a place: a disk's time is not what is tested. */
static int make_folder(void)
{
    snprintf(folder, sizeof folder, "/dev/shm/sim-test-XXXXXX");
    return mkdtemp(folder) ? 0 : folder_make(folder);
}

static int make(void **state)
{
    (void)state;
    int made = is_first() ? make_folder() : 0;
    if (!mpi) return made;
    Group *world = group_world(mpi, CHANNELS);
    tree_broadcast(world, CONTROL, folder, sizeof folder, 0);
    group_free(world);
    return made;
}

static int clear(void **state)
{
    (void)state;
    return is_first() ? folder_remove(folder) : 0;
}

int ranks_checkpoint(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_beside_training_is_the_same),
        cmocka_unit_test(any_split_goes_on_under_any_other),
#ifndef SIM_DOUBLE
        cmocka_unit_test(the_same_split_goes_on_to_the_same_bits),
        cmocka_unit_test(refuses_what_is_another_s),
#endif
    };
    return cmocka_run_group_tests_name("checkpoints", tests, make, clear);
}
