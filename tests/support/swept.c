/* swept.c - sim sweep in this process, its words kept. */
#include "tests/support/swept.h"
#include <stdint.h>
#include "sim/sweep/sweep.h"
#include "tests/support/check.h"

int sweep_words(PlotPlace *place, const char *const *words)
{
    char *argv[32] = {"sweep"};
    int argc = 1;
    for (; words[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)words[argc - 1];
    Capture c = capture();
    int status = sweep_command(argc, argv, place->program, "sim sweep");
    captured(place, c);
    return status;
}

const char *config_in(const PlotPlace *place)
{
    const char *path = in_folder(place, "s.ini");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(
        "[model]\nhidden = 64 ; not the preset's\nlayers = 4\n[train]\nglobal_batch = 48\nprecision = bf16\n"
        "[parallel]\ndata = zero1\nschedule = 1f1b\n[hardware]\nprofile = a100-80gb-dgx\n",
        file);
    assert_int_equal(fclose(file), 0);
    return path;
}
