/* reshard.c - files by name in one folder; what is read is written again, and held against the file it was read from. */
#include "tests/support/reshard.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/progress.h"
#include "sim/run/checkpoint_load.h"
#include "sim/run/checkpoint_save.h"
#include "tests/support/case_ranks.h"
#include "tests/support/folder.h"
#include "tests/support/launch.h"

static char folder[FOLDER];

const char reshard_model[] = "model.hidden=24 model.heads=4 model.kv_heads=2 model.ffn=20 model.layers=4 "
                             "model.sequence=8 train.microbatch=1 train.global_batch=12";
static const char experts[] = "moe.experts=6 moe.ffn=12 moe.first_dense=1 moe.shared_experts=1";
const ReshardSplit reshard_split[RESHARD_ALL] = {
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
    {1, "parallel.tp=1"},
    {4, "parallel.ep=2 parallel.data=zero3"},
    {6, "parallel.ep=6 parallel.data=zero1"},
    {6, "parallel.ep=3 parallel.data=ddp"},
    {4, "parallel.ep=2 parallel.data=dp"},
    {8, "parallel.ep=2 parallel.tp=2 parallel.pp=2 parallel.data=zero2"},
    {3, "parallel.data=zero3"},
};

bool reshard_fits(int from, int to)
{
    return (from < RESHARD_SPLITS) == (to < RESHARD_SPLITS);
}

/* ---- the folder ---- */

void stops_path(char path[STOPS_PATH], const char *name)
{
    snprintf(path, STOPS_PATH, "%s/%s.h5", folder, name);
}

bool stops_is_first(void)
{
    return !mpi || mpi->rank == 0;
}

static void tell_all(void *what, size_t bytes)
{
    if (!mpi) return;
    Group *world = group_world(mpi, CHANNELS);
    tree_broadcast(world, CONTROL, what, bytes, 0);
    group_free(world);
}

void stops_meet(void)
{
    int32_t there = 1;
    tell_all(&there, sizeof there);
}

/* In memory, where there is such a place: a disk's time is not what is tested. */
static int make_folder(void)
{
    snprintf(folder, sizeof folder, "/dev/shm/sim-test-XXXXXX");
    return mkdtemp(folder) ? 0 : folder_make(folder);
}

int stops_begin(void)
{
    int made = stops_is_first() ? make_folder() : 0;
    tell_all(folder, sizeof folder);
    return made;
}

int stops_end(void)
{
    return stops_is_first() ? folder_remove(folder) : 0;
}

/* ---- a case ---- */

static void save(Trainer *t, const char *name, int64_t step)
{
    char path[STOPS_PATH];
    Saved saved;
    Error error;
    Group *world = group_world(t->comm, CHANNELS);
    stops_path(path, name);
    if (!checkpoint_save(t, world, path, step, "test", &saved, &error)) fail("%s", error.text);
    group_free(world);
}

static int64_t begin(Trainer *t, void *context)
{
    Stops *s = context;
    CheckpointState state = {.step = 0};
    char path[STOPS_PATH];
    if (s->load) {
        Error error;
        Group *world = group_world(t->comm, CHANNELS);
        stops_path(path, s->load);
        bool ok = checkpoint_load(t, world, path, &state, &error) == CHECKPOINT_FITS;
        if (t->comm->rank == 0) s->refused = !ok;
        if (t->comm->rank == 0 && !ok) s->error = error;
        group_free(world);
    }
    if (s->again && !s->refused) save(t, s->again, state.step);
    return state.step;
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
    if (s->look) s->look(t, s);
}

static void give(Case *c, Stops *s)
{
    c->begin = begin;
    c->look = look;
    c->context = s;
}

bool stops_run(Case *c, Stops *s, int ranks)
{
    give(c, s);
    return run_case(c, ranks);
}

bool stops_virtual(Case *c, Stops *s, int ranks)
{
    give(c, s);
    return case_virtual(c, ranks);
}

/* Of both files. */
static bool same_dataset(H5 *const file[2], const char *path)
{
    uint64_t sum[2];
    Error error;
    Progress quiet;
    progress_begin(&quiet, 1, 1e9);
    for (int f = 0; f < 2; f++)
        if (!h5_checksum(file[f], path, NULL, &sum[f], &quiet, &error)) fail("%s", error.text);
    return sum[0] == sum[1];
}

bool stops_same(const Case *c, const char *a, const char *b)
{
    char path[2][STOPS_PATH], dataset[CHECKPOINT_PATH];
    Error error;
    Config config;
    CheckpointState state[2] = {{.step = 0}};
    H5 *file[2];
    stops_path(path[0], a);
    stops_path(path[1], b);
    if (!case_config(c, &config, &error)) fail("%s", error.text);
    Device none = {.dry = true};
    Gpt *gpt = gpt_new(&(GptOptions){.shape = &config.model.shape, .device = &none});
    for (int f = 0; f < 2; f++)
        if (!(file[f] = h5_open(path[f], &error)) ||
            checkpoint_check(file[f], gpt, &config, 0, &state[f], &error) != CHECKPOINT_FITS)
            fail("%s", error.text);
    bool same = same_dataset(file, "/checksums");
    for (int i = 0; i < checkpoint_parts(&config) * gpt->parameters; i++) {
        checkpoint_dataset(&config, i / gpt->parameters, &gpt->parameter[i % gpt->parameters], dataset);
        same &= same_dataset(file, dataset);
    }
    for (int i = 0; i < gpt->buffers; i++) {
        checkpoint_dataset(&config, checkpoint_parts(&config), &gpt->buffer[i], dataset);
        same &= same_dataset(file, dataset);
    }
    for (int f = 0; f < 2; f++) h5_close(file[f], NULL);
    gpt_free(gpt);
    config_free(&config);
    return same && state[0].step == state[1].step && state[0].updates == state[1].updates &&
           state[0].next_sample == state[1].next_sample && state[0].fine == state[1].fine &&
           state[0].loss_scale == state[1].loss_scale;
}

void stops_remove(const char *name)
{
    char path[STOPS_PATH];
    stops_path(path, name);
    remove(path);
}

/* ---- resharding ---- */

static Case case_of_split(const Reshard *r, int split)
{
    return case_of_words(RESHARD_AT + RESHARD_STEPS, "%s %s %s %s", reshard_model,
                         split < RESHARD_SPLITS ? "" : experts, reshard_split[split].words, r->numbers);
}

static void name_of(const Reshard *r, char name[STOPS_PATH])
{
    snprintf(name, STOPS_PATH, "of%d", r->from);
}

static double relative(double a, double b)
{
    return a == b ? 0 : fabs(a / b - 1);
}

/* Of the steps after the checkpoint. */
static double losses_apart(const Case *a, const Case *b)
{
    double most = 0;
    for (int step = RESHARD_AT; step < RESHARD_AT + RESHARD_STEPS; step++) {
        double apart = relative(a->loss[step], b->loss[step]);
        if (isnan(apart) || apart > most) most = apart; /* a NaN stays */
    }
    return most;
}

void reshard_begin(Reshard *r, int from, const char *numbers)
{
    char name[STOPS_PATH];
    *r = (Reshard){.from = from, .numbers = numbers};
    name_of(r, name);
    Case never = case_of_split(r, from);
    Stops writes = {.save = name, .at = RESHARD_AT}, reads = {.load = name};
    if (!stops_virtual(&never, &writes, reshard_split[from].ranks)) fail("%s", never.refused);
    r->truth = case_of_split(r, from < RESHARD_SPLITS ? 0 : RESHARD_SPLITS);
    if (!stops_virtual(&r->truth, &reads, 1) || reads.refused)
        fail("%s%s", r->truth.refused, reads.error.text);
    r->unbroken = losses_apart(&never, &r->truth);
    case_free(&never);
}

void reshard_end(Reshard *r)
{
    char name[STOPS_PATH];
    name_of(r, name);
    stops_remove(name);
    case_free(&r->truth);
}

bool reshard_read(const Reshard *r, int to, Reread *reread)
{
    char saved[STOPS_PATH];
    const Case *truth = &r->truth;
    name_of(r, saved);
    Stops stops = {.load = saved, .again = "again"};
    Case c = case_of_split(r, to);
    const bool ran = stops_run(&c, &stops, reshard_split[to].ranks);
    *reread = (Reread){.read = ran && !stops.refused};
    if (!stops_is_first()) return false;
    if (!reread->read)
        snprintf(reread->error, sizeof reread->error, "%s", ran ? stops.error.text : c.refused);
    if (reread->read) {
        reread->same = stops_same(&c, saved, stops.again);
        reread->loss = losses_apart(&c, truth);
        reread->norm = relative(c.grad_norm, truth->grad_norm);
        reread->gradients = case_distance(truth, &c, true);
        reread->together = case_gradients_apart(truth, &c);
    }
    stops_remove(stops.again);
    case_free(&c);
    return true;
}
