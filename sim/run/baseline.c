/* baseline.c - the losses of an earlier run, if it saw the same tokens. */
#include "sim/run/baseline.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/refuse.h"
#include "sim/config/rows.h"
#include "sim/config/tokens.h"
#include "sim/file/run_file.h"

static bool refuse(const Config *config, Error *error, const char *why)
{
    return config_refuse(config, "output.baseline", error,
                         "%s; try the run file of one that trained on the same tokens", why);
}

static bool same_tokens(const RunFile *run, const Config *config, Error *error)
{
    char key[64], mine[CONFIG_PATH], theirs[CONFIG_PATH], why[2 * CONFIG_PATH + 128];
    for (int i = 0; config_row(config, i, key, sizeof key, mine, sizeof mine); i++) {
        if (!config_decides_tokens(key)) continue;
        if (!run_file_config(run, key, theirs, sizeof theirs)) strcpy(theirs, "nothing");
        if (strcmp(mine, theirs) == 0) continue;
        char shown[96]; /* what a file holds may have any letters */
        words_show(shown, sizeof shown, theirs);
        snprintf(why, sizeof why, "it was made with %s = %s, and this run has %s", key, shown, mine);
        return refuse(config, error, why);
    }
    return true;
}

static bool read_losses(Baseline *b, const RunFile *run, const Config *config, Error *error)
{
    Error why;
    if (!same_tokens(run, config, error)) return false;
    b->loss = run_file_first(run, "/steps/loss", run->steps, &why);
    if (!b->loss) return refuse(config, error, why.text);
    b->first = run->first;
    while ((size_t)b->steps < run->steps && isfinite(b->loss[b->steps])) b->steps++;
    return b->steps > 0 || refuse(config, error, "it has no losses");
}

bool baseline_read(Baseline *b, const Config *config, Error *error)
{
    const char *path = config->output.baseline;
    Error why;
    *b = (Baseline){0};
    if (!*path) return true;
    RunFile *run = run_file_open(path, &why);
    if (!run) return config_refuse(config, "output.baseline", error, "%s", why.text);
    bool ok = read_losses(b, run, config, error);
    run_file_close(run);
    return ok;
}

void baseline_free(Baseline *b)
{
    free(b->loss);
    *b = (Baseline){0};
}

double baseline_difference(const Baseline *b, int64_t step, double loss)
{
    return b && step >= b->first && step - b->first < b->steps ? loss - b->loss[step - b->first]
                                                               : (double)NAN;
}
