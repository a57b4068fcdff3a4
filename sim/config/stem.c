/* stem.c - a file's name, without its folder and its ending. */
#include "sim/config/stem.h"
#include <stdio.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"

void config_stem_of(const char *path, const char *ending, char *stem, size_t size)
{
    const char *base = files_name(path);
    size_t length = strlen(base) - (words_end_in(base, ending) ? strlen(ending) : 0);
    snprintf(stem, size, "%.*s", length ? (int)length : 3, length ? base : "run");
}

void config_stem(const Config *config, char *stem, size_t size)
{
    char own[CONFIG_PATH];
    config_stem_of(config->name, ".ini", stem, size);
    /* a schedule of one's own must not take the place of the config's run */
    if (!config_schedule_is_file(config) ||
        config->origin[config_row_named("parallel.schedule")] != ORIGIN_SET)
        return;
    config_stem_of(config->pipeline.schedule, ".csv", own, sizeof own);
    bool taken = strcmp(own, stem) == 0;
    for (int k = 0; k < SCHEDULE_KINDS; k++) taken |= strcmp(own, schedule_name[k]) == 0;
    snprintf(stem, size, "%s%s", own, taken ? "-own" : "");
}
