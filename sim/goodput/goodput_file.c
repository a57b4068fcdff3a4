/* goodput_file.c - attributes, and columns by one table. */
#include "sim/goodput/goodput_file.h"
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct Column {
    const char *path, *units, *long_name;
    size_t offset; /* in a Point */
} Column;

static const Column columns[] = {
    {"/goodput", "1", "share of all jobs' time on steps that count", offsetof(Point, goodput)},
    {"/goodput_error", "1", "standard error of goodput", offsetof(Point, error)},
    {"/goodput_deviation", "1", "standard deviation of one job's goodput", offsetof(Point, deviation)},
    {"/goodput_expected", "1", "goodput by Daly's model", offsetof(Point, expected)},
    {"/checkpoints", "1", "share of time stalled by checkpoints", offsetof(Point, stalled)},
    {"/lost", "1", "share of time on what a failure lost", offsetof(Point, lost)},
    {"/restarts", "1", "share of time from failures until training goes on", offsetof(Point, restarting)},
    {"/failures", "1", "failures of a job, mean", offsetof(Point, failures)},
    {"/wall_time", "s", "simulated seconds of a job, mean", offsetof(Point, seconds)},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool write_numbers(H5 *file, const Column *c, const double *values, size_t count, Error *error)
{
    const H5Array array = {.path = c->path,
                           .units = c->units,
                           .long_name = c->long_name,
                           .kind = H5_F64,
                           .rank = 1,
                           .dims = {count},
                           .scales = {"/interval"}};
    return h5_array(file, &array, error) && h5_write(file, c->path, 0, count, H5_F64, values, error);
}

static bool write_scale(H5 *file, const Points *p, Error *error)
{
    int64_t steps[GOODPUT_INTERVALS];
    size_t count = (size_t)p->count;
    const H5Array array = {.path = "/interval",
                           .units = "1",
                           .long_name = "steps between checkpoints",
                           .kind = H5_I64,
                           .rank = 1,
                           .dims = {count}};
    for (int i = 0; i < p->count; i++) steps[i] = p->point[i].interval;
    return h5_array(file, &array, error) && h5_write(file, array.path, 0, count, H5_I64, steps, error) &&
           h5_make_scale(file, array.path, error);
}

static bool write_columns(H5 *file, const Points *p, Error *error)
{
    static const Column time = {"/interval_time", "s", "seconds of steps between checkpoints", 0};
    double values[GOODPUT_INTERVALS];
    size_t count = (size_t)p->count;
    for (int i = 0; i < p->count; i++) values[i] = (double)p->point[i].interval * p->costs.job.step;
    bool good = write_numbers(file, &time, values, count, error);
    for (int c = 0; c < COLUMNS && good; c++) {
        for (int i = 0; i < p->count; i++)
            memcpy(&values[i], (const char *)&p->point[i] + columns[c].offset, sizeof values[i]);
        good = write_numbers(file, &columns[c], values, count, error);
    }
    return good;
}

static bool write_job(H5 *file, const Points *p, Error *error)
{
    const Costs *c = &p->costs;
    const struct {
        const char *name;
        int64_t value;
    } whole[] = {{"ranks", c->ranks}, {"nodes", c->nodes}, {"steps", c->job.steps},
                 {"runs", p->runs},   {"seed", c->seed},   {"asynchronous", c->async}};
    const struct {
        const char *name;
        double value;
    } number[] = {{"step_time", c->job.step},
                  {"mtbf", c->job.mtbf},
                  {"stall_time", c->job.stall},
                  {"write_time", c->write_seconds},
                  {"restart_time", c->job.restart},
                  {"read_time", c->read_seconds},
                  {"young", p->young},
                  {"daly", p->daly},
                  {"checkpoint_bytes", c->checkpoint}};
    bool good = true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole && good; i++)
        good = h5_set_integer(file, "/", whole[i].name, whole[i].value, error);
    for (size_t i = 0; i < sizeof number / sizeof *number && good; i++)
        good = h5_set_number(file, "/", number[i].name, number[i].value, error);
    return good;
}

bool goodput_file_write(const Points *p, const GoodputOrigin *o, TablePlace *place, Error *error)
{
    const TableOrigin origin = {SCHEMA_GOODPUT, "sim goodput of", o->config, o->ini, o->command_line};
    H5 *file = h5_create(place->asked, error);
    return table_end(file,
                     file && table_begin(file, &origin, error) && write_job(file, p, error) &&
                         write_scale(file, p, error) && write_columns(file, p, error),
                     place, error);
}
