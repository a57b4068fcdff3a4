/* print.c - lines of cases, and of sets. */
#include "sim/validate/print.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/base/words.h"
#include "sim/validate/accuracy.h"

/* Four digits, or all before the point. */
static void print_value(double value, const char *unit)
{
    if (value >= 1e4 && value < 1e10)
        printf(" %10.0f %-2s", value, unit);
    else
        printf(" %10.4g %-2s", value, unit);
}

static void print_case(const CaseSet *set, const Case *c)
{
    const char *unit = measure_column[set->measure].unit;
    printf("  %-30s", c->name);
    print_value(c->published, unit);
    print_value(c->predicted, unit);
    printf(" %+6.1f %%   %s\n", 100 * case_error(c), c->source);
}

void print_measured(const CaseSet *set)
{
    enum { MANY = 100, SHOWN = 20 };
    const Case **worst = cases_by_error(set);
    bool many = set->count > MANY;
    printf("%-32s %13s %13s %8s   source\n", set->name, "published", "foretold", "error");
    for (int i = 0; i < (many ? SHOWN : set->count); i++) print_case(set, many ? worst[i] : &set->item[i]);
    if (many)
        printf("  and %d more within %.1f %%, half of all within %.1f %%: --csv has each\n",
               set->count - SHOWN, 100 * fabs(case_error(worst[SHOWN])),
               100 * fabs(case_error(worst[set->count / 2])));
    printf("  %d case%s: mean error %.1f %%, worst %+.1f %% (%s)\n\n", set->count, words_s(set->count),
           100 * cases_mean(set), 100 * case_error(worst[0]), worst[0]->name);
    free((void *)worst);
}

void print_exact(const CaseSet *set, bool each)
{
    static const char *const words[] = {
        [AGREES] = "as printed", [CUT_OFF] = "as printed, cut off", [DIFFERS] = "DIFFERS"};
    int count[3] = {0};
    printf("%s: %s, to the last digit printed\n", set->name, measure_column[set->measure].name);
    for (int i = 0; i < set->count; i++) {
        const Case *c = &set->item[i];
        Agreement agreement = case_agreement(c);
        count[agreement]++;
        if (each || agreement == DIFFERS)
            printf("  %-30s %14s %18.*f   %-20s %s\n", c->name, c->printed,
                   case_digits(c) > 0 || set->measure == MEASURE_STATES ? case_digits(c) + 2 : 0,
                   c->predicted, words[agreement], c->source);
    }
    printf("  %d of %d case%s as printed", count[AGREES] + count[CUT_OFF], set->count, words_s(set->count));
    if (count[CUT_OFF]) printf(", %d of them cut off there, not rounded", count[CUT_OFF]);
    printf("\n\n");
}

void print_csv_head(void)
{
    printf("set,case,source,ranks,measure,published,foretold,error_ratio\n");
}

void print_csv(const CaseSet *set)
{
    for (int i = 0; i < set->count; i++) {
        const Case *c = &set->item[i];
        printf("%s,%s,%s,%d,%s,%.17g,%.17g,%.17g\n", set->name, c->name, c->source, c->measured.ranks,
               measure_column[set->measure].name, c->published, c->predicted, case_error(c));
    }
}

void print_summary(const CaseSet *set, char text[SUMMARY])
{
    snprintf(text, SUMMARY, "%s: %d, mean %.1f %%, worst %+.1f %%", set->name, set->count,
             100 * cases_mean(set), 100 * case_error(cases_worst(set)));
}
