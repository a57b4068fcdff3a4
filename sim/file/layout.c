/* layout.c - the run file "sim-run/6": its layout as a table. */
#include "sim/file/layout.h"
#include <stddef.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/lanes.h"
#include "models/machine/work.h"
#include "parallel/network/network.h"
#include "parallel/wire/purpose.h"
#include "sim/file/run_info.h"

const char layout_step[] = "/step";

const LayoutDataset layout_datasets[LAYOUT_ALL] = {
    {layout_step, "s", H5_I64, "1", "training step, from 0; -1: not finished"},
    {"/rank", "r", H5_I32, "1", "MPI rank; without a row: as the one before"},
    {"/action", "a", H5_I32, "1", "row of /timeline/actions"},
    {"/held", "h", H5_I32, "1", "row of /timeline/memory; -1: unused"},
    {"/steps/loss", "s", H5_F64, "1", "mean cross-entropy, nats per token"},
    {"/steps/grad_norm", "s", H5_F64, "1", "global gradient norm before clipping"},
    {"/steps/learning_rate", "s", H5_F64, "1",
     "learning rate of the step, held for the next where it is skipped"},
    {"/steps/tokens", "s", H5_I64, "1", "tokens trained on in the step, all ranks"},
    {"/steps/wall_time", "s", H5_F64, "s", "measured wall time of the step, slowest rank"},
    {"/steps/tokens_per_second", "s", H5_F64, "s-1", "measured throughput of the step, all ranks"},
    {"/steps/simulated_time", "s", H5_F64, "s", "simulated time of the step, until the last rank ended"},
    {"/steps/loss_scale", "s", H5_F64, "1", "what the loss was multiplied by for backward"},
    {"/steps/loss_difference", "s", H5_F64, "1",
     "loss minus that of output.baseline, nats per token; NaN: none"},
    {"/steps/skipped", "s", H5_I64, "1", "1 where a gradient overflowed and the weights stayed as they were"},
    {"/steps/checkpoint_beside", "s", H5_F64, "1", "1 where a checkpoint was being written beside the step"},
    {"/steps/checkpoint_time", "s", H5_F64, "s",
     "what training waited for checkpoints after the step: for the copy of one, or for all of it"},
    {"/steps/checkpoint_written", "s", H5_F64, "s",
     "until the checkpoint that was begun then was in its place; NaN: there is none"},
    {"/steps/checkpoint_bytes", "s", H5_F64, "byte", "its size"},
    {"/comm/bytes_sent", "srp", H5_U64, "byte", "payload handed to the network by a rank in a step"},
    {"/comm/messages", "srp", H5_U64, "1", "messages sent by a rank in a step"},
    {"/comm/theory_bytes", "rp", H5_F64, "byte", "payload a rank sends in one step by the formula"},
    {"/comm/bytes_outside", "rp", H5_U64, "byte", "payload sent before the first step and after the last"},
    {"/comm/messages_outside", "rp", H5_U64, "1", "messages sent before the first step and after the last"},
    {"/memory/peak", "rc", H5_U64, "byte", "most bytes allocated at a time, by category"},
    {"/memory/peak_total", "r", H5_U64, "byte", "most bytes allocated at a time, all categories together"},
    {"/memory/theory", "rc", H5_F64, "byte", "peak by the formula; NaN: there is none"},
    {"/memory/rss_peak", "r", H5_U64, "byte",
     "peak resident set size of the rank's process, without memory of other ranks"},
    {"/memory/checkpoint_copy", "r", H5_U64, "byte",
     "most of a rank's copies of its part of a checkpoint, in the host's memory, beside all categories"},
    {"/memory/checkpoint_theory", "r", H5_F64, "byte", "the same by the formula; 0: none is due"},
    {"/pipeline/bubble_ratio_simulated", "r", H5_F64, "1",
     "share of the step in /timeline a rank idles, simulated"},
    {"/pipeline/bubble_ratio_measured", "r", H5_F64, "1",
     "the same from measured CPU times, as if each rank had a core of its own; NaN: unknown"},
    {"/pipeline/bubble_ratio_theory", "", H5_F64, "1",
     "the same by the schedule's formula; NaN: there is none"},
    {"/breakdown/simulated", "rb", H5_F64, "s",
     "where a rank's simulated time of the step in /timeline went"},
    {"/breakdown/hidden", "rb", H5_F64, "s",
     "communication beside computing, by what waiting for it would have been"},
    {"/links/bytes", "lp", H5_F64, "byte",
     "payload of the step in /timeline by the links it goes over, all ranks; NaN: over none"},
    {"/links/theory_bytes", "lp", H5_F64, "byte", "the same by the formula; NaN: there is none"},
    {"/links/busy", "rl", H5_F64, "s", "simulated time in that step during which a rank's link sends"},
    {"/work/kernels", "k", H5_F64, "1", "kernels of a step, all ranks"},
    {"/work/flops", "k", H5_F64, "1", "operations they have to do: of a causal product half"},
    {"/work/bytes", "k", H5_F64, "byte", "operands, read or written once"},
    {"/work/products", "k", H5_F64, "1", "operations of products as papers count them, nothing left out"},
    {"/work/again", "k", H5_F64, "1", "of them: computed again for backward"},
    {"/work/seconds", "k", H5_F64, "s", "what they take on the machine that is simulated, ranks added up"},
    {"/timeline/memory", "hc", H5_U64, "byte", "bytes a rank held as an action ended, by category"},
    {"/timeline/memory_peak", "h", H5_U64, "byte", "most bytes it held while the action ran, all categories"},
    {"/moe/layer", "y", H5_I32, "1", "layer with experts, from 0"},
    {"/moe/expert", "e", H5_I32, "1", "expert, from 0"},
    {"/moe/replica", "d", H5_I32, "1", "data-parallel replica, from 0"},
    {"/moe/microbatch", "m", H5_I32, "1", "microbatch of a replica in a step, from 0"},
    {"/moe/load", "sye", H5_F64, "1", "tokens of the step that chose the expert, all ranks; dry: as assumed"},
    {"/moe/imbalance", "sy", H5_F64, "1", "largest load over the mean"},
    {"/moe/dropped", "sy", H5_F64, "1", "share of choices that an expert had no room for"},
    {"/moe/entropy", "sy", H5_F64, "1", "entropy of a token's scores over their sum, nats, the mean"},
    {"/moe/balance_loss", "s", H5_F64, "1",
     "losses of loads times their coefficients, all layers; no part of loss"},
    {"/moe/bias", "sye", H5_F64, "1",
     "added to an expert's scores where experts are chosen, as the step left it; NaN: balanced otherwise"},
    {"/moe/moved", "sy", H5_F64, "1",
     "choices that went to experts on other ranks, not dropped, of all ranks; dry: as the load assumed"},
    {"/moe/z_loss", "s", H5_F64, "1", "router z-loss times its coefficient, all layers; no part of loss"},
    {"/moe/rows", "sydme", H5_I32, "1",
     "choices that the expert took, of a replica's microbatch: its rows; dry: as the load assumed"},
};

int layout_count(const LayoutSizes *sizes)
{
    return sizes->experts ? LAYOUT_ALL : LAYOUT_DATASETS;
}

static const char *name_of_purpose(size_t i)
{
    return purpose_row[i].name;
}

static const char *name_of_category(size_t i)
{
    return memory_category_name[i];
}

static const char *name_of_part(size_t i)
{
    return part_name[i];
}

static const char *name_of_route(size_t i)
{
    return route_name[i];
}

static const char *name_of_kind(size_t i)
{
    return work_kind[i].name;
}

const LayoutNames layout_names[LAYOUT_NAMES] = {
    {"/purpose", "why bytes were sent", 'p', name_of_purpose, PURPOSES},
    {"/category", "what memory was for", 'c', name_of_category, MEMORY_CATEGORIES},
    {"/part", "what simulated time was spent on", 'b', name_of_part, PARTS},
    {"/kind", "what kernels did", 'k', name_of_kind, WORK_KINDS},
    {"/route", "links inside a node, and across nodes", 'l', name_of_route, ROUTES},
};

#define NUMBER(name, kind)                                 \
    {                                                      \
#name, offsetof(TimelineRow, name), false, kind, 0 \
    }
#define TEXT(name)                                                                  \
    {                                                                               \
#name, offsetof(TimelineRow, name), true, 0, sizeof((TimelineRow *)0)->name \
    }
const char layout_actions[] = "/timeline/actions";
static const H5Field action_fields[] = {
    NUMBER(rank, H5_I32),
    NUMBER(stage, H5_I32),
    NUMBER(microbatch, H5_I32),
    NUMBER(overlapped, H5_I32),
    TEXT(action),
    TEXT(lane),
    NUMBER(simulated_start, H5_F64),
    NUMBER(simulated_end, H5_F64),
    NUMBER(recompute, H5_F64),
    NUMBER(communication, H5_F64),
    NUMBER(held, H5_I32),
    NUMBER(measured_start, H5_F64),
    NUMBER(measured_end, H5_F64),
    NUMBER(measured_compute, H5_F64),
};

H5Row layout_action_row(bool dry)
{
    enum { FIELDS = sizeof action_fields / sizeof *action_fields, MEASURED = 3 };
    return (H5Row){action_fields, dry ? FIELDS - MEASURED : FIELDS, sizeof(TimelineRow)};
}

size_t layout_axis(const LayoutSizes *sizes, char axis)
{
    switch (axis) {
    case 's': return sizes->steps;
    case 'r': return sizes->ranks;
    case 'a': return sizes->actions;
    case 'h': return sizes->held;
    case 'p': return sizes->purposes;
    case 'c': return sizes->categories;
    case 'b': return sizes->parts;
    case 'l': return sizes->routes;
    case 'y': return sizes->layers;
    case 'e': return sizes->experts;
    case 'd': return sizes->replicas;
    case 'm': return sizes->microbatches;
    default: return sizes->kinds;
    }
}

const char *layout_axis_scale(char axis)
{
    for (int i = 0; i < LAYOUT_SCALES; i++)
        if (layout_datasets[i].axes[0] == axis) return layout_datasets[i].path;
    for (int i = LAYOUT_DATASETS; i < LAYOUT_DATASETS + LAYOUT_MOE_SCALES; i++)
        if (layout_datasets[i].axes[0] == axis) return layout_datasets[i].path;
    for (int i = 0; i < LAYOUT_NAMES; i++)
        if (layout_names[i].axis == axis) return layout_names[i].path;
    return NULL;
}

int layout_shape(const LayoutDataset *dataset, const LayoutSizes *sizes, size_t dims[H5_MAX_RANK])
{
    int rank = 0;
    for (; dataset->axes[rank]; rank++) dims[rank] = layout_axis(sizes, dataset->axes[rank]);
    return rank;
}

bool layout_is_optional(const LayoutDataset *dataset)
{
    static const char *const paths[] = {"/moe/replica", "/moe/microbatch", "/moe/rows"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!strcmp(dataset->path, paths[i])) return true;
    return false;
}

const LayoutDataset *layout_find(const char *path)
{
    for (int i = 0; i < LAYOUT_ALL; i++)
        if (!strcmp(layout_datasets[i].path, path)) return &layout_datasets[i];
    fail("run files have no %s", path);
}
