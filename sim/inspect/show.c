/* show.c - title, what it says of itself, its config, and its tensors or datasets. */
#include "sim/inspect/show.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/file/extents.h"
#include "sim/inspect/columns.h"
#include "sim/inspect/pieces.h"
#include "sim/inspect/recorded_config.h"
#include "sim/report/report.h"

enum { TEXT = 256, LABEL = 12, WIDTH = 118 };

/* ---- lines ---- */

__attribute__((format(printf, 2, 3))) static void fact(const char *label, const char *format, ...)
{
    char text[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    char *shown = words_shown(text);
    printf("  %-*s%s\n", LABEL, label, shown);
    free(shown);
}

void show_title(const Held *h)
{
    char *path = words_shown(h->path), bytes[32];
    words_bytes_about(h->arrays.bytes, bytes, sizeof bytes);
    if (h->kind == SCHEMA_RUN) {
        Sheet sheet = {.lines = 0};
        report_title(h->run, &sheet);
        sheet_print(&sheet);
        sheet_free(&sheet);
    } else if (h->kind == SCHEMA_CHECKPOINT) {
        printf("\n%s: a checkpoint after step %" PRId64 ", whole, %s\n", path, h->state.step, bytes);
    } else if (h->kind == SCHEMA_SWEEP) {
        printf("\n%s: a sweep of %" PRId64 " combinations\n", path, h->sweep.space.count);
    } else {
        char said[SCHEMA_TEXT];
        schema_of(h->file, said);
        printf("\n%s: %s%s, %s\n", path, held_kind[h->kind], said[0] ? "" : " that sim did not write", bytes);
    }
    free(path);
}

/* What a run's numbers may depend on beside its config. */
static void show_machine(H5 *file)
{
    char host[192], products[128];
    double threads;
    if (h5_get_text(file, "/", "host", host, sizeof host)) fact("on", "%s", host);
    if (h5_get_text(file, "/", "products", products, sizeof products)) fact("products", "%s", products);
    if (h5_get_number(file, "/", "threads", &threads)) fact("threads", "%.0f a rank", threads);
}

/* By which sim, when and where, as far as the file says. */
static void show_origin(const Held *h)
{
    char version[32] = "", created[64] = "", run[64] = "", line[900] = "";
    h5_get_text(h->file, "/", "command_line", line, sizeof line);
    if (h5_get_text(h->file, "/", "sim_version", version, sizeof version) &&
        h5_get_text(h->file, "/", "created", created, sizeof created))
        fact("written", "by sim %s, %s%s%s", version, created,
             h5_get_text(h->file, "/", "run", run, sizeof run) ? ", run " : "", run);
    if (line[0]) fact("by", "%s", line);
    show_machine(h->file);
}

/* ---- the kinds' own ---- */

static bool show_run(const RunFile *run, Error *error)
{
    char planned[64] = "?";
    run_file_config(run, "train.steps", planned, sizeof planned);
    if (run->dry)
        fact("steps", "one, walked without numbers");
    else if (run->steps)
        fact("steps", "%" PRId64 " to %" PRId64 " of %s", run->first + 1, run->first + (int64_t)run->steps,
             planned);
    else
        fact("steps", "none finished of %s", planned);
    if (run->steps && !run->dry) {
        double *loss = run_file_first(run, "/steps/loss", run->steps, error);
        if (!loss) return false;
        fact("loss", "%.6f at the first of them, %.6f at the last", loss[0], loss[run->steps - 1]);
        free(loss);
    }
    fact("model", "%.0f parameters in %s", run->parameters, run->precision[0] ? run->precision : "?");
    return true;
}

static void show_state(const Held *h)
{
    const CheckpointState *s = &h->state;
    fact("state", "%" PRId64 " step%s done, %" PRId64 " update%s of the weights, next sample %" PRId64,
         s->step, words_s(s->step), s->updates, words_s(s->updates), s->next_sample);
    if (s->scaled) fact("loss scale", "%g, for %" PRId64 " step%s", s->loss_scale, s->fine, words_s(s->fine));
    if (s->data) fact("data", "%016" PRIx64 ", a mark of the text it was trained on", s->data);
}

static void show_sweep(const Sweep *s)
{
    fact("config", "%s", s->config);
    for (int k = 0; k < s->space.keys; k++) {
        const SpaceKey *key = &s->space.key[k];
        char values[TEXT] = "";
        for (int i = 0; i < key->count; i++)
            words_append(values, sizeof values, "%s%s", i ? ", " : "", key->value[i]);
        fact(k ? "" : "keys", "%s = %s", key->name, values);
    }
    char states[TEXT] = "";
    for (int i = 0; i < SWEEP_STATES; i++)
        if (s->states[i])
            words_append(states, sizeof states, "%s%" PRId64 " %s", states[0] ? ", " : "", s->states[i],
                         sweep_state_names[i]);
    fact("outcome", "%s", states);
    if (s->best < 0) return;
    char best[TEXT];
    space_describe(&s->space, s->best, best, sizeof best);
    fact("best", "%s: %.5g tokens/s and device", best, s->row[s->best].a_device);
}

/* As far as its attributes say. */
static void show_goodput(H5 *file)
{
    double steps = NAN, step = NAN, ranks = NAN, nodes = NAN, mtbf = NAN, daly = NAN;
    char config[TEXT] = "";
    h5_get_number(file, "/", "steps", &steps);
    h5_get_number(file, "/", "step_time", &step);
    h5_get_number(file, "/", "ranks", &ranks);
    h5_get_number(file, "/", "nodes", &nodes);
    h5_get_number(file, "/", "mtbf", &mtbf);
    h5_get_number(file, "/", "daly", &daly);
    if (h5_get_text(file, "/", "config", config, sizeof config)) fact("config", "%s", config);
    fact("job", "%.0f step%s of %.4g s on %.0f rank%s in %.0f node%s, a failure every %.5g s", steps,
         words_s((int64_t)steps), step, ranks, words_s((int64_t)ranks), nodes, words_s((int64_t)nodes), mtbf);
    fact("best", "a checkpoint every %.4g s by Daly's formula", daly);
}

/* ---- config ---- */

/* A section a paragraph. */
static bool show_config(H5 *file, Error *error)
{
    RecordedConfig config = {0};
    bool ok = recorded_config_read(&config, file, error);
    size_t section = 0, column = 0;
    if (config.keys) printf("\n  config\n");
    for (size_t i = 0; i < config.keys; i++) {
        const char *key = config.key[i].key, *dot = strchr(key, '.');
        size_t length = (size_t)(dot - key);
        bool begins = i == 0 || length != section || strncmp(key, config.key[i - 1].key, length + 1) != 0;
        char text[CONFIG_VALUE + TEXT];
        snprintf(text, sizeof text, "%s = %s", dot + 1, config.key[i].value);
        char *shown = words_shown(text), name[LABEL];
        snprintf(name, sizeof name, "%.*s", (int)length, key);
        size_t width = (size_t)words_columns(shown);
        if (begins)
            column = (size_t)printf("%s    %-*s", i ? "\n" : "", LABEL - 2, name) - (i ? 1 : 0);
        else if (column + width + 2 > WIDTH)
            column = (size_t)printf(",\n%*s", LABEL + 2, "") - 2;
        else
            column += (size_t)printf(", ");
        printf("%s", shown);
        column += width;
        section = length;
        free(shown);
    }
    if (config.keys) printf("\n");
    recorded_config_free(&config);
    return ok;
}

/* ---- tensors and datasets ---- */

static void add_values(Columns *c, const ArrayValues *v)
{
    columns_cell(c, "%.6g", v->least);
    columns_cell(c, "%.6g", v->most);
    columns_cell(c, "%.6g", v->root_mean_square);
    char odd[TEXT] = "";
    if (v->nan) words_append(odd, sizeof odd, "%zu NaN", v->nan);
    if (v->infinite) words_append(odd, sizeof odd, "%s%zu infinite", v->nan ? ", " : "", v->infinite);
    if (odd[0]) columns_cell(c, "%s", odd);
}

static bool show_tensors(const Held *h, Error *error)
{
    Columns c = {.rows = 0};
    Progress progress;
    double all = 0;
    bool ok = true;
    size_t tensors = 0;
    columns_row(&c, "tensor");
    columns_cell(&c, "shape");
    columns_cell(&c, "least");
    columns_cell(&c, "most");
    columns_cell(&c, "root mean square");
    for (size_t i = 0; i < h->arrays.count; i++)
        if (h->arrays.array[i].tensor) all += (double)array_values(&h->arrays.array[i]);
    progress_begin_aside(&progress, all);
    for (size_t i = 0; ok && i < h->arrays.count; i++) {
        const Array *a = &h->arrays.array[i];
        ArrayValues values;
        char shape[TEXT];
        if (!a->tensor) continue;
        ok = values_read(h->file, a, &values, &progress, error);
        extents_text(a->rank, a->dims, shape, sizeof shape);
        columns_row(&c, "%s", a->path);
        columns_cell(&c, "%s", shape);
        if (ok) add_values(&c, &values);
        tensors++;
    }
    progress_end(&progress);
    columns_print(&c);
    if (ok) printf("\n  %zu tensor%s, %.0f values\n", tensors, words_s((int64_t)tensors), all);
    return ok;
}

static void show_datasets(const Held *h)
{
    Columns c = {.rows = 0};
    columns_row(&c, "dataset");
    columns_cell(&c, "what");
    columns_cell(&c, "unit");
    columns_cell(&c, "meaning");
    for (size_t i = 0; i < h->arrays.count; i++) {
        const char *path = h->arrays.array[i].path;
        char what[TEXT], unit[32] = "", meaning[TEXT] = "";
        h5_describe(h->file, path, what, sizeof what);
        h5_get_text(h->file, path, "units", unit, sizeof unit);
        h5_get_text(h->file, path, "long_name", meaning, sizeof meaning);
        columns_row(&c, "%s", path);
        columns_cell(&c, "%s", what);
        columns_cell(&c, "%s", unit);
        columns_cell(&c, "%s", meaning);
    }
    columns_print(&c);
}

bool show(const Held *h, Error *error)
{
    show_title(h);
    show_origin(h);
    if (h->kind == SCHEMA_RUN && !show_run(h->run, error)) return false;
    if (h->kind == SCHEMA_CHECKPOINT) show_state(h);
    if (h->kind == SCHEMA_SWEEP) show_sweep(&h->sweep);
    if (h->kind == SCHEMA_GOODPUT) show_goodput(h->file);
    if (!show_config(h->file, error)) return false;
    bool tensors = h->kind != SCHEMA_RUN && h->kind != SCHEMA_SWEEP && h->kind != SCHEMA_GOODPUT;
    if (tensors) return show_tensors(h, error);
    show_datasets(h);
    return true;
}
