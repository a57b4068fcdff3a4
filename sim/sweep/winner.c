/* winner.c - from a resolved config to an ini: the keys that somebody gave, in the order of the table of keys. */
#include "sim/sweep/winner.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/draft.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/config/rows.h"

typedef struct Winner {
    const Sweep *sweep;
    const Config *config;
    const char *path;
} Winner;

/* The ini or a --set; neither a default, nor what the preset or the machine's file says. */
static bool is_given(int origin)
{
    return origin > 0 || origin == ORIGIN_SET;
}

static void write_head(FILE *out, const Winner *w)
{
    const Sweep *s = w->sweep;
    const SweepRow *best = &s->row[s->best];
    char quoted[1024], what[1024];
    words_quote(quoted, sizeof quoted, w->path);
    space_describe(&s->space, s->best, what, sizeof what);
    fprintf(out, "; The best of %lld combinations of %s, by sim sweep: %s.\n", (long long)s->space.count,
            s->config, what);
    fprintf(out,
            "; On %d rank%s: %.6g s a step, %.6g tokens/s and device, MFU %.1f %%, bubble %.1f %%, %.1f of "
            "%.4g GB.\n",
            best->ranks, words_s(best->ranks), best->step_time, best->a_device, 100 * best->mfu,
            100 * best->bubble, best->memory / 1e9, best->capacity / 1e9);
    fprintf(out, ";     sim --config %s --dry-run --ranks %d\n", quoted, best->ranks);
}

static void write_ini(FILE *out, const void *what)
{
    const Winner *w = what;
    const char *section = "";
    write_head(out, w);
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        char value[CONFIG_VALUE];
        if (!is_given(w->config->origin[i])) continue;
        if (strcmp(row->section, section) != 0) fprintf(out, "\n[%s]\n", row->section);
        section = row->section;
        config_row_format(row, w->config, value, sizeof value);
        fprintf(out, "%s = %s\n", row->key, value);
    }
}

static bool put(TablePlace *place, void (*write)(FILE *out, const void *what), const void *what, Error *error)
{
    Draft draft;
    if (!draft_begin(&draft, place->asked, error)) return false;
    bool good = draft_fill(&draft, write, what, error) && draft_place(&draft, NULL, error);
    if (good) snprintf(place->path, sizeof place->path, "%s", draft.path);
    if (good) snprintf(place->kept, sizeof place->kept, "%s", draft.kept ? draft.kept : "");
    draft_end(&draft);
    return good;
}

bool winner_write(const Sweep *s, const Trials *trials, TablePlace *place, Error *error)
{
    Config *config = allocate_zeroed(1, sizeof *config);
    Winner winner = {s, config, place->asked};
    bool good = trial_config(trials, s->best, config, error) && put(place, write_ini, &winner, error);
    config_free(config);
    free(config);
    return good;
}

static void write_nothing(FILE *out, const void *what)
{
    (void)out;
    (void)what;
}

bool winner_none(TablePlace *place, Error *error)
{
    snprintf(place->path, sizeof place->path, "%s", place->asked);
    place->kept[0] = '\0';
    if (access(place->asked, F_OK) != 0) return true;
    /* an empty file takes its place, as any would, and goes */
    return put(place, write_nothing, NULL, error) &&
           (remove(place->path) == 0 || files_refuse(place->path, "remove", errno, error));
}
