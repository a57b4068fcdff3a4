/* text.c - words and numbers for gnuplot: quoting, units, short labels. */
#include "sim/plot/text.h"
#include <math.h>
#include <string.h>
#include "sim/base/words.h"

enum { LABEL_LETTERS = 32 };

/* Bytes of the UTF-8 letter that `text` begins with; 0 when it is none. */
static int letter_bytes(const char *text)
{
    const unsigned char first = (unsigned char)text[0];
    const int bytes = first < 0x80   ? 1
                      : first < 0xc2 ? 0
                      : first < 0xe0 ? 2
                      : first < 0xf0 ? 3
                      : first < 0xf5 ? 4
                                     : 0;
    for (int i = 1; i < bytes; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    return bytes;
}

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
    fputc('\n', out);
}

void plot_shorten(char label[PLOT_LABEL])
{
    const char *at[PLOT_LABEL];
    int letters = 0;
    for (const char *p = label; *p && letters < PLOT_LABEL; letters++) {
        const int bytes = letter_bytes(p);
        at[letters] = p;
        p += bytes ? bytes : 1;
    }
    if (letters <= LABEL_LETTERS) return;
    const int head = LABEL_LETTERS / 2;
    char shorter[PLOT_LABEL];
    snprintf(shorter, sizeof shorter, "%.*s…%s", (int)(at[head] - label), label,
             at[letters - (LABEL_LETTERS - head - 1)]);
    snprintf(label, PLOT_LABEL, "%s", shorter);
}

void plot_stem(const char *path, char *stem, size_t size)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    snprintf(stem, size, "%s", name);
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

void plot_label_runs(PlotRun *runs, int count)
{
    enum { STEM, DATA, STEM_AND_DATA, PATH, NUMBERED, WAYS };
    for (int way = STEM; way < WAYS; way++) {
        for (int i = 0; i < count; i++) {
            char stem[PLOT_LABEL], *label = runs[i].label;
            plot_stem(runs[i].path, stem, sizeof stem);
            label[0] = '\0';
            if (way == NUMBERED) words_append(label, PLOT_LABEL, "%d: ", i + 1);
            if (way == STEM || way == STEM_AND_DATA || way == NUMBERED)
                words_append(label, PLOT_LABEL, "%s", stem);
            if (way == STEM_AND_DATA) words_append(label, PLOT_LABEL, " ");
            if (way == DATA || way == STEM_AND_DATA)
                words_append(label, PLOT_LABEL, "%s", runs[i].shape.data);
            if (way == PATH) words_append(label, PLOT_LABEL, "%s", runs[i].path);
            plot_shorten(label);
        }
        if (count == 1 || all_differ(runs, count)) return;
    }
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
