/* sweep_file.c - columns, written and read by one table. */
#include "sim/sweep/sweep_file.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/rows.h"
#include "sim/file/h5.h"
#include "sim/sweep/sweep_sum.h"

enum { PATH = SPACE_NAME + 16, TEXT_MOST = 1 << 24 };

#define NUMBER(path, field, units, words)                     \
    {                                                         \
        path, units, words, H5_F64, offsetof(SweepRow, field) \
    }
#define WHOLE(path, field, words)                           \
    {                                                       \
        path, "1", words, H5_I32, offsetof(SweepRow, field) \
    }
/* Of a SweepRow. */
static const TableColumn columns[] = {
    NUMBER("/step_time", step_time, "s", "simulated time of a step"),
    NUMBER("/tokens_per_second", tokens_per_second, "s-1",
           "tokens a second of simulated time, all ranks together"),
    NUMBER("/tokens_per_second_device", a_device, "s-1", "tokens a second of simulated time and device"),
    NUMBER("/mfu", mfu, "1", "operations the model needs, of the device's peak"),
    NUMBER("/hfu", hfu, "1", "operations done, of the device's peak"),
    NUMBER("/bubble_ratio", bubble, "1", "idle share of a pipeline's ranks, their mean"),
    NUMBER("/memory_peak", memory, "bytes", "held at once by the rank that holds the most"),
    NUMBER("/memory_capacity", capacity, "bytes", "memory of a device"),
    WHOLE("/ranks", ranks, "ranks"),
    WHOLE("/replicas", replicas, "replicas of the model; 0: refused"),
    WHOLE("/microbatches", microbatches, "microbatches of a replica in a step; 0: refused"),
    WHOLE("/place", place, "place in the order by tokens a second and device, of those that fit; 0: none"),
    WHOLE("/reason", reason, "why it is refused: place in /reasons; -1: it is not"),
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* ---- writing ---- */

static const char scale[] = "/combination";

static bool write_columns(H5 *file, const Sweep *s, Error *error)
{
    size_t count = (size_t)s->space.count;
    bool good =
        table_columns(file, columns, COLUMNS, scale, &(TableRows){s->row, sizeof *s->row, count}, error);
    const char **state = allocate(count * sizeof *state);
    for (size_t i = 0; i < count; i++) state[i] = sweep_state_names[s->row[i].state];
    good = good &&
           h5_texts(file, "/state", "fits the memory, is too large for it, or refused", state, count, error);
    free((void *)state);
    return good && (s->reasons == 0 || h5_texts(file, "/reasons", "why combinations are refused",
                                                (const char *const *)s->reason, (size_t)s->reasons, error));
}

/* Numbers are numbers: values of other keys texts. */
static bool write_key(H5 *file, const Space *space, int k, Error *error)
{
    const SpaceKey *key = &space->key[k];
    RowType type = key->row < 0 ? ROW_INTEGER : config_row_at(key->row)->type;
    size_t count = (size_t)space->count;
    char path[PATH], values[PATH];
    const char *help = key->row < 0 ? "ranks" : config_row_at(key->row)->help;
    snprintf(path, sizeof path, "/keys/%s", key->name);
    snprintf(values, sizeof values, "/values/%s", key->name);
    if (!h5_texts(file, values, "the values that were tried", (const char *const *)key->value,
                  (size_t)key->count, error))
        return false;
    const char **text = allocate(count * sizeof *text);
    double *number = allocate(count * sizeof *number);
    int64_t *whole = allocate(count * sizeof *whole);
    for (size_t i = 0; i < count; i++) {
        text[i] = space_value(space, (int64_t)i, k);
        if (type == ROW_NUMBER) number[i] = strtod(text[i], NULL);
        if (type == ROW_INTEGER) whole[i] = strtoll(text[i], NULL, 10);
    }
    const TableColumn column = {path, "1", help, type == ROW_NUMBER ? H5_F64 : H5_I64, 0};
    bool good = type == ROW_INTEGER  ? table_column(file, &column, scale, count, whole, error)
                : type == ROW_NUMBER ? table_column(file, &column, scale, count, number, error)
                                     : h5_texts(file, path, help, text, count, error);
    free((void *)text);
    free(number);
    free(whole);
    return good;
}

static bool write_keys(H5 *file, const Space *space, Error *error)
{
    const char *name[SPACE_KEYS];
    for (int k = 0; k < space->keys; k++) name[k] = space->key[k].name;
    bool good = h5_texts(file, "/key", "keys that are swept", name, (size_t)space->keys, error) &&
                h5_group(file, "/keys", error) && h5_group(file, "/values", error);
    for (int k = 0; k < space->keys && good; k++) good = write_key(file, space, k, error);
    return good;
}

static bool write_scale(H5 *file, const Space *space, Error *error)
{
    int64_t *index = allocate((size_t)space->count * sizeof *index);
    for (int64_t i = 0; i < space->count; i++) index[i] = i;
    const TableColumn column = {scale, "1", "combination", H5_I64, 0};
    bool good = table_column(file, &column, NULL, (size_t)space->count, index, error);
    free(index);
    return good;
}

bool sweep_file_write(const Sweep *s, TablePlace *place, Error *error)
{
    const TableOrigin origin = {SCHEMA_SWEEP, "sim sweep of", s->config, s->ini, s->command_line};
    H5 *file = h5_create(place->asked, error);
    return table_end(file,
                     file && table_begin(file, &origin, error) && write_scale(file, &s->space, error) &&
                         write_keys(file, &s->space, error) && write_columns(file, s, error) &&
                         sweep_sum_write(file, &s->space, error),
                     place, error);
}

/* ---- reading ---- */

bool sweep_file_is(const char *path)
{
    Error ignored;
    char said[SCHEMA_TEXT];
    H5 *file = h5_open(path, &ignored);
    if (!file) return false;
    bool is = schema_of(file, said) == SCHEMA_SWEEP;
    h5_close(file, &ignored);
    return is;
}

static char *read_text(H5 *file, const char *path, Error *error)
{
    size_t count;
    if (!h5_check_texts(file, path, 0, 1, TEXT_MOST, &count, error)) return NULL;
    char **text = h5_read_names(file, path, &count, error), *copy = text ? words_copy(text[0]) : NULL;
    h5_free_names(text, text ? count : 0);
    return copy;
}

static char **read_texts(H5 *file, const char *path, size_t most, size_t *count, Error *error)
{
    if (!h5_check_texts(file, path, 1, most, TEXT_MOST, count, error)) return NULL;
    return h5_read_names(file, path, count, error);
}

static bool read_header(H5 *file, Sweep *s, const char *path, Error *error)
{
    char said[SCHEMA_TEXT], config[CONFIG_PATH] = "";
    if (!schema_is(file, SCHEMA_SWEEP, said))
        return error_set(
            error,
            "%s: not a sweep of this sim: its attribute schema is \"%s\", not \"%s\"; give a file "
            "that sim sweep wrote",
            path, said, schema_name[SCHEMA_SWEEP]);
    if (!h5_get_text(file, "/", "config", config, sizeof config))
        return error_set(error, "%s: its attribute config is missing; is it damaged?", path);
    s->config = words_copy(config);
    s->command_line = words_copy("");
    return (s->ini = read_text(file, "/ini", error)) != NULL;
}

static bool read_keys(H5 *file, Space *space, const char *path, Error *error)
{
    size_t keys = 0, values = 0;
    double all = 1;
    char **name = read_texts(file, "/key", SPACE_KEYS, &keys, error);
    bool good = name != NULL;
    for (size_t k = 0; k < keys && good; k++) {
        SpaceKey *key = &space->key[space->keys];
        char of[PATH];
        snprintf(key->name, sizeof key->name, "%s", name[k]);
        snprintf(of, sizeof of, "/values/%s", key->name);
        key->row = config_row_named(key->name);
        if (!(key->value = read_texts(file, of, SPACE_MOST, &values, error))) {
            good = false;
            break;
        }
        key->count = (int)values;
        space->keys++;
        all *= key->count;
    }
    h5_free_names(name, name ? keys : 0);
    if (!good) return false;
    if (space->keys == 0 || all > SPACE_MOST)
        return error_set(error, "%s: its keys have %.0f combinations; is it damaged?", path, all);
    space->count = (int64_t)all;
    return true;
}

static bool read_columns(H5 *file, Sweep *s, Error *error)
{
    size_t count = (size_t)s->space.count;
    bool good = true;
    for (int c = 0; c < COLUMNS && good; c++) {
        const TableColumn *column = &columns[c];
        size_t width = h5_width(column->kind);
        char *values = allocate(count * width);
        good = h5_check_array(file, column->path, column->kind, 1, &count, error) &&
               h5_read(file, column->path, column->kind, values, error);
        for (size_t i = 0; i < count && good; i++)
            memcpy((char *)&s->row[i] + column->offset, values + i * width, width);
        free(values);
    }
    return good;
}

static bool read_states(H5 *file, Sweep *s, const char *path, Error *error)
{
    size_t count = 0, reasons = 0;
    char **state = read_texts(file, "/state", (size_t)s->space.count, &count, error);
    bool good = state != NULL;
    if (good && count != (size_t)s->space.count)
        good = error_set(error, "%s: /state has %zu rows, not %lld; is it damaged?", path, count,
                         (long long)s->space.count);
    if (good && h5_exists(file, "/reasons"))
        good = (s->reason = read_texts(file, "/reasons", (size_t)s->space.count, &reasons, error)) != NULL;
    s->reasons = (int)reasons;
    s->best = -1;
    for (int64_t i = 0; i < s->space.count && good; i++) {
        SweepRow *row = &s->row[i];
        for (int k = 0; k < SWEEP_STATES; k++)
            if (!strcmp(state[i], sweep_state_names[k])) row->state = k;
        bool refused = row->state == SWEEP_REFUSED;
        if (refused != (row->reason >= 0) || row->reason >= s->reasons || (!refused && isnan(row->a_device)))
            good =
                error_set(error, "%s: its row %lld fits no combination; is it damaged?", path, (long long)i);
        s->states[row->state]++;
        if (row->place == 1) s->best = i;
    }
    if (space_find(&s->space, "ranks") < 0) s->space.ranks = s->row[0].ranks;
    h5_free_names(state, state ? count : 0);
    return good;
}

bool sweep_file_read(Sweep *s, const char *path, Error *error)
{
    Error ignored;
    *s = (Sweep){.best = -1};
    H5 *file = h5_open(path, error);
    bool good = file && read_header(file, s, path, error) && read_keys(file, &s->space, path, error);
    if (good) s->row = allocate_zeroed((size_t)s->space.count, sizeof *s->row);
    good = good && read_columns(file, s, error) && read_states(file, s, path, error) &&
           sweep_sum_check(file, &s->space, path, error);
    if (file) h5_close(file, &ignored);
    if (!good) sweep_free(s);
    return good;
}
