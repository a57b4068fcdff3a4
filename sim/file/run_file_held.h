/* run_file_held.h - what an open run file holds, as its reader has checked it. */
#ifndef SIM_FILE_RUN_FILE_HELD_H
#define SIM_FILE_RUN_FILE_HELD_H
#include <stdbool.h>
#include <stddef.h>
#include "sim/file/layout.h"
#include "sim/file/run_info.h"
#include "sim/file/run_shape.h"

typedef struct RunFile {
    struct H5 *file;
    char *path;
    bool complete, dry;
    bool given_rows; /* dry: rows of experts are those of moe.load, of each replica and microbatch its own */
    int ranks;
    int recorded; /* of the ranks, those that have rows: each stands for those after it, up to the next */
    int *rank;    /* (recorded), ascending from 0 */
    double parameters, entropy;  /* NaN: unknown */
    char precision[16];          /* "fp32", "fp64", ...; "" */
    char host[192];              /* the machine it trained on: its name, and its processor; "" */
    char hosts[RUN_HOSTS];       /* where they were several: "host0: 0-1; host1: 2-3", each one's ranks; "" */
    char hosts_later[RUN_HOSTS]; /* "from step 7 on host2": where it went on on others; "" */
    int across;                  /* tensor groups that were on more than one */
    RunShape shape;
    double late_link_messages, late_messages; /* of faults.late; NaN: unknown, as of a run that is not over */
    double timed_step;                        /* whose actions are recorded; NaN: none's */
    int64_t first;  /* step of the first row: above 0 where a run goes on that is recorded elsewhere */
    size_t steps;   /* finished ones */
    size_t rows;    /* there is room for */
    size_t actions; /* rows of the timeline, used or not */
    size_t held;    /* of what its actions held */
    size_t purposes, categories, parts, kinds, routes;
    size_t layers, experts;        /* with experts, and of each; 0: there are none */
    size_t replicas, microbatches; /* whose rows of experts are told apart; 0: they are not */
    char **purpose, **category, **part, **kind, **route; /* their names: short, of plain letters */
} RunFile;

/* How long its axes are (layout.h). */
static inline LayoutSizes run_file_sizes(const RunFile *run)
{
    return (LayoutSizes){run->rows,        (size_t)run->recorded, run->actions, run->held,
                         run->purposes,    run->categories,       run->parts,   run->kinds,
                         run->routes,      run->layers,           run->experts, run->replicas,
                         run->microbatches};
}
#endif
