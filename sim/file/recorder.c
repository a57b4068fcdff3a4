/* recorder.c - writes the run file in an order that keeps every finished step readable. */
#include "sim/file/recorder.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/file/checksums.h"
#include "sim/file/continued.h"
#include "sim/file/layout.h"
#include "sim/file/recorder_held.h"
#include "sim/file/recorder_private.h"
#include "sim/file/run_file.h"
#include "sim/file/skeleton.h"

enum {
    PATH_SIZE = 4096,
    BLOCK_ROWS = 1024,     /* allocated at first, unless fewer steps are planned */
    BLOCK_BYTES = 64 << 20 /* or a row is so large that this holds fewer */
};

/* ---- opening ---- */

/* An empty file, and a run that never finished a step. */
static bool worthless(const char *path)
{
    struct stat there;
    if (stat(path, &there)) return false; /* a dangling link */
    if (!there.st_size) return true;
    RunFile *run = run_file_look(path, NULL);
    bool is = run && !run->complete && run->steps == 0;
    run_file_close(run);
    return is;
}

static bool publish(Recorder *r, Error *error)
{
    if (!h5_publish(r->file, error)) return false;
    free(r->path);
    r->path = words_copy(h5_path(r->file));
    struct stat ours;
    if (stat(r->path, &ours)) return error_set(error, "%s: has vanished as soon as it was written", r->path);
    r->device = ours.st_dev;
    r->inode = ours.st_ino;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t first_rows(const Recorder *r)
{
    size_t row_bytes = 2 * (size_t)r->recorded * PURPOSES * sizeof(uint64_t) + r->rows_bytes;
    size_t rows = least(BLOCK_ROWS, BLOCK_BYTES / row_bytes);
    return rows > 0 ? rows : 1;
}

/* In the file of the steps before, if there is one and it is of the same split. */
static bool continues(Recorder *r, const RunInfo *info, const Config *config, Error *error)
{
    size_t done = 0;
    if (info->first > 0) r->file = continued_open(info, config, r->rows, &done, error);
    if (!r->file && info->first > 0) r->apart = *error;
    if (!r->file) return false;
    r->done = done;
    r->rows += done;
    r->planned += done;
    if (!publish(r, error)) fail("%s", error->text);
    return true;
}

Recorder *recorder_open(const RunInfo *info, const Config *config, char *kept, size_t kept_size, Error *error)
{
    kept[0] = '\0';
    if (!files_prepare(info->path, error)) return NULL;
    Recorder *r = allocate_zeroed(1, sizeof *r);
    r->path = words_copy(info->path);
    r->recorded = (int)skeleton_ranks(info);
    r->actions = info->actions;
    r->held.room = skeleton_held(info);
    r->dry = info->dry;
    r->row = layout_action_row(info->dry);
    r->planned = least((size_t)config->train.steps, (size_t)config_steps(config, info->dry));
    r->planned -= (size_t)info->first;
    r->rows_bytes = skeleton_rows_bytes(info, config);
    r->rows = least(r->planned, first_rows(r));
    if (continues(r, info, config, error)) return r;

    r->file = h5_create(r->path, error);
    if (r->file) h5_let_go(r->file, worthless);
    if (r->file && skeleton_create(r->file, info, config, r->rows, error) && publish(r, error)) {
        snprintf(kept, kept_size, "%s", h5_kept(r->file));
        return r;
    }
    recorder_abandon(r);
    return NULL;
}

const char *recorder_path(const Recorder *r)
{
    return r->path;
}

const char *recorder_apart(const Recorder *r)
{
    return r->apart.text;
}

int recorder_hold(const Recorder *r)
{
    return h5_hold(r->file);
}

/* ---- while it runs ---- */

static bool vanished(const Recorder *r, Error *error)
{
    return error_set(
        error,
        "%s: was removed or replaced while this run recorded its first %zu steps in it; give each "
        "run a file of its own with --output",
        r->path, r->done);
}

/* Adds to why the next one could not be written. */
static bool others_are_kept(const Recorder *r, Error *error)
{
    if (r->done > 0)
        words_append(error->text, sizeof error->text, "; the %zu step%s before %s kept", r->done,
                     words_s((int64_t)r->done), r->done > 1 ? "are" : "is");
    return false;
}

/* Gives the columns `rows` rows, in a copy that replaces the file when it is
 * whole. Growing in place would rewrite the indices of all columns: a kill or
 * a full disk in between would cost the run. Where the file was moved, its copy goes there. */
static bool resize(Recorder *r, size_t rows, Error *error)
{
    struct stat there;
    char path[PATH_SIZE];
    int hold = h5_hold(r->file); /* the place stays ours between the two */
    snprintf(path, sizeof path, "%s", r->path);
    files_follow(hold, path, sizeof path);
    bool ok = !stat(path, &there) && there.st_dev == r->device && there.st_ino == r->inode;
    if (!ok) vanished(r, error);
    if (ok) {
        H5 *file = r->file;
        r->file = NULL;
        ok = h5_close(file, error) && (r->file = h5_edit(path, error)) &&
             skeleton_extend(r->file, rows, error) && publish(r, error);
        if (!ok) others_are_kept(r, error);
    }
    if (ok) r->rows = rows;
    if (hold >= 0) close(hold);
    return ok;
}

void recorder_fill_disk(Recorder *r)
{
    r->full = true;
}

/* For the next row. */
static bool make_room(Recorder *r, Error *error)
{
    if (r->done < r->rows) return true;
    size_t rows = 2 * r->rows > first_rows(r) ? 2 * r->rows : first_rows(r);
    if (r->planned > r->rows) rows = least(rows, r->planned);
    return resize(r, rows, error);
}

bool recorder_routing(Recorder *r, const RoutingRow *row, Error *error)
{
    const struct {
        const char *path;
        const double *value;
    } cells[] = {{"/moe/load", row->load},       {"/moe/imbalance", row->imbalance},
                 {"/moe/dropped", row->dropped}, {"/moe/entropy", row->entropy},
                 {"/moe/z_loss", &row->z_loss},  {"/moe/balance_loss", &row->balance_loss},
                 {"/moe/bias", row->bias},       {"/moe/moved", row->moved}};
    if (!make_room(r, error)) return false;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (cells[i].value && !h5_write(r->file, cells[i].path, r->done, 1, H5_F64, cells[i].value, error))
            return others_are_kept(r, error);
    return !row->rows || h5_write(r->file, "/moe/rows", r->done, 1, H5_I32, row->rows, error) ||
           others_are_kept(r, error);
}

bool recorder_step(Recorder *r, const StepRow *row, const uint64_t *bytes, const uint64_t *messages,
                   Error *error)
{
    if (!make_room(r, error)) return false;
    if (r->full) h5_fill_disk(r->file);
    const double tokens_per_second = row->wall_time > 0 ? (double)row->tokens / row->wall_time : NAN;
    const double none = 0;
    const struct {
        const char *path;
        H5Kind kind;
        const void *value;
    } cells[] = {
        {"/steps/loss", H5_F64, &row->loss},
        {"/steps/grad_norm", H5_F64, &row->grad_norm},
        {"/steps/learning_rate", H5_F64, &row->learning_rate},
        {"/steps/tokens", H5_I64, &row->tokens},
        {"/steps/wall_time", H5_F64, &row->wall_time},
        {"/steps/tokens_per_second", H5_F64, &tokens_per_second},
        {"/steps/simulated_time", H5_F64, &row->simulated_time},
        {"/steps/loss_scale", H5_F64, &row->loss_scale},
        {"/steps/skipped", H5_I64, &row->skipped},
        {"/steps/loss_difference", H5_F64, &row->loss_difference},
        {"/steps/checkpoint_beside", H5_F64, &none},
        {"/steps/checkpoint_time", H5_F64, &none},
        {"/comm/bytes_sent", H5_U64, bytes},
        {"/comm/messages", H5_U64, messages},
    };
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (!h5_write(r->file, cells[i].path, r->done, 1, cells[i].kind, cells[i].value, error))
            return others_are_kept(r, error);
    /* the step's number last: who sees it finds the rest of the row in the file */
    bool ok = h5_flush_rows(r->file, error) &&
              h5_write(r->file, layout_step, r->done, 1, H5_I64, &row->step, error) &&
              h5_flush_rows(r->file, error);
    if (!ok) return others_are_kept(r, error);
    r->done++;
    return h5_is_there(r->file) || vanished(r, error); /* not only as it ends, hours later */
}

/* A number in a row that is there. */
static bool note(Recorder *r, const char *column, size_t row, double value, Error *error)
{
    return h5_write(r->file, column, row, 1, H5_F64, &value, error);
}

bool recorder_checkpoint(Recorder *r, bool beside, double seconds, Error *error)
{
    return note(r, "/steps/checkpoint_beside", r->done - 1, beside, error) &&
           note(r, "/steps/checkpoint_time", r->done - 1, seconds, error) && h5_flush_rows(r->file, error);
}

bool recorder_placed(Recorder *r, const CheckpointPlaced *p, Error *error)
{
    size_t row = r->done - 1 - p->back, ranks = (size_t)r->recorded;
    return note(r, "/steps/checkpoint_written", row, p->seconds, error) &&
           note(r, "/steps/checkpoint_bytes", row, p->bytes, error) &&
           (!p->copies || h5_write(r->file, "/memory/checkpoint_copy", 0, ranks, H5_U64, p->copies, error)) &&
           h5_flush_rows(r->file, error);
}

bool recorder_memory(Recorder *r, const uint64_t *peak, const uint64_t *peak_total, const uint64_t *rss,
                     Error *error)
{
    size_t ranks = (size_t)r->recorded;
    return h5_write(r->file, "/memory/peak", 0, ranks, H5_U64, peak, error) &&
           h5_write(r->file, "/memory/peak_total", 0, ranks, H5_U64, peak_total, error) &&
           h5_write(r->file, "/memory/rss_peak", 0, ranks, H5_U64, rss, error) &&
           h5_flush_rows(r->file, error);
}

/* ---- the end ---- */

static void forget(Recorder *r)
{
    free(r->path);
    free(r->block.rows);
    recorder_held_free(&r->held);
    free(r);
}

static bool trim(Recorder *r, Error *error)
{
    return r->done == r->rows || resize(r, r->done, error);
}

static bool close_and_forget(Recorder *r, Error *error)
{
    H5 *file = r->file;
    r->file = NULL;
    if (!h5_close(file, error)) return false;
    forget(r);
    return true;
}

bool recorder_finish(Recorder *r, Error *error)
{
    if (!trim(r, error)) return false;
    /* the checksums reach the file before what says that they are there */
    if (!checksums_write(r->file, error) || !h5_flush(r->file, error) ||
        !h5_set_integer(r->file, "/", "complete", 1, error))
        return false;
    return close_and_forget(r, error);
}

bool recorder_stop(Recorder *r, Error *error)
{
    return trim(r, error) && h5_flush(r->file, error) && close_and_forget(r, error);
}

void recorder_abandon(Recorder *r)
{
    if (!r) return;
    h5_abandon(r->file);
    forget(r);
}
