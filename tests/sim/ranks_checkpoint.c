/* ranks_checkpoint.c - a checkpoint of any split is gone on from under any other: the same values in the file, the same
 * bits where the split is the same, and elsewhere the losses of the run that never stopped.
 * On virtual ranks in this process; under mpirun (tests/run.sh does both) on the ranks it was given. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "parallel/collectives/collectives.h"
#include "sim/file/h5.h"
#include "sim/run/checkpoint_save.h"
#include "sim/theory/theory.h"
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/reshard.h"

#ifdef SIM_DOUBLE
static const double TOLERANCE = 1e-12;
#else
static const double TOLERANCE = 1e-5;
#endif

/* ---- any split into any other: a part of what tests/reshard.c does ---- */

enum { READS = 2 };

/* Which splits' files a split reads here. */
static int read_by(int to, int k)
{
    static const int shift[READS] = {1, 4};
    return (to + shift[k]) % RESHARD_SPLITS;
}

/* Whether any split that fits reads this one's. */
static bool is_read(int from, int reads)
{
    bool is = false;
    for (int to = 0; to < RESHARD_SPLITS; to++)
        for (int k = 0; k < reads; k++) is |= ranks_fit(reshard_split[to].ranks) && read_by(to, k) == from;
    return is;
}

static void reshard(const Reshard *r, int to)
{
    Reread got;
    if (!reshard_read(r, to, &got)) return;
    const bool good = got.read && got.same && r->unbroken <= TOLERANCE && got.loss <= TOLERANCE &&
                      got.norm <= TOLERANCE && got.gradients <= TOLERANCE;
    if (!good)
        print_error(
            "%s, read by %s: %s; loss, norm, gradients %g, %g, %g apart, the loss %g from unbroken %s\n",
            reshard_split[r->from].words, reshard_split[to].words,
            got.same ? "the same file" : "another file", got.loss, got.norm, got.gradients, r->unbroken,
            got.error);
    assert_true(good);
}

static void go_on(const char *numbers, int reads)
{
    Reshard of[RESHARD_SPLITS] = {{.from = 0}};
    for (int i = 0; i < RESHARD_SPLITS; i++) of[i] = (Reshard){.from = i, .numbers = numbers};
    for (int i = 0; i < RESHARD_SPLITS && stops_is_first(); i++) /* of virtual ranks: the file knows none */
        if (is_read(i, reads)) reshard_begin(&of[i], i, numbers);
    stops_meet();
    for (int to = 0; to < RESHARD_SPLITS; to++)
        for (int k = 0; k < reads && ranks_fit(reshard_split[to].ranks); k++)
            reshard(&of[read_by(to, k)], to);
    for (int i = 0; i < RESHARD_SPLITS && stops_is_first(); i++) reshard_end(&of[i]);
}

static void any_split_goes_on_under_any_other(void **state)
{
    (void)state;
    go_on("", READS);
}

/* Which is no parameter, and lies in the file once. */
static void and_with_a_bias_of_experts(void **state)
{
    (void)state;
    go_on("moe.experts=4 moe.first_dense=1 moe.balance=bias moe.bias_step=0.05", 1);
}

/* ---- beside training ---- */

/* In place of the C library's: while this is so, other threads than the first write nothing. */
static atomic_bool held;
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    while (atomic_load(&held) && gettid() != getpid()) usleep(1000);
    return syscall(SYS_pwrite64, file, bytes, count, at);
}

enum { RANKS_MOST = 8 };
typedef struct Beside {
    Stops stops; /* the first of it */
    Saving *saving[RANKS_MOST];
    Group *world[RANKS_MOST]; /* whose it is */
    CheckpointImage *image;   /* of one that was before */
    int written;              /* on so many ranks */
} Beside;

/* After the first step. */
static void write_before(Trainer *t, Beside *b)
{
    char path[STOPS_PATH];
    Saved saved;
    Error error;
    Group *world = group_world(t->comm, CHANNELS);
    stops_path(path, "before");
    const SavingRequest request = {path, t->step + 1, "another", 0, false, &b->image};
    Saving *saving = checkpoint_begin(t, world, &request, &error);
    bool ended = saving ? checkpoint_end(saving, &saved, &error) : false;
    if (!ended) fail("%s", error.text);
    checkpoint_free(saving);
    group_free(world);
}

static double copy_of(const Trainer *t, int rank)
{
    return theory_checkpoint_copy(t->config, t->plan, t->comm->size, rank, 0);
}

/* No larger than room is asked for, and not much smaller. */
static void as_large_as_said(const Trainer *t, const char *path)
{
    enum { TENSOR = 1024, SPARE = 1 << 16 };
    struct stat there;
    assert_int_equal(stat(path, &there), 0);
    const size_t said = checkpoint_bytes(t->gpt, t->config), is = (size_t)there.st_size;
    assert_true(is <= said && said - is < checkpoint_tensors(t->gpt, t->config) * TENSOR + SPARE);
}

/* Begun after step `at`, ended after the last, each rank by itself; until then no thread has written any of it. */
static void write_beside(Trainer *t, Stops *stops)
{
    Beside *b = (Beside *)stops;
    Saving **saving = &b->saving[t->comm->rank];
    Group **world = &b->world[t->comm->rank];
    char path[STOPS_PATH];
    Saved saved;
    Error error;
    stops_path(path, "beside");
    if (t->step == 0) write_before(t, b);
    if (t->step + 1 < stops->at) return;
    if (t->step + 1 == stops->at) {
        atomic_store(&held, true);
        *world = group_world(t->comm, CHANNELS);
        const SavingRequest request = {path, stops->at, "test", 0, true, &b->image};
        *saving = checkpoint_begin(t, *world, &request, &error);
        if (!*saving) fail("%s", error.text);
    }
    bool over = checkpoint_goes_on(*saving);
    assert_false(over && copy_of(t, t->comm->rank) > 0 && atomic_load(&held));
    if (t->step + 1 < t->config->train.steps) return;
    atomic_store(&held, false);
    if (!checkpoint_end(*saving, &saved, &error)) fail("%s", error.text);
    for (int r = 0; r < t->comm->size && t->comm->rank == 0; r++)
        assert_true((double)checkpoint_copies(*saving)[r] == copy_of(t, r));
    if (t->comm->rank == 0) as_large_as_said(t, path);
    checkpoint_free(*saving);
    group_free(*world);
    b->written++;
}

/* While it is written the values change; in the file they are as those of a run that waits. Each rank's copy is as large
 * as the formula says. */
static void what_is_written_beside_training_is_the_same(void **state)
{
    (void)state;
    static const ReshardSplit splits[] = {{1, "parallel.tp=1"},
                                          {4, "parallel.pp=2 parallel.tp=2"},
                                          {8, "parallel.pp=2 parallel.tp=2 moe.experts=4 moe.balance=bias"},
                                          {3, "parallel.data=ddp"},
                                          {3, "parallel.data=dp train.optimizer=momentum"},
#ifndef SIM_DOUBLE
                                          {2, "parallel.data=zero1 train.precision=bf16"},
#endif
                                          {6, "parallel.data=zero3"}};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        if (!ranks_fit(splits[i].ranks)) continue;
        Beside beside = {.stops = {.save = "waited", .at = RESHARD_AT, .look = write_beside}};
        Case c = case_of_words(RESHARD_AT + 2, "%s %s output.checkpoint=c.h5 output.checkpoint_every=%d",
                               reshard_model, splits[i].words, RESHARD_AT);
        bool look_at = stops_run(&c, &beside.stops, splits[i].ranks);
        assert_true(beside.written == (mpi ? 1 : splits[i].ranks));
        if (look_at) {
            assert_true(stops_same(&c, "waited", "beside"));
            stops_remove("beside");
            stops_remove("waited");
            stops_remove("before");
        }
        checkpoint_image_free(beside.image);
        case_free(&c);
    }
}

#ifndef SIM_DOUBLE /* where 16 bits are refused; what follows is the same in either */

/* ---- the same split ---- */

/* What there is of a run beside its losses: gathered in another way, rounded, scaled. */
static const ReshardSplit SAME[] = {
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
static void goes_on_alike(const ReshardSplit *s)
{
    Stops whole = {.save = "at5", .at = STOP}, rest = {.load = "at5"};
    Case never = case_of_words(LONG, "%s %s", reshard_model, s->words),
         on = case_of_words(LONG, "%s %s", reshard_model, s->words);
    stops_run(&never, &whole, s->ranks);
    bool look_at = stops_run(&on, &rest, s->ranks);
    if (!stops_is_first()) return;
    if (!look_at || rest.refused) print_error("%s: %s%s\n", s->words, on.refused, rest.error.text);
    assert_true(look_at && !rest.refused);
    bool losses = true;
    for (int step = STOP; step < LONG; step++) losses &= never.loss[step] == on.loss[step];
    bool weights = memcmp(never.weights, on.weights, (size_t)on.parameters * sizeof *on.weights) == 0;
    assert_true(whole.loss_scale == rest.loss_scale && whole.fine == rest.fine &&
                whole.updates == rest.updates);
    if (!losses || !weights)
        print_error("%s goes on with other %s\n", s->words, losses ? "weights" : "losses");
    assert_true(losses && weights);
    char path[STOPS_PATH];
    stops_path(path, "at5");
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

static void edit(const char *name, const char *of, const char *attribute, const char *text, double number)
{
    char path[STOPS_PATH];
    Error error;
    stops_path(path, name);
    H5 *file = h5_edit(path, &error);
    bool ok = file && (text ? h5_set_text(file, of, attribute, text, &error)
                            : h5_set_integer(file, of, attribute, (int64_t)number, &error));
    if (!ok || !h5_close(file, &error)) fail_msg("%s", error.text);
}

static void refused_as(const char *what, const char *words, const char *says)
{
    Stops stops = {.load = "edited"};
    Case c = case_of_words(RESHARD_AT + 1, "%s %s", reshard_model, words);
    stops_virtual(&c, &stops, 1);
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
        {"schema", "sim-checkpoint/1", 0, "another sim: its attribute schema is \"sim-checkpoint/1\", not"},
        {"schema", "sim-checkpoint/3", 0, "another sim: its attribute schema is \"sim-checkpoint/3\", not"},
        {"schema", "sim-run/6", 0, "not a checkpoint"},
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
         "it has no /optimizer/momentum_v, as it was made with train.optimizer = adamw"},
        {"moe.experts=4", "made with moe.experts = 0, and this run has 4; try moe.experts = 0"}};
    static const struct {
        const char *words, *says;
    } experts[] = {
        {"moe.balance=bias",
         "it was made with moe.balance = none and has no biases of experts, and this run has bias; "
         "try moe.balance = none"},
        {"moe.experts=8", "made with moe.experts = 4, and this run has 8; try moe.experts = 4"},
        {"moe.ffn=12", "made with moe.ffn = 10, and this run has 12"},
        {"moe.shared_experts=1", "made with moe.shared_experts = 0, and this run has 1"},
        {"moe.first_dense=1", "made with moe.first_dense = 0, and this run has 1"},
        {"moe.every=2", "made with moe.every = 1, and this run has 2"},
        {"moe.top_k=1", "made with moe.top_k = 2, and this run has 1"},
        {"moe.router=sigmoid", "made with moe.router = softmax, and this run has sigmoid"},
        {"moe.normalise_top_k=yes", "made with moe.normalise_top_k = no, and this run has yes"},
        {"moe.route_scale=2", "made with moe.route_scale = 1, and this run has 2"},
        {"moe.groups=4 moe.groups_limited=2", "made with moe.groups = 1, and this run has 4"}};
    static const char mixture[] = "moe.experts=4 moe.ffn=10";
    if (mpi) return;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        Case c = case_of_words(RESHARD_AT, "%s", reshard_model);
        assert_true(stops_virtual(&c, &(Stops){.save = "edited", .at = RESHARD_AT}, 1));
        case_free(&c);
        edit("edited", "/", edits[i].attribute, edits[i].text, edits[i].number);
        refused_as(edits[i].attribute, "", edits[i].says);
    }
    Case c = case_of_words(RESHARD_AT, "%s", reshard_model);
    assert_true(stops_virtual(&c, &(Stops){.save = "edited", .at = RESHARD_AT}, 1));
    case_free(&c);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++)
        refused_as(configs[i].words, configs[i].words, configs[i].says);
    edit("edited", "/config", "moe.top_k", "7", 0); /* of no experts */
    Stops stops = {.load = "edited"};               /* and of what may be another's */
    c = case_of_words(RESHARD_AT + 1,
                      "%s train.learning_rate=1e-4 train.clip=0 train.optimizer=adam model.attention=flash",
                      reshard_model);
    stops_virtual(&c, &stops, 1);
    assert_false(stops.refused);
    case_free(&c);
    c = case_of_words(RESHARD_AT, "%s %s", reshard_model, mixture);
    assert_true(stops_virtual(&c, &(Stops){.save = "edited", .at = RESHARD_AT}, 1));
    case_free(&c);
    for (size_t i = 0; i < sizeof experts / sizeof *experts; i++) {
        char words[256];
        snprintf(words, sizeof words, "%s %s", mixture, experts[i].words);
        refused_as(words, words, experts[i].says);
    }
    Stops of_mixture = {.load = "edited"}; /* what is of training may be another's */
    c = case_of_words(RESHARD_AT + 1, "%s %s moe.capacity_factor=2 moe.z_loss=0.1 moe.balance=auxiliary",
                      reshard_model, mixture);
    stops_virtual(&c, &of_mixture, 1);
    assert_false(of_mixture.refused);
    case_free(&c);
}

#endif

static int make(void **state)
{
    (void)state;
    return stops_begin();
}

static int clear(void **state)
{
    (void)state;
    return stops_end();
}

int ranks_checkpoint(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_beside_training_is_the_same),
        cmocka_unit_test(any_split_goes_on_under_any_other),
        cmocka_unit_test(and_with_a_bias_of_experts),
#ifndef SIM_DOUBLE
        cmocka_unit_test(the_same_split_goes_on_to_the_same_bits),
        cmocka_unit_test(refuses_what_is_another_s),
#endif
    };
    return cmocka_run_group_tests_name("checkpoints", tests, make, clear);
}
