/* experts_walked.c - walked, and read. */
#include "tests/support/experts_walked.h"
#include <stdio.h>
#include "sim/file/run_file.h"
#include "sim/run/run.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

static const char INI[] = "[model]\nlayers = 3\nhidden = 24\nheads = 4\nvocab = 19\nsequence = 10\n"
                          "[moe]\nexperts = 4\ntop_k = 2\nfirst_dense = 1\nffn = 12\n"
                          "[train]\nglobal_batch = 8\nmicrobatch = 4\n[hardware]\nprofile = ideal\n";

/* Dry on two ranks; what was said is in place. */
int experts_walk(PlotPlace *place, const char *name, const char *const *sets)
{
    char config[128], output[128];
    int count = 0;
    snprintf(config, sizeof config, "%s", written_in(place, "t.ini", INI));
    snprintf(output, sizeof output, "%s", in_folder(place, name));
    while (sets[count]) count++;
    const RunOptions options = {.config = config,
                                .output = output,
                                .sets = sets,
                                .set_count = count,
                                .dry = true,
                                .command_line = "sim",
                                .program_directory = place->program};
    Capture c = capture();
    int status = run_dry(2, &options);
    captured(place, c);
    return status;
}

ExpertsLoads experts_loads(const PlotPlace *place, const char *name)
{
    ExpertsLoads l;
    Error error;
    RunFile *run = run_file_open(in_folder(place, name), &error);
    if (!run) fail_msg("%s", error.text);
    assert_true(run->experts == WALKED_EXPERTS && run->layers == WALKED_LAYERS);
    assert_true(run_file_rows(run, "/moe/load", 0, 1, l.load[0], &error));
    assert_true(run_file_rows(run, "/moe/dropped", 0, 1, l.dropped, &error));
    assert_true(run_file_rows(run, "/moe/imbalance", 0, 1, l.imbalance, &error));
    run_file_close(run);
    return l;
}

void experts_assert_loads(const ExpertsLoads *l, int layer, const double expected[WALKED_EXPERTS])
{
    for (int i = 0; i < WALKED_EXPERTS; i++)
        if (l->load[layer][i] != expected[i])
            fail_msg("expert %d of layer %d has %g, not %g", i, layer, l->load[layer][i], expected[i]);
}
