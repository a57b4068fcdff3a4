/* checkpoint_sums.c - a row a tensor, by its path. */
#include "sim/file/checkpoint_sums.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/hash.h"
#include "models/machine/vector.h"
#include "sim/base/posix.h"

/* ---- adding up ---- */

VECTORISED static uint64_t sum_of_4(size_t first, const char *values, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, values + i * sizeof bits, sizeof bits);
        sum += hash_mix(bits ^ hash_mix(first + i + 1));
    }
    return sum;
}

VECTORISED static uint64_t sum_of_8(size_t first, const char *values, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, values + i * sizeof bits, sizeof bits);
        sum += hash_mix(bits ^ hash_mix(first + i + 1));
    }
    return sum;
}

uint64_t checkpoint_sum_values(size_t first, const void *values, size_t bytes, size_t count)
{
    return bytes == sizeof(uint32_t) ? sum_of_4(first, values, count) : sum_of_8(first, values, count);
}

uint64_t checkpoint_sum(const Parameter *p, const H5Slab *slab, const real *values)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < slab->rows; i++)
        sum += checkpoint_sum_values((slab->row + i) * (size_t)p->whole_columns + slab->column,
                                     values + slab->from + i * slab->stride, sizeof *values, slab->columns);
    return sum;
}

/* ---- the table ---- */

static const char table[] = "/checksums";

typedef struct CheckpointSum {
    char tensor[CHECKPOINT_PATH];
    uint64_t checksum;
} Row;
_Static_assert(sizeof(Row) == CHECKPOINT_PATH + sizeof(uint64_t), "a row lies in the file as in memory");

static const H5Field fields[] = {
    {.name = "tensor", .offset = offsetof(Row, tensor), .text = true, .size = CHECKPOINT_PATH},
    {.name = "checksum", .offset = offsetof(Row, checksum), .kind = H5_U64},
};
static const H5Row row = {fields, sizeof fields / sizeof *fields, sizeof(Row)};

static bool count_tensor(const Parameter *p, const char *path, int tensor, void *tensors)
{
    (void)p, (void)path, (void)tensor;
    ++*(size_t *)tensors;
    return true;
}

bool checkpoint_sums_make(H5 *file, const Gpt *gpt, const Config *config, uint64_t *place, Error *error)
{
    H5Table made = {.path = table, .units = "1", .long_name = "checksum of a tensor's values", .row = row};
    checkpoint_each(gpt, config, count_tensor, &made.rows);
    return h5_table(file, &made, error) && h5_place(file, table, place, error);
}

typedef struct Rows {
    Row *row;
    size_t count;
    const uint64_t *sum;
} Rows;

static bool add_row(const Parameter *p, const char *path, int tensor, void *context)
{
    (void)p;
    Rows *rows = context;
    Row *added = &rows->row[rows->count++];
    snprintf(added->tensor, sizeof added->tensor, "%s", path);
    added->checksum = rows->sum[tensor];
    return true;
}

bool checkpoint_sums_write(const Draft *draft, uint64_t place, const Gpt *gpt, const Config *config,
                           const uint64_t *sum, Error *error)
{
    Rows rows = {.row = allocate_zeroed(checkpoint_tensors(gpt, config), sizeof *rows.row), .sum = sum};
    checkpoint_each(gpt, config, add_row, &rows);
    int number = files_write_at(draft->file, rows.row, rows.count * sizeof *rows.row, place);
    free(rows.row);
    return !number || files_refuse(draft->path, "write its checksums", number, error);
}

/* ---- whether a file is whole ---- */

bool checkpoint_sums_read(CheckpointSums *sums, H5 *file, Error *error)
{
    int rank;
    size_t dims[H5_MAX_RANK];
    *sums = (CheckpointSums){.tensors = 0};
    if (!h5_shape(file, table, &rank, dims, error) ||
        !h5_check_table(file, table, row, rank ? dims[0] : 0, error))
        return false;
    sums->row = h5_table_read(file, table, row, &sums->tensors, error);
    for (size_t i = 0; sums->row && i < sums->tensors; i++) sums->row[i].tensor[CHECKPOINT_PATH - 1] = '\0';
    return sums->row != NULL;
}

void checkpoint_sums_free(CheckpointSums *sums)
{
    free(sums->row);
    *sums = (CheckpointSums){.tensors = 0};
}

bool checkpoint_sums_fit(const CheckpointSums *sums, const H5 *file, const char *tensor, uint64_t sum,
                         Error *error)
{
    char written[17] = "there"; /* 16 digits */
    for (size_t i = 0; i < sums->tensors; i++) {
        if (strcmp(sums->row[i].tensor, tensor) != 0) continue;
        if (sums->row[i].checksum == sum) return true;
        snprintf(written, sizeof written, "%016" PRIx64, sums->row[i].checksum);
        break;
    }
    return error_set(error,
                     "%s: tensor %s is not as it was written: its checksum is %016" PRIx64
                     ", not %s; try an earlier checkpoint",
                     h5_path(file), tensor, sum, written);
}

typedef struct Comparing {
    CheckpointSums written;
    H5 *file;
    const uint64_t *sum;
    Error *error;
} Comparing;

static bool is_tensor_whole(const Parameter *p, const char *path, int tensor, void *context)
{
    (void)p;
    const Comparing *c = context;
    return checkpoint_sums_fit(&c->written, c->file, path, c->sum[tensor], c->error);
}

bool checkpoint_is_whole(H5 *file, const Gpt *gpt, const Config *config, const uint64_t *sum, Error *error)
{
    Comparing c = {.file = file, .sum = sum, .error = error};
    bool whole =
        checkpoint_sums_read(&c.written, file, error) && checkpoint_each(gpt, config, is_tensor_whole, &c);
    checkpoint_sums_free(&c.written);
    return whole;
}
