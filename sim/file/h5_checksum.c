/* h5_checksum.c - a number that tells whether an object of a file is still what it was. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"

enum { BLOCK_BYTES = 1 << 20 }; /* read at a time */

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

/* Each step is a bijection of `sum` for a given word, and of the word for a given `sum`: a change within one word,
 * as one damaged byte is, cannot go unseen. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * MULTIPLIER;
    return sum ^ sum >> 32;
}

/* Each of them. Of millions of words nothing takes longer than that each waits for the one before it, so the sum is in two
 * whose exclusive or it is, and the next word is in one of them before the other is there. */
static uint64_t add_words(uint64_t sum, const unsigned char *at, size_t words)
{
    uint64_t one = sum, other = 0, word;
    if (words == 0) return sum;
    memcpy(&word, at, sizeof word);
    one ^= word;
    for (size_t i = 1; i < words; i++) {
        const uint64_t product = (one ^ other) * MULTIPLIER;
        memcpy(&word, at + i * sizeof word, sizeof word);
        one = product ^ word;
        other = product >> 32;
    }
    return add_word(one ^ other, 0);
}

static uint64_t add(uint64_t sum, const void *bytes, size_t count)
{
    uint64_t word = 0;
    const size_t words = count / sizeof word, rest = count % sizeof word;
    sum = add_words(sum, bytes, words);
    memcpy(&word, (const unsigned char *)bytes + words * sizeof word, rest);
    return add_word(add_word(sum, word), rest);
}

/* What values are, so that the same bytes under another type or shape differ. */
static uint64_t add_shape(uint64_t sum, hid_t type, hid_t space)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    const uint64_t words[] = {(uint64_t)H5Tget_class(type), H5Tget_size(type), (uint64_t)rank};
    return add(add(sum, words, sizeof words), dims, rank > 0 ? (size_t)rank * sizeof *dims : 0);
}

typedef struct Sum {
    uint64_t sum;
    const char *but; /* the attribute left out */
    bool ok;
} Sum;

/* References to scales, and sequences of them, are addresses in the file: a copy of it may have others. */
static bool is_plain(hid_t type)
{
    return H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT || h5_fixed_text(type);
}

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    (void)info;
    Sum *s = context;
    if (s->but && !strcmp(name, s->but)) return 0;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : -1;
    s->ok = type >= 0 && space >= 0;
    if (s->ok && is_plain(type)) {
        const hssize_t count = H5Sget_simple_extent_npoints(space);
        const size_t bytes = count > 0 ? H5Aget_storage_size(attribute) : 0;
        void *value = allocate_zeroed(1, bytes + 1);
        s->ok = bytes == (size_t)count * H5Tget_size(type) && H5Aread(attribute, type, value) >= 0;
        s->sum = add(add_shape(add(s->sum, name, strlen(name)), type, space), value, bytes);
        free(value);
    }
    h5_release(space);
    h5_release(type);
    h5_release(attribute);
    return s->ok ? 0 : -1;
}

/* Of a dataset's values, in bytes. */
typedef struct Extent {
    size_t row, rows, step; /* bytes of a row, how many there are, and how many are summed as one */
} Extent;

static Extent extent_of(hid_t type, hid_t space)
{
    hsize_t dims[H5S_MAX_RANK] = {1};
    const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    size_t row = H5Tget_size(type);
    for (int i = 1; i < rank; i++) row *= dims[i];
    return (Extent){row, rank > 0 ? dims[0] : 1, row < BLOCK_BYTES ? BLOCK_BYTES / (row ? row : 1) : 1};
}

static void show(const H5 *file, Progress *progress)
{
    char done[32], total[32];
    words_bytes_about(progress->done, done, sizeof done);
    words_bytes_about(progress->total, total, sizeof total);
    progress_show(progress, "%s: %s of %s checked", file->path, done, total);
}

/* A dataset's bytes as they lie in the file, some rows at a time. */
static bool add_rows(H5 *file, const char *path, hid_t type, const Extent *extent, uint64_t *sum,
                     Progress *progress, Error *error)
{
    const size_t row = extent->row, rows = extent->rows, step = extent->step;
    void *block = allocate((step < rows ? step : rows) * row);
    bool ok = true;
    for (size_t first = 0; ok && row && first < rows; first += step) {
        const size_t count = rows - first < step ? rows - first : step;
        ok = h5_read_typed(file, path, first, count, type, block, error);
        if (ok) *sum = add(*sum, block, count * row);
        if (progress_due(progress, progress->done + (double)(count * row))) show(file, progress);
    }
    free(block);
    return ok;
}

/* What stands before the values of an object. */
static bool add_head(hid_t object, const char *path, const char *but, uint64_t *sum)
{
    Sum s = {.but = but, .ok = true};
    bool ok = H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_attribute, &s) >= 0 && s.ok;
    *sum = add(s.sum, path, strlen(path));
    if (ok && H5Iget_type(object) == H5I_DATASET) {
        hid_t type = H5Dget_type(object), space = H5Dget_space(object);
        *sum = add_shape(*sum, type, space);
        h5_release(space);
        h5_release(type);
    }
    return ok;
}

/* ---- as rows are written ---- */

/* Whole words at once; what is left of the last waits for the rest of it. */
static void run_within_block(H5Running *r, const unsigned char *at, size_t count)
{
    const size_t held = r->within % sizeof r->word;
    r->within += count;
    if (held) {
        const size_t rest = sizeof r->word - held < count ? sizeof r->word - held : count;
        memcpy((unsigned char *)&r->word + held, at, rest);
        at += rest, count -= rest;
        if (held + rest < sizeof r->word) return;
        r->sum = add_word(r->sum, r->word);
        r->word = 0;
    }
    const size_t words = count / sizeof r->word;
    r->sum = add_words(r->sum, at, words);
    memcpy(&r->word, at + words * sizeof r->word, count % sizeof r->word);
}

static void end_block(H5Running *r)
{
    r->sum = add_word(add_word(r->sum, r->word), r->within % sizeof r->word);
    r->word = r->within = 0;
}

/* What does not follow on what was written before leaves nothing, until it begins anew. */
void h5_run_on(const H5Open *open, size_t first, size_t rows, hid_t type, const void *values)
{
    H5Running *r = open->running;
    hid_t own = H5Dget_type(open->id), space = H5Dget_space(open->id);
    const Extent extent = extent_of(own, space);
    bool follows = H5Tequal(own, type) > 0 && (first == 0 || first == r->rows);
    h5_release(space);
    h5_release(own);
    if (!follows || first == 0) *r = (H5Running){.block = extent.row * extent.step};
    follows = follows && (first > 0 || add_head(open->id, open->path, NULL, &r->before));
    if (!follows) return;
    if (first == 0) r->sum = r->before;
    r->rows += rows;
    const unsigned char *at = values;
    for (size_t left = rows * extent.row, part; left > 0; at += part, left -= part) {
        part = r->block - r->within < left ? r->block - r->within : left;
        run_within_block(r, at, part);
        if (r->within == r->block) end_block(r);
    }
}

/* Of all its rows, and if nothing has changed that stands before them. Ends it: once is what it is asked for, and what is
 * written later begins anew. */
static bool has_run(H5 *file, const char *path, const Extent *extent, uint64_t *sum, Progress *progress)
{
    const H5Open *open = h5_find_open(file, path);
    if (!open || !open->running) return false;
    H5Running *r = open->running;
    if (r->rows == 0 || r->rows != extent->rows || r->before != *sum) return false;
    if (r->within > 0) end_block(r);
    *sum = r->sum;
    r->rows = 0;
    progress->done += (double)(extent->rows * extent->row);
    return true;
}

bool h5_checksum(H5 *file, const char *path, const char *but, uint64_t *sum, Progress *progress, Error *error)
{
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
    if (object < 0) return h5_fail(file->path, "read", path, error);
    bool ok = add_head(object, path, but, sum) || h5_fail(file->path, "read the attributes of", path, error);
    if (ok && H5Iget_type(object) == H5I_DATASET) {
        hid_t type = H5Dget_type(object), space = H5Dget_space(object);
        const Extent extent = extent_of(type, space);
        ok = has_run(file, path, &extent, sum, progress) ||
             add_rows(file, path, type, &extent, sum, progress, error);
        h5_release(space);
        h5_release(type);
    }
    h5_release(object);
    return ok;
}

double h5_bytes(H5 *file, const char *path)
{
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
    double bytes = 0;
    if (object >= 0 && H5Iget_type(object) == H5I_DATASET) {
        hid_t type = H5Dget_type(object), space = H5Dget_space(object);
        bytes = (double)H5Tget_size(type) * (double)H5Sget_simple_extent_npoints(space);
        h5_release(space);
        h5_release(type);
    }
    h5_release(object);
    return bytes;
}
