/* recorder.h - a run's file: what rank 0 writes while it trains.
 *
 * The layout is the contract "sim-run/6": /config, /steps, /comm, /memory,
 * /pipeline, /breakdown, /links, /work, /timeline (README, "The run file";
 * layout.h). The file appears whole or not at all; columns are allocated up to
 * 1024 rows at a time, twice as many each time, and filled with NaN (step: -1);
 * a step's number is written after a flush of the rest. Growing makes a larger copy and renames it into place, so that a
 * kill or a full disk at any moment leaves a file with every finished step.
 *
 * After a false from any of these: recorder_abandon(), then exit() or
 * MPI_Abort(), not MPI_Finalize() (h5.h says why). */
#ifndef SIM_FILE_RECORDER_H
#define SIM_FILE_RECORDER_H
#include <stdbool.h>
#include <stdint.h>
#include "models/machine/device.h"
#include "models/machine/lanes.h"
#include "parallel/wire/purpose.h"
#include "sim/config/config.h"
#include "sim/file/run_info.h"

typedef struct StepRow {
    int64_t step; /* from 0 */
    double loss, grad_norm, learning_rate;
    int64_t tokens;         /* in this step, all ranks */
    double wall_time;       /* s; NaN in a dry run */
    double simulated_time;  /* s, until the last rank ended */
    double loss_scale;      /* 1 without one */
    int64_t skipped;        /* 1: a gradient overflowed */
    double loss_difference; /* from the baseline's; NaN without one */
} StepRow;

typedef struct Recorder Recorder;

/* Makes the folder of `path` if needed. What is at `path` is kept as
 * STEM.1.h5, STEM.2.h5, ... (the first free; copied into `kept` for the caller
 * to tell, else "") unless it is a run that never finished a step. A run that
 * is still recorded there stays, and this one takes the free name. Where
 * info->first is above 0 and the file has the steps before, of the same split,
 * the run goes on in it: what it has of later ones is written again. */
Recorder *recorder_open(const RunInfo *info, const Config *config, char *kept, size_t kept_size,
                        Error *error);

/* Where the run is recorded. */
const char *recorder_path(const Recorder *recorder);
/* Why a run that begins later does not go on in the file of the steps before; "": it does. */
const char *recorder_apart(const Recorder *recorder);
/* No other run moves the file until what this returns is closed: also after the end. */
int recorder_hold(const Recorder *recorder);

/* From here on its file is refused what is written, as on a full disk. */
void recorder_fill_disk(Recorder *recorder);

/* Of the layers with experts, one after the other; NaN: unknown. */
typedef struct RoutingRow {
    double *load, *bias;                           /* [layer][expert]; bias NULL: there is none */
    double *imbalance, *dropped, *entropy, *moved; /* [layer] */
    double balance_loss, z_loss;
    const int32_t *rows; /* [layer][replica][microbatch][expert]; NULL: they are not told apart */
} RoutingRow;
/* Of the step that recorder_step() will tell of next. */
bool recorder_routing(Recorder *recorder, const RoutingRow *row, Error *error);

/* bytes, messages: [rank][PURPOSES] sent in this step. */
bool recorder_step(Recorder *recorder, const StepRow *row, const uint64_t *bytes, const uint64_t *messages,
                   Error *error);

/* What checkpoints cost after the last step so far, 0 as long as there is no such call; `beside`: one was being written
 * while that step ran. */
bool recorder_checkpoint(Recorder *recorder, bool beside, double seconds, Error *error);
/* That which was begun `back` steps before the last so far is in its place, and so large. copies: [rank] bytes; NULL:
 * without. */
typedef struct CheckpointPlaced {
    size_t back;
    double seconds, bytes;
    const uint64_t *copies;
} CheckpointPlaced;
bool recorder_placed(Recorder *recorder, const CheckpointPlaced *placed, Error *error);

/* peak: [rank][MEMORY_CATEGORIES]; peak_total, rss: [rank]; bytes. May be called again as peaks grow. */
bool recorder_memory(Recorder *recorder, const uint64_t *peak, const uint64_t *peak_total,
                     const uint64_t *rss, Error *error);

/* One step's actions, all ranks' together at most RunInfo.actions of them: some, as often as there are more, and the
 * last, with which the timeline is that step's. */
bool recorder_actions(Recorder *recorder, const TimelineRow *rows, int count, Error *error);
/* The same of rows whose `held` is given: what recorder_held() says of the first of them that holds so much, for all of
 * its kind after it that do. */
bool recorder_actions_held(Recorder *recorder, const TimelineRow *rows, int count, Error *error);
bool recorder_held(Recorder *recorder, const TimelineRow *row, int32_t *held, Error *error);
bool recorder_timeline(Recorder *recorder, int64_t step, const TimelineRow *rows, int count, Error *error);

/* simulated, measured: [rank] the share of a step in which the rank has nothing to do; theory: the formula's
 * share. NaN where unknown, as all are until the first call and `measured` stays when NULL. */
bool recorder_pipeline(Recorder *recorder, const double *simulated, const double *measured, double theory,
                       Error *error);

/* seconds: [rank][PARTS] of the recorded step's simulated time; hidden: communication beside computing. NaN until the
 * first call. */
bool recorder_breakdown(Recorder *recorder, const double *seconds, const double *hidden, Error *error);

/* bytes: [ROUTES][PURPOSES] of all ranks in a step; busy: [rank][ROUTES] seconds that its links sent. NaN until the
 * first call. */
bool recorder_links(Recorder *recorder, const double *bytes, const double *busy, Error *error);

/* What kernels of all ranks did in a step, by kind. NaN until the first call. */
bool recorder_work(Recorder *recorder, const WorkDone done[WORK_KINDS], Error *error);

/* bytes, messages: [rank][PURPOSES] sent before the first step and after the last. */
bool recorder_outside(Recorder *recorder, const uint64_t *bytes, const uint64_t *messages, Error *error);

/* How many messages went over links that hold some back, and how many of them were. */
bool recorder_late(Recorder *recorder, int64_t messages, int64_t late, Error *error);

/* Trims the columns to the steps done, sets complete = 1, closes and frees. */
bool recorder_finish(Recorder *recorder, Error *error);

/* The same of a run that stops before its end, to go on later: complete stays 0. */
bool recorder_stop(Recorder *recorder, Error *error);

/* Forgets the file without touching it. NULL is left alone. */
void recorder_abandon(Recorder *recorder);
#endif
