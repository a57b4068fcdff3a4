/* text.c - words and numbers for gnuplot: quoting, units, short labels. */
#include "sim/plot/text.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/letter.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/plot/letters.h"

enum { LABEL_LETTERS = 32 };
enum { STEM, DATA, STEM_AND_DATA, PATH, NUMBERED, WAYS }; /* what a run is called by */

void plot_quote(FILE *out, const char *text)
{
    fputc('\'', out);
    while (*text) {
        const int bytes = letter_bytes(text);
        if (bytes == 0 || (unsigned char)*text < 0x20 || *text == 0x7f)
            fputc('?', out);
        else if (*text == '\'')
            fputs("''", out);
        else {
            if (strchr("\\{}^_@&~", *text)) fputc('\\', out);
            fwrite(text, 1, (size_t)bytes, out);
        }
        text += bytes ? bytes : 1;
    }
    fputc('\'', out);
}

void plot_set_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    plot_quote(out, text);
    fputc('\n', out);
}

void plot_number(FILE *out, double value)
{
    /* sim never calls setlocale, so this is the C locale's point */
    if (isfinite(value))
        fprintf(out, "%.17g", value);
    else
        fputs("NaN", out);
}

void plot_set_number(FILE *out, const char *name, double value)
{
    fprintf(out, "%s = ", name);
    plot_number(out, value);
    /* gnuplot divides whole numbers as C does, and this one is the same when it happens to be whole */
    fputs(value == floor(value) && fabs(value) < 1e16 ? ".0\n" : "\n", out);
}

void plot_shorten(const char *text, char label[PLOT_LABEL])
{
    const char *tail = text;
    int letters = 0, head = 0;
    for (const char *p = text; *p; letters++) {
        const int bytes = letter_bytes(p);
        if (letters == LABEL_LETTERS / 2) head = (int)(p - text);
        if (letters >= LABEL_LETTERS - LABEL_LETTERS / 2 - 1)
            tail += letter_bytes(tail) ? letter_bytes(tail) : 1;
        p += bytes ? bytes : 1;
    }
    if (letters <= LABEL_LETTERS)
        snprintf(label, PLOT_LABEL, "%s", text);
    else
        snprintf(label, PLOT_LABEL, "%.*s…%s", head, text, tail);
}

void plot_stem(const char *path, char *stem, size_t size)
{
    snprintf(stem, size, "%s", files_name(path));
    const size_t length = strlen(stem);
    if (length > 3 && !strcmp(stem + length - 3, ".h5")) stem[length - 3] = '\0';
}

static bool all_differ(const PlotRun *runs, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (!runs[i].label[0] || !strcmp(runs[i].label, runs[j].label)) return false;
    return true;
}

/* A run's label, in the `way` of plot_label_runs(). */
static void make_label(PlotRun *run, const char *stem, const char *path, int way, int number)
{
    char text[PATH_MAX + 64] = "";
    if (way == NUMBERED) words_append(text, sizeof text, "%d: ", number);
    if (way == STEM || way == STEM_AND_DATA || way == NUMBERED) words_append(text, sizeof text, "%s", stem);
    if (way == STEM_AND_DATA) words_append(text, sizeof text, " ");
    if (way == DATA || way == STEM_AND_DATA) words_append(text, sizeof text, "%s", run->shape.data);
    if (way == PATH) words_append(text, sizeof text, "%s", path);
    plot_shorten(text, run->label);
}

void plot_label_runs(PlotRun *runs, int count)
{
    char **text = allocate((size_t)count * 3 * sizeof *text), **stem = text + count, **path = stem + count;
    for (int i = 0; i < count; i++) {
        char name[NAME_MAX + 1], shown[PATH_MAX];
        plot_stem(runs[i].path, name, sizeof name);
        stem[i] = words_copy(error_show(shown, sizeof shown, name, strlen(name)));
        path[i] = words_copy(error_show(shown, sizeof shown, runs[i].path, strlen(runs[i].path)));
        text[i] = strcpy(runs[i].schedule, runs[i].shape.schedule);
    }
    letters_keep_known(text, (size_t)count * 3);
    bool differ = false;
    for (int way = STEM; way < WAYS && !differ; way++) {
        for (int i = 0; i < count; i++) make_label(&runs[i], stem[i], path[i], way, i + 1);
        differ = count == 1 || all_differ(runs, count);
    }
    for (int i = 0; i < count; i++) {
        free(stem[i]);
        free(path[i]);
    }
    free(text);
}

void plot_describe(const PlotRun *runs, int count, char *text, size_t size)
{
    bool ranks = true, parameters = runs[0].parameters > 0, precision = runs[0].precision[0] != '\0';
    for (int i = 1; i < count; i++) {
        ranks = ranks && runs[i].ranks == runs[0].ranks;
        parameters = parameters && runs[i].parameters == runs[0].parameters;
        precision = precision && !strcmp(runs[i].precision, runs[0].precision);
    }
    text[0] = '\0';
    if (ranks) words_append(text, size, "%d rank%s", runs[0].ranks, runs[0].ranks == 1 ? "" : "s");
    const double p = runs[0].parameters;
    if (parameters)
        words_append(text, size, "%s%.3g %sparameters", text[0] ? ", " : "",
                     p >= 1e9   ? p / 1e9
                     : p >= 1e6 ? p / 1e6
                                : p / 1e3,
                     p >= 1e9   ? "G "
                     : p >= 1e6 ? "M "
                                : "k ");
    if (precision) words_append(text, size, "%s%s", text[0] ? ", " : "", runs[0].precision);
}

void plot_reasons(const PlotRun *runs, int count, const char *const *reason, char *text, size_t size)
{
    int alike = 0;
    for (int i = 0; i < count; i++) alike += !strcmp(reason[i], reason[0]);
    snprintf(text, size, "%s", alike == count ? reason[0] : "");
    for (int i = 0; i < count && alike < count; i++) {
        bool said = !reason[i][0];
        for (int j = 0; j < i; j++) said = said || !strcmp(reason[j], reason[i]);
        if (said) continue;
        words_append(text, size, "%s%s", text[0] ? "; " : "", runs[i].label);
        for (int j = i + 1; j < count; j++)
            if (!strcmp(reason[j], reason[i])) words_append(text, size, ", %s", runs[j].label);
        words_append(text, size, ": %s", reason[i]);
    }
}
