/* hosts.c - names gathered, and ranks under them. */
#include "sim/run/hosts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "parallel/collectives/collectives.h"
#include "sim/base/words.h"

/* Writes "0-1, 4" of the ranks that are on the machine of rank `first`. */
static void say_ranks(const char (*name)[NODE_NAME], int ranks, int first, char *text, size_t size)
{
    const char *before = "";
    for (int from = first, end; from < ranks; from = end) {
        for (end = from; end < ranks && strcmp(name[end], name[first]) == 0;) end++;
        if (end == from) {
            end++;
            continue;
        }
        words_append(text, size, end - from > 1 ? "%s%d-%d" : "%s%d", before, from, end - 1);
        before = ", ";
    }
}

static bool is_first(const char (*name)[NODE_NAME], int rank)
{
    int earlier = 0;
    while (strcmp(name[earlier], name[rank]) != 0) earlier++;
    return earlier == rank;
}

static int count_across(const char (*name)[NODE_NAME], int ranks, int together)
{
    int across = 0;
    for (int first = 0; first + together <= ranks; first += together) {
        int next = first + 1;
        while (next < first + together && strcmp(name[next], name[first]) == 0) next++;
        across += next < first + together;
    }
    return across;
}

Hosts hosts_of(const char (*name)[NODE_NAME], int ranks, int together)
{
    enum { MORE = 32 };
    Hosts hosts = {.across = count_across(name, ranks, together)};
    char one[HOSTS_TEXT];
    int told = 0;
    for (int r = 0; r < ranks; r++) {
        if (!is_first(name, r)) continue;
        hosts.count++;
        snprintf(one, sizeof one, "%s%s: ", r ? "; " : "", name[r]);
        say_ranks(name, ranks, r, one, sizeof one);
        if (told + 1 < hosts.count || strlen(hosts.text) + strlen(one) + MORE >= sizeof hosts.text) continue;
        strcat(hosts.text, one);
        told++;
    }
    if (told < hosts.count)
        words_append(hosts.text, sizeof hosts.text, "%s%d %s", told ? "; and " : "", hosts.count - told,
                     told ? "more" : "hosts");
    return hosts;
}

Hosts hosts_look(Group *world, int together, bool dry)
{
    char mine[NODE_NAME] = "", (*all)[NODE_NAME] = NULL;
    Hosts hosts = {.count = 0};
    node_name(mine);
    if (world->rank == 0) all = allocate((size_t)group_walks(world) * sizeof *all);
    gather(world, CONTROL, mine, sizeof mine, all, 0);
    if (world->rank == 0 && !dry) hosts = hosts_of((const char(*)[NODE_NAME])all, world->size, together);
    free(all);
    return hosts;
}
