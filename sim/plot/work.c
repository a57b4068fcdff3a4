/* work.c - kernels by kind: those that have operations, bytes and seconds. */
#include "sim/plot/work.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double number_of(const RunFile *file, const char *key)
{
    char text[64];
    return run_file_config(file, key, text, sizeof text) ? strtod(text, NULL) : (double)NAN;
}

static void read_machine(const RunFile *file, PlotWork *work)
{
    bool half = !strcmp(file->precision, "bf16") || !strcmp(file->precision, "fp16");
    run_file_config(file, "hardware.profile", work->machine, sizeof work->machine);
    work->peak = 1e12 * number_of(file, half ? "chip.peak_16_tflops" : "chip.peak_32_tflops");
    work->bandwidth = 1e9 * number_of(file, "chip.bandwidth_gb");
}

static bool read_kinds(const RunFile *file, PlotWork *work, Error *error)
{
    double *flops = run_file_first(file, "/work/flops", file->kinds, error);
    double *bytes = flops ? run_file_first(file, "/work/bytes", file->kinds, error) : NULL;
    double *seconds = bytes ? run_file_first(file, "/work/seconds", file->kinds, error) : NULL;
    const bool read = seconds != NULL;
    work->kind = allocate_zeroed(file->kinds, sizeof *work->kind);
    for (size_t k = 0; read && k < file->kinds; k++) {
        if (seconds[k] > 0) work->seconds += seconds[k];
        if (!(flops[k] > 0 && bytes[k] > 0 && seconds[k] > 0)) continue;
        PlotKindOfWork *kind = &work->kind[work->kinds++];
        *kind = (PlotKindOfWork){.flops = flops[k], .bytes = bytes[k], .seconds = seconds[k]};
        snprintf(kind->name, sizeof kind->name, "%s", file->kind[k]);
    }
    free(flops);
    free(bytes);
    free(seconds);
    return read;
}

bool plot_work_read(const RunFile *file, PlotRun *run, Error *error)
{
    PlotWork *work = &run->work;
    if (!run->shape.machine) {
        snprintf(work->why, PLOT_WHY,
                 "its hardware.profile is no machine, so kernels take no time of their own");
        return true;
    }
    read_machine(file, work);
    if (!read_kinds(file, work, error)) return false;
    if (!work->kinds) snprintf(work->why, PLOT_WHY, "no kernel's time was recorded");
    if (!(work->peak > 0 && work->bandwidth > 0))
        snprintf(work->why, PLOT_WHY, "the file does not say its chip's peak and bandwidth");
    return true;
}
