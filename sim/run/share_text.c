/* share_text.c - rank 0's file, and whether the others see the same. */
#include "sim/run/share_text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/collectives/collectives.h"
#include "sim/base/node.h"
#include "sim/base/posix.h"
#include "sim/config/file.h"
#include "sim/config/refuse.h"
#include "sim/run/agree.h"

/* What tells one text from another. */
typedef struct Facts {
    int64_t bytes; /* -1: rank 0 has none */
    uint64_t mark;
} Facts;

/* A rank's view: empty where it sees the same. */
typedef struct View {
    char node[NODE_NAME], why[192];
} View;

static Facts facts_of(const Text *text)
{
    return (Facts){.bytes = text->bytes, .mark = text_mark(text)};
}

static bool open_first(SharedText *shared, const Config *config, Error *error)
{
    shared->file =
        config_open_path(config, "data.source", config->data.source, "a text file, or markov", error);
    return shared->file && text_from(&shared->text, fileno(shared->file), config->data.source, error);
}

/* What another process than rank 0's finds. */
static void look(SharedText *shared, const Config *config, Facts expected, View *view)
{
    Error error;
    node_name(view->node);
    shared->file = files_open(config->data.source);
    if (!shared->file) {
        snprintf(view->why, sizeof view->why, "cannot read it: %s", files_reason(errno));
    } else if (!text_from(&shared->text, fileno(shared->file), config->data.source, &error)) {
        snprintf(view->why, sizeof view->why, "cannot read it: %.160s", error.text);
    } else if (shared->text.bytes != expected.bytes) {
        snprintf(view->why, sizeof view->why, "sees another file there, of %lld bytes and not %lld",
                 (long long)shared->text.bytes, (long long)expected.bytes);
    } else if (facts_of(&shared->text).mark != expected.mark) {
        snprintf(view->why, sizeof view->why, "sees another file there, as long and with other bytes");
    }
}

/* Rank 0: whether all see what it does. */
static bool all_agree(const View *views, const Group *world, const Config *config, Error *error)
{
    for (int i = 0; i < group_walks(world); i++)
        if (views[i].why[0])
            return config_refuse(
                config, "data.source", error,
                "rank %d, on %s, %s; every node reads the text itself, so try a path under which "
                "all of them have it",
                group_walked(world, i), views[i].node, views[i].why);
    return true;
}

bool share_text(Group *world, const Config *config, SharedText *shared, Error *error)
{
    Facts facts = {.bytes = -1};
    if (world->rank == 0 && open_first(shared, config, error)) facts = facts_of(&shared->text);
    tree_broadcast(world, INIT_BROADCAST, &facts, sizeof facts, 0);
    if (facts.bytes < 0) return false;
    View mine = {{0}, {0}},
         *views = world->rank == 0 ? allocate((size_t)group_walks(world) * sizeof *views) : NULL;
    if (!shared->file) look(shared, config, facts, &mine);
    gather(world, CONTROL, &mine, sizeof mine, views, 0);
    bool same = world->rank > 0 || all_agree(views, world, config, error);
    free(views);
    return agree(world, same);
}

void share_text_end(SharedText *shared)
{
    if (shared->file) fclose(shared->file);
    *shared = (SharedText){0};
}
