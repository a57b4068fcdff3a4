/* utilization.c - operations over seconds, devices and the peak. */
#include "sim/report/utilization.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/report/run_config.h"
#include "sim/theory/theory.h"

static const double none = (double)NAN;

Utilization utilization_of(const Config *config, int ranks, double seconds, double products)
{
    const Chip *chip = &config->machine.chip;
    const GptShape *shape = &config->model.shape;
    double samples = (double)config->train.global_batch, device_seconds = seconds * ranks;
    bool selective = config->train.recompute == RECOMPUTE_SELECTIVE;
    return (Utilization){
        .peak = 1e12 * (is_half(config_dtype(config)) ? chip->peak_16_tflops : chip->peak_32_tflops),
        .model = theory_flops_model(shape, samples) / device_seconds,
        .parameters = theory_flops_parameters(shape, samples) / device_seconds,
        .hardware = selective ? theory_flops_selective(shape, samples) / device_seconds : none,
        .counted = products / device_seconds};
}

/* Of all ranks. */
static bool read_products(const RunFile *run, double *products, Error *error)
{
    double *each = run_file_first(run, "/work/products", run->kinds, error);
    *products = 0;
    for (size_t k = 0; each && k < run->kinds; k++) *products += each[k];
    free(each);
    return each != NULL;
}

bool utilization_read(const RunFile *run, Utilization *u, Error *error)
{
    double seconds, products;
    *u = (Utilization){none, none, none, none, none};
    if (!run->shape.machine || !run->steps) return true;
    if (!run_file_rows(run, "/steps/simulated_time", run->steps - 1, 1, &seconds, error) ||
        !read_products(run, &products, error))
        return false;
    Config *config = run_config_new(run);
    if (config && seconds > 0) *u = utilization_of(config, run->ranks, seconds, products);
    run_config_free(config);
    return true;
}

static void add_speed(Sheet *sheet, double speed)
{
    static const char *const units[] = {"kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s"};
    double scale = 1e3;
    int unit = 0;
    for (; unit < 3 && speed >= 999.95 * scale; unit++) scale *= 1e3;
    sheet_cell(sheet, "%.4g %s", speed / scale, units[unit]);
}

static void add_row(Sheet *sheet, const char *label, double speed, double peak, const char *words)
{
    if (isnan(speed)) return;
    sheet_line(sheet, SHEET_ROW, label);
    add_speed(sheet, speed);
    sheet_cell(sheet, "%.1f %%", 100 * speed / peak);
    sheet_cell(sheet, "%s", words);
}

bool report_utilization(const RunFile *run, Sheet *sheet, Error *error)
{
    Utilization u;
    if (!utilization_read(run, &u, error)) return false;
    if (isnan(u.peak)) return true;
    sheet_line(sheet, SHEET_HEAD, "a device");
    add_speed(sheet, u.peak);
    sheet_cell(sheet, "used");
    sheet_cell(sheet, "by what count of a step's operations");
    add_row(sheet, "MFU", u.model, u.peak, "72 B L s h^2 (1 + s/6h + V/12hL) [2205.05198, eq. 7]");
    add_row(sheet, "MFU, by parameters", u.parameters, u.peak,
            "6 N + 12 L h s a token, N in products [2204.02311]");
    add_row(sheet, "HFU", u.counted, u.peak, "products of all kernels, what is computed again included");
    add_row(sheet, "HFU, by equation", u.hardware, u.peak,
            "72 B L s h^2 (1 + s/3h + V/12hL) [2205.05198, eq. 8]: selective recomputation");
    return true;
}
