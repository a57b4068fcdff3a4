/* checkpoint_writer.c - blocks that two threads take one after the other. */
#include "sim/file/checkpoint_writer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/beside.h"
#include "sim/base/posix.h"
#include "sim/base/progress.h"
#include "sim/base/words.h"
#include "sim/file/checkpoint_sums.h"

enum {
    BLOCK_BYTES =
        256 << 10 /* stays in a core's cache between its write and its sum; more than a row at least */
};

struct CheckpointWriter {
    char *path;
    uint64_t *place; /* (tensors) */
    int file;
    CheckpointBlock *block;
    size_t blocks;
    atomic_size_t next;    /* the first that nobody has taken */
    _Atomic uint64_t *sum; /* (tensors) */
    uint64_t *sums;        /* the same, at the end */
    size_t tensors;
    atomic_bool failed;
    Error error; /* of who failed first */
    Beside beside;
};

CheckpointWriter *checkpoint_writer_new(const CheckpointDraft *draft, size_t tensors)
{
    CheckpointWriter *w = allocate_zeroed(1, sizeof *w);
    w->path = words_copy(draft->path);
    w->tensors = tensors;
    w->place = allocate(tensors * sizeof *w->place);
    memcpy(w->place, draft->place, tensors * sizeof *w->place);
    w->sum = allocate(tensors * sizeof *w->sum);
    for (size_t i = 0; i < tensors; i++) atomic_init(&w->sum[i], 0);
    w->sums = allocate_zeroed(tensors, sizeof *w->sums);
    atomic_init(&w->next, 0);
    atomic_init(&w->failed, false);
    w->file = open(draft->draft, O_WRONLY | O_CLOEXEC);
    if (w->file >= 0) return w;
    atomic_store(&w->failed, true);
    files_refuse(w->path, "open what is written of it", errno, &w->error);
    return w;
}

void checkpoint_writer_add(CheckpointWriter *w, const CheckpointBlock *whole)
{
    const H5Slab *slab = &whole->slab;
    size_t row = slab->columns * sizeof(real), rows = row < BLOCK_BYTES ? BLOCK_BYTES / row : 1;
    for (size_t done = 0; done < slab->rows; done += rows) {
        CheckpointBlock block = *whole;
        block.slab.row += done;
        block.slab.from += done * slab->stride;
        block.slab.rows = slab->rows - done < rows ? slab->rows - done : rows;
        w->block = allocate_more(w->block, w->blocks, sizeof *w->block);
        w->block[w->blocks++] = block;
    }
}

/* ---- writing, in either thread ---- */

static void refuse(CheckpointWriter *w, const CheckpointBlock *block, int number)
{
    char what[80];
    if (atomic_exchange(&w->failed, true)) return;
    snprintf(what, sizeof what, "write %s", block ? block->parameter->name : "it to the disk");
    files_refuse(w->path, what, number, &w->error);
}

/* Rows that lie one behind the other both here and there are one. */
static int write_block(const CheckpointWriter *w, const CheckpointBlock *b)
{
    const H5Slab *s = &b->slab;
    size_t width = (size_t)b->parameter->whole_columns;
    bool one = s->rows == 1 || (s->columns == width && s->stride == width);
    size_t rows = one ? 1 : s->rows, columns = one ? s->rows * s->columns : s->columns;
    int number = 0;
    for (size_t i = 0; i < rows && !number; i++) {
        uint64_t at = w->place[b->tensor] + ((s->row + i) * width + s->column) * sizeof(real);
        number = files_write_at(w->file, b->values + s->from + i * s->stride, columns * sizeof(real), at);
    }
    return number;
}

/* `progress`: of who waits for it; NULL: nobody does. */
static void write_blocks(CheckpointWriter *w, Progress *progress)
{
    size_t i;
    while (!atomic_load(&w->failed) && (i = atomic_fetch_add(&w->next, 1)) < w->blocks) {
        const CheckpointBlock *b = &w->block[i];
        int number = write_block(w, b);
        if (number) refuse(w, b, number);
        atomic_fetch_add(&w->sum[b->tensor], checkpoint_sum(b->parameter, &b->slab, b->values));
        if (progress && progress_due(progress, (double)i + 1))
            progress_show(progress, "checkpoint: %zu of %zu pieces written", i + 1, w->blocks);
    }
}

static void sync_file(CheckpointWriter *w)
{
    if (!atomic_load(&w->failed) && fsync(w->file)) refuse(w, NULL, errno);
}

static void perform(void *writer)
{
    write_blocks(writer, NULL);
    sync_file(writer);
}

void checkpoint_writer_begin(CheckpointWriter *w)
{
    beside_begin(&w->beside, perform, w);
}

bool checkpoint_writer_is_done(CheckpointWriter *w)
{
    return beside_is_done(&w->beside);
}

bool checkpoint_writer_end(CheckpointWriter *w, bool shows, Error *error)
{
    bool helps = !beside_is_done(&w->beside) || !w->beside.perform;
    Progress progress;
    if (shows) progress_begin(&progress, (double)w->blocks, PROGRESS_QUIET);
    if (helps) write_blocks(w, shows ? &progress : NULL);
    if (shows) progress_end(&progress);
    beside_end(&w->beside);
    if (helps) sync_file(w);
    for (size_t i = 0; i < w->tensors; i++) w->sums[i] = atomic_load(&w->sum[i]);
    if (atomic_load(&w->failed)) *error = w->error;
    return !atomic_load(&w->failed);
}

const uint64_t *checkpoint_writer_sums(const CheckpointWriter *w)
{
    return w->sums;
}

void checkpoint_writer_free(CheckpointWriter *w)
{
    if (!w) return;
    if (w->file >= 0) close(w->file);
    free(w->path);
    free(w->place);
    free(w->block);
    free(w->sum);
    free(w->sums);
    free(w);
}
