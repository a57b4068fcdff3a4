/* suggest.c - what to try instead: values with which a config is taken, found by taking it. */
#include "sim/config/suggest.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "sim/base/words.h"
#include "sim/config/ranks.h"

typedef struct Trial {
    Config *config;
    size_t offset;
    ConfigTaken *taken;
    int ranks;
} Trial;

static bool taken_with(int64_t value, void *context)
{
    const Trial *trial = context;
    *(int64_t *)((char *)trial->config + trial->offset) = value;
    return trial->taken(trial->config, trial->ranks);
}

/* A copy to change; it shares the text, which is not read. */
static Config *copy_of(const Config *config)
{
    Config *copy = allocate(sizeof *copy);
    *copy = *config;
    return copy;
}

bool config_suggest_divisors(const Config *config, size_t offset, int64_t n, ConfigTaken *taken, int ranks,
                             char *text, size_t size)
{
    Trial trial = {.config = copy_of(config), .offset = offset, .taken = taken, .ranks = ranks};
    int64_t is = *(const int64_t *)((const char *)config + offset);
    words_divisors_with(n, is, taken_with, &trial, text, size);
    free(trial.config);
    return text[0] != '\0';
}

void config_suggest_ranks(const Config *config, int64_t group, int ranks, ConfigTaken *taken, char *text,
                          size_t size)
{
    enum { TRIED = 64 };
    int64_t below = ranks / group, found[2] = {0, 0};
    Config *copy = copy_of(config);
    for (int i = 0; i < TRIED && !found[0] && below - i > 0; i++)
        if (taken(copy, (int)((below - i) * group))) found[0] = (below - i) * group;
    for (int i = 1; i <= TRIED && !found[1] && (below + i) * group <= CONFIG_RANKS_MOST; i++)
        if (taken(copy, (int)((below + i) * group))) found[1] = (below + i) * group;
    free(copy);
    if (!found[0] && !found[1]) found[0] = below * group, found[1] = (below + 1) * group;
    text[0] = '\0';
    for (int i = 0; i < 2; i++)
        if (found[i]) words_append(text, size, "%s%lld", text[0] ? " or " : "", (long long)found[i]);
}
