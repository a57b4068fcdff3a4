/* draw_cases.c - what validation.gp draws: the sets, their cases, and the span of both axes. */
#include "sim/validate/draw_cases.h"
#include <math.h>
#include <stdio.h>
#include "sim/base/words.h"
#include "sim/plot/single.h"
#include "sim/plot/text.h"
#include "sim/validate/print.h"

typedef struct Sets {
    const CaseSet *set;
    int sets;
} Sets;

/* The sets that are drawn. */
static int count_steps(const CaseSet *set, int sets)
{
    int count = 0;
    for (int i = 0; i < sets; i++) count += set[i].measure == MEASURE_SECONDS;
    return count;
}

static void write_data(FILE *out, void *context)
{
    const CaseSet *set = ((const Sets *)context)->set;
    const int sets = ((const Sets *)context)->sets;
    char text[256];
    double low = INFINITY, high = 0;
    int cases = 0, drawn = 0;
    plot_set_text(out, "NAME", "validation");
    plot_set_text(out, "TITLE", "Foretold against published: seconds a step");
    fprintf(out, "SETS = %d\narray NAMES[SETS]\narray CASES[SETS]\n", count_steps(set, sets));
    for (int i = 0; i < sets; i++) {
        if (set[i].measure != MEASURE_SECONDS) continue;
        drawn++;
        cases += set[i].count;
        print_summary(&set[i], text);
        fprintf(out, "NAMES[%d] = ", drawn);
        plot_quote(out, text);
        fprintf(out, "\nCASES[%d] = %d\n", drawn, set[i].count);
        for (int k = 0; k < set[i].count; k++) {
            low = fmin(low, fmin(set[i].item[k].published, set[i].item[k].predicted));
            high = fmax(high, fmax(set[i].item[k].published, set[i].item[k].predicted));
        }
    }
    snprintf(text, sizeof text,
             "%d published step%s, each foretold by a dry run on the machine it was measured on", cases,
             words_s(cases));
    plot_set_text(out, "SUBTITLE1", text);
    plot_set_text(out, "SUBTITLE2", "On the line: foretold as measured; in the band: within 10 %");
    plot_set_number(out, "LOW", low / 1.5);
    plot_set_number(out, "HIGH", high * 1.5);
    fputs("$D << EOD\n", out);
    for (int i = 0; i < sets; i++) {
        if (set[i].measure != MEASURE_SECONDS) continue;
        for (int k = 0; k < set[i].count; k++) {
            plot_number(out, set[i].item[k].published);
            fputc(' ', out);
            plot_number(out, set[i].item[k].predicted);
            fputc('\n', out);
        }
        fputs("\n\n", out); /* gnuplot's index */
    }
    fputs("EOD\n", out);
}

bool draw_cases_can(const CaseSet *set, int sets, Error *error)
{
    return count_steps(set, sets) > 0 ||
           error_set(error, "--out: no set of steps (a column seconds) to draw; try it without");
}

bool draw_cases(const CaseSet *set, int sets, const char *program_directory, const char *folder, Error *error)
{
    Sets all = {set, sets};
    const PlotSingle chart = {"validation", write_data, &all};
    if (!plot_single(&chart, program_directory, folder, error)) return false;
    printf("validation          %s/validation.png, .svg, .gp\n", folder);
    return true;
}
