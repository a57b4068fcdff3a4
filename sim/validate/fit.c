/* fit.c - a search over dry runs of all cases, or of half of them; and what it found, in lines. */
#include "sim/validate/fit.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/progress.h"
#include "sim/base/words.h"
#include "sim/validate/fit_keys.h"

/* Which cases a fit sees: all, the first of each two of a set, the second. */
typedef enum { ALL, FIRST, SECOND, SLICES } Slice;

/* What one fit found. */
typedef struct Found {
    double value[FIT_KEYS];
    double *error; /* of every case, seen or not */
} Found;

typedef struct Fit {
    CaseSet *set;
    int sets;
    Foretelling cases; /* all */
    FitKeys keys;
    Found found[SLICES];
    double *before; /* errors, as it was */
    bool matters[FIT_KEYS];
    int like[FIT_KEYS]; /* Search's, of all cases */
    int evaluations;
    /* under way: a search's cases, by their places in the list, and values as words */
    int *place, seen;
    char word[FIT_KEYS][FIT_NAME + 32];
    Progress progress;
    double done; /* cases foretold */
} Fit;

/* ---- evaluating ---- */

static int add_keys(const void *context, int i, const char *keys[FORETELL_KEYS])
{
    const Fit *f = context;
    int count = 0;
    for (int k = 0; k < f->keys.count; k++)
        if (f->keys.has[f->place[i]] & 1u << k) keys[count++] = f->word[k];
    return count;
}

/* How many rounds a search will take nobody knows: one that takes longer seems to end soon. */
static void tell(void *listener, int done)
{
    Fit *f = listener;
    double all = f->done + done;
    f->progress.total = fmax(f->progress.total, 1.1 * all);
    if (progress_due(&f->progress, all))
        progress_show(&f->progress, "%d evaluations of %d cases", f->evaluations, f->seen);
}

/* Errors of the cases in f->place at these values. */
static bool evaluate(void *context, const double *value, double *error, Error *why)
{
    Fit *f = context;
    Listed *list = allocate((size_t)f->seen * sizeof *list);
    Foretelling some = f->cases;
    RunOptions options = *some.options;
    options.force |= f->evaluations > 0; /* there is room for them, as the first showed */
    some.options = &options;
    for (int i = 0; i < f->seen; i++) list[i] = f->cases.list[f->place[i]];
    for (int k = 0; k < f->keys.count; k++)
        snprintf(f->word[k], sizeof f->word[k], "%s.%s=%.17g", f->keys.key[k].row->section,
                 f->keys.key[k].row->key, value[k]);
    some.list = list;
    some.count = f->seen;
    some.more = add_keys;
    some.context = f;
    some.tell = tell;
    some.listener = f;
    f->evaluations++;
    bool good = cases_foretell(&some, error, why);
    f->done += f->seen;
    for (int i = 0; i < f->seen && good; i++) error[i] = error[i] / list[i].item->published - 1;
    free(list);
    return good;
}

/* ---- parts ---- */

static bool is_in(const Fit *f, int i, Slice slice)
{
    const Listed *at = &f->cases.list[i];
    return slice == ALL || (at->item - at->set->item) % 2 == slice - FIRST;
}

/* Lets the cases of a slice be seen; returns their weights, by which each set counts alike. */
static double *see(Fit *f, Slice slice)
{
    double *weight = allocate((size_t)f->cases.count * sizeof *weight);
    f->seen = 0;
    for (int i = 0; i < f->cases.count; i++) {
        const CaseSet *set = f->cases.list[i].set;
        int of_set = slice == ALL ? set->count : (set->count + (slice == FIRST)) / 2;
        if (!is_in(f, i, slice)) continue;
        weight[f->seen] = 1.0 / f->sets / of_set;
        f->place[f->seen++] = i;
    }
    return weight;
}

/* Fits to the cases of a slice; then foretells all with what was found. */
static bool fit_to(Fit *f, Slice slice, Error *error)
{
    Found *found = &f->found[slice];
    double *weight = see(f, slice);
    Search search = {
        .numbers = f->keys.count, .errors = f->seen, .weight = weight, .evaluate = evaluate, .context = f};
    for (int k = 0; k < search.numbers; k++) search.number[k] = fit_key_number(&f->keys.key[k]);
    bool good = search_least(&search, error);
    for (int k = 0; k < search.numbers; k++) {
        const SearchNumber *n = &search.number[k];
        found->value[k] = n->matters ? fit_key_round(&f->keys.key[k], n->value) : f->keys.key[k].start;
        f->matters[k] |= n->matters;
        if (slice == ALL) f->like[k] = n->like;
    }
    free(weight);
    free(see(f, ALL));
    return good && evaluate(f, found->value, found->error, error);
}

static bool as_it_was(Fit *f, Error *error)
{
    double value[FIT_KEYS];
    for (int k = 0; k < f->keys.count; k++) value[k] = f->keys.key[k].start;
    free(see(f, ALL));
    return evaluate(f, value, f->before, error);
}

/* ---- what is printed ---- */

/* Of the cases in `slice` of one set, or of all sets, each weighted alike (NULL). */
static double mean(const Fit *f, const double *error, const CaseSet *set, Slice slice)
{
    double sum = 0, all = 0;
    int cases = 0;
    for (int k = 0; !set && k < f->sets; k++) all += mean(f, error, &f->set[k], slice) / f->sets;
    for (int i = 0; set && i < f->cases.count; i++) {
        if (f->cases.list[i].set != set || !is_in(f, i, slice)) continue;
        sum += fabs(error[i]);
        cases++;
    }
    return set ? sum / cases : all;
}

static void print_key(const Fit *f, int k, bool half)
{
    const FitKey *key = &f->keys.key[k];
    char line[FIT_NAME];
    if (k == 0 || key->set != key[-1].set || strcmp(key->row->section, key[-1].row->section) != 0) {
        if (key->set) printf("; of %s alone\n", key->set->name);
        printf("[%s]\n", key->row->section);
    }
    snprintf(line, sizeof line, "%s = %.10g", key->row->key, f->found[ALL].value[k]);
    printf("%-28s; ", line);
    if (!f->matters[k]) {
        printf("does not matter: no case changes with it\n");
        return;
    }
    printf("%.10g before", key->start);
    const SearchNumber range = fit_key_number(key);
    if (f->found[ALL].value[k] <= range.low || f->found[ALL].value[k] >= range.high)
        printf("; at the end of its range: something else is off");
    if (half)
        printf("; fitted to halves %.10g and %.10g", f->found[FIRST].value[k], f->found[SECOND].value[k]);
    if (f->like[k]) {
        fit_key_name(&f->keys.key[f->like[k] - 1], line);
        printf("; changes all cases as %s does: fit one of the two", line);
    }
    putchar('\n');
}

static void print_set(const Fit *f, const CaseSet *set, bool half)
{
    const double *error = f->found[ALL].error;
    int worst = -1;
    for (int i = 0; i < f->cases.count; i++)
        if (f->cases.list[i].set == set && (worst < 0 || fabs(error[i]) > fabs(error[worst]))) worst = i;
    printf("  %-24s %5d %7.1f %% %7.1f %%", set->name, set->count, 100 * mean(f, f->before, set, ALL),
           100 * mean(f, error, set, ALL));
    for (Slice slice = FIRST; half && slice < SLICES; slice++) {
        const double *own = f->found[slice].error;
        printf(" %7.1f %% %7.1f %%", 100 * mean(f, own, set, slice),
               100 * mean(f, own, set, slice == FIRST ? SECOND : FIRST));
    }
    printf("   %+.1f %% (%s)\n", 100 * error[worst], f->cases.list[worst].item->name);
}

static void print(const Fit *f, bool half)
{
    int matter = 0;
    const double *first = f->found[FIRST].error, *second = f->found[SECOND].error;
    for (int k = 0; k < f->keys.count; k++) matter += f->matters[k];
    printf("%d key%s fitted to %d case%s of %d set%s, by %d evaluations\n\n", matter, words_s(matter),
           f->cases.count, words_s(f->cases.count), f->sets, words_s(f->sets), f->evaluations);
    for (int k = 0; k < f->keys.count; k++) print_key(f, k, half);
    printf("\n  mean error               cases    before    fitted");
    if (half) printf("  1st half  2nd half  2nd half  1st half");
    printf("   worst, fitted\n");
    if (half) printf("%52s    fitted    unseen    fitted    unseen\n", "");
    for (int i = 0; i < f->sets; i++) print_set(f, &f->set[i], half);
    printf("\n  each set weighted alike: %.1f %% before, %.1f %% fitted", 100 * mean(f, f->before, NULL, ALL),
           100 * mean(f, f->found[ALL].error, NULL, ALL));
    if (half)
        printf("; fitted to the 1st half: it %.1f %%, the 2nd, unseen, %.1f %%; to the 2nd: it %.1f %%, the "
               "1st, unseen, %.1f %%",
               100 * mean(f, first, NULL, FIRST), 100 * mean(f, first, NULL, SECOND),
               100 * mean(f, second, NULL, SECOND), 100 * mean(f, second, NULL, FIRST));
    putchar('\n');
}

/* ---- the whole ---- */

static bool check_measures(const Fit *f, Error *error)
{
    for (int i = 0; i < f->sets; i++)
        if (measure_column[f->set[i].measure].exact)
            return error_set(error, "--fit: %s has %s, which follows exactly; try sets of seconds",
                             f->set[i].path, measure_column[f->set[i].measure].name);
    return true;
}

static bool check_half(const Fit *f, Error *error)
{
    for (int i = 0; i < f->sets; i++)
        if (f->set[i].count < 2)
            return error_set(error, "--half: %s has one case, of which there is no half; try it without",
                             f->set[i].path);
    return true;
}

static bool some_key_matters(const Fit *f, Error *error)
{
    char name[FIT_NAME];
    for (int k = 0; k < f->keys.count; k++)
        if (f->matters[k]) return true;
    fit_key_name(&f->keys.key[0], name);
    return error_set(error, "--fit %s%s: does not matter: no case changes with it; try another key", name,
                     f->keys.count > 1 ? " and the others" : "");
}

static bool run(Fit *f, const char *keys, bool half, Error *error)
{
    enum { ROUNDS = 4 }; /* that a search takes, more or less */
    bool good = check_measures(f, error) && (!half || check_half(f, error)) &&
                fit_keys_read(&f->keys, keys, f->set, f->sets, error) &&
                fit_keys_begin(&f->keys, &f->cases, error);
    if (!good) return false;
    progress_begin(&f->progress, (half ? 2 : 1) * ROUNDS * (f->keys.count + 2.0) * f->cases.count,
                   PROGRESS_QUIET);
    good = as_it_was(f, error);
    for (Slice slice = ALL; good && slice <= (half ? SECOND : ALL); slice++) good = fit_to(f, slice, error);
    progress_end(&f->progress);
    return good && some_key_matters(f, error);
}

bool fit_cases(CaseSet *set, int sets, const char *keys, bool half, const RunOptions *options, Error *error)
{
    int count;
    Listed *list = cases_list(set, sets, &count);
    size_t bytes = (size_t)count * sizeof(double);
    Fit *f = allocate_zeroed(1, sizeof *f);
    *f = (Fit){.set = set, .sets = sets, .cases = {.options = options, .list = list, .count = count}};
    f->place = allocate((size_t)count * sizeof *f->place);
    f->before = allocate(bytes);
    for (Slice slice = ALL; slice < SLICES; slice++) f->found[slice].error = allocate(bytes);
    bool good = run(f, keys, half, error);
    if (good) print(f, half);
    for (Slice slice = ALL; slice < SLICES; slice++) free(f->found[slice].error);
    fit_keys_free(&f->keys);
    free(f->before);
    free(f->place);
    free(list);
    free(f);
    return good;
}
