/* goodput_file.c - attributes, and columns by one table. */
#include "sim/goodput/goodput_file.h"
#include <stddef.h>

/* Of a Point. */
static const TableColumn columns[] = {
    {"/goodput", "1", "share of all jobs' time on steps that count", H5_F64, offsetof(Point, goodput)},
    {"/goodput_error", "1", "standard error of goodput", H5_F64, offsetof(Point, error)},
    {"/goodput_deviation", "1", "standard deviation of one job's goodput", H5_F64,
     offsetof(Point, deviation)},
    {"/goodput_expected", "1", "goodput by Daly's model", H5_F64, offsetof(Point, expected)},
    {"/checkpoints", "1", "share of time stalled by checkpoints", H5_F64, offsetof(Point, stalled)},
    {"/lost", "1", "share of time on what a failure lost", H5_F64, offsetof(Point, lost)},
    {"/restarts", "1", "share of time from failures until training goes on", H5_F64,
     offsetof(Point, restarting)},
    {"/failures", "1", "failures of a job, mean", H5_F64, offsetof(Point, failures)},
    {"/wall_time", "s", "simulated seconds of a job, mean", H5_F64, offsetof(Point, seconds)},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char scale[] = "/interval";

static bool write_scale(H5 *file, const Points *p, Error *error)
{
    static const TableColumn column = {scale, "1", "steps between checkpoints", H5_I64,
                                       offsetof(Point, interval)};
    return table_columns(file, &column, 1, NULL, &(TableRows){p->point, sizeof *p->point, (size_t)p->count},
                         error);
}

static bool write_columns(H5 *file, const Points *p, Error *error)
{
    static const TableColumn time = {"/interval_time", "s", "seconds of steps between checkpoints", H5_F64,
                                     0};
    const TableRows rows = {p->point, sizeof *p->point, (size_t)p->count};
    double seconds[GOODPUT_INTERVALS];
    for (int i = 0; i < p->count; i++) seconds[i] = (double)p->point[i].interval * p->costs.job.step;
    return table_column(file, &time, scale, rows.count, seconds, error) &&
           table_columns(file, columns, COLUMNS, scale, &rows, error);
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
