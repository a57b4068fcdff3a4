/* draw_cases.c - what validation.gp draws: the sets, their cases, and the span of both axes. */
#include "sim/validate/draw_cases.h"
#include <math.h>
#include <stdio.h>
#include "sim/base/words.h"
#include "sim/plot/single.h"
#include "sim/plot/text.h"

typedef struct Sets {
    const CaseSet *set;
    int sets;
} Sets;

static void write_data(FILE *out, void *context)
{
    const CaseSet *set = ((const Sets *)context)->set;
    const int sets = ((const Sets *)context)->sets;
    char text[256];
    double low = INFINITY, high = 0;
    int cases = 0;
    plot_set_text(out, "NAME", "validation");
    plot_set_text(out, "TITLE", "Foretold against published: seconds a step");
    fprintf(out, "SETS = %d\narray NAMES[SETS]\narray CASES[SETS]\n", sets);
    for (int i = 0; i < sets; i++) {
        cases += set[i].count;
        snprintf(text, sizeof text, "%s: %d, mean %.1f %%, worst %+.1f %%", set[i].name, set[i].count,
                 100 * cases_mean(&set[i]), 100 * case_error(cases_worst(&set[i])));
        fprintf(out, "NAMES[%d] = ", i + 1);
        plot_quote(out, text);
        fprintf(out, "\nCASES[%d] = %d\n", i + 1, set[i].count);
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

bool draw_cases(const CaseSet *set, int sets, const char *program_directory, const char *folder, Error *error)
{
    Sets all = {set, sets};
    const PlotSingle chart = {"validation", write_data, &all};
    if (!plot_single(&chart, program_directory, folder, error)) return false;
    printf("validation          %s/validation.png, .svg, .gp\n", folder);
    return true;
}
