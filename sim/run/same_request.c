/* same_request.c - each rank sends a mark of its request; where they differ, rank 0's goes to all, who send back the
 * first line in which theirs does. */
#include "sim/run/same_request.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/hash.h"
#include "models/machine/real.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/version.h"
#include "sim/run/agree.h"

typedef struct Difference {
    char mine[96], first[96]; /* both empty: there is none */
} Difference;

/* The program, and a line an option. */
static char *write_request(const RunOptions *o, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    if (!out) fail("out of memory: the request");
    fprintf(out, "sim " SIM_VERSION " in " REAL_NAME "\n--config %s\n", o->config);
    if (o->force) fputs("--force\n", out);
    if (o->output) fprintf(out, "--output %s\n", o->output);
    if (o->resume) fprintf(out, "--resume %s\n", o->resume);
    for (int i = 0; i < o->set_count; i++) fprintf(out, "--set %s\n", o->sets[i]);
    if (fclose(out)) fail("out of memory: the request");
    return text;
}

/* Cuts a line off; "nothing" at the end. */
static void take_line(const char **text, char *line, size_t size)
{
    const char *end = strchrnul(*text, '\n');
    if (**text)
        error_show(line, size, *text, (unsigned long)(end - *text));
    else
        snprintf(line, size, "nothing");
    *text = *end ? end + 1 : end;
}

static Difference compare(const char *mine, const char *first)
{
    Difference d = {"", ""};
    if (strcmp(mine, first) == 0) return d;
    size_t same = 0; /* up to the line that differs */
    for (size_t i = 0; mine[i] == first[i]; i++)
        if (mine[i] == '\n') same = i + 1;
    mine += same;
    first += same;
    take_line(&mine, d.mine, sizeof d.mine);
    take_line(&first, d.first, sizeof d.first);
    return d;
}

/* Names the first that differs; one does. */
static void refuse(const Difference *all, int ranks, Error *error)
{
    int k = 1;
    while (k < ranks - 1 && !all[k].mine[0]) k++;
    error_set(
        error,
        "rank %d was given %s where rank 0 was given %s, and ranks train together; try one command for all: "
        "mpirun -n %d sim --config ...",
        k, all[k].mine, all[k].first, ranks);
}

/* Whether rank 0 finds every rank's mark to be its own: a few bytes, the same in every run. */
static bool marks_are_one(Group *world, const char *mine)
{
    uint64_t mark = hash_add(HASH_BEGIN, mine, strlen(mine)),
             *all = world->rank == 0 ? allocate((size_t)world->size * sizeof *all) : NULL;
    gather(world, CONTROL, &mark, sizeof mark, all, 0);
    bool one = true;
    for (int k = 1; all && k < group_walks(world); k++) one = one && all[k] == mark;
    free(all);
    return agree(world, one);
}

/* Rank 0 says what differs. */
static void name_difference(Group *world, char *mine, size_t length, Error *error)
{
    bool main = world->rank == 0;
    int64_t bytes = (int64_t)length;
    tree_broadcast(world, INIT_BROADCAST, &bytes, sizeof bytes, 0);
    char *first = main ? mine : allocate_zeroed((size_t)bytes + 1, 1);
    tree_broadcast(world, INIT_BROADCAST, first, (size_t)bytes, 0);
    Difference own = compare(mine, first), *all = main ? allocate((size_t)world->size * sizeof *all) : NULL;
    gather(world, CONTROL, &own, sizeof own, all, 0);
    if (main) refuse(all, world->size, error);
    if (!main) free(first);
    free(all);
}

bool same_request(Group *world, const RunOptions *options, Error *error)
{
    size_t length;
    char *mine = write_request(options, &length);
    bool same = marks_are_one(world, mine);
    if (!same) name_difference(world, mine, length, error);
    free(mine);
    return same;
}
