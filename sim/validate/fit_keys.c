/* fit_keys.c - from words to numbers that may move. */
#include "sim/validate/fit_keys.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/cores.h"
#include "sim/base/words.h"
#include "sim/base/workers.h"
#include "sim/config/parse.h"

void fit_key_name(const FitKey *key, char name[FIT_NAME])
{
    snprintf(name, FIT_NAME, "%s%s%s.%s", key->set ? key->set->name : "", key->set ? ":" : "",
             key->row->section, key->row->key);
}

/* ---- words ---- */

static bool find_set(FitKey *key, const char *name, const CaseSet *set, int sets, Error *error)
{
    const char *names[SEARCH_MOST * 4 + 1] = {NULL};
    char shown[100], list[512];
    for (int i = 0; i < sets; i++) {
        if (!strcmp(set[i].name, name) && key->set)
            return error_set(error, "--fit %s:...: two sets here, %s and %s; try another name for one", name,
                             key->set->path, set[i].path);
        if (!strcmp(set[i].name, name)) key->set = &set[i];
        if (i < SEARCH_MOST * 4) names[i] = set[i].name;
    }
    if (key->set) return true;
    words_show(shown, sizeof shown, name);
    words_join(list, sizeof list, names);
    return error_set(error, "--fit %s:...: no such set here; try one of %s", shown, list);
}

static bool find_row(FitKey *key, const char *name, Error *error)
{
    char shown[100], section[64] = "", why[512];
    const char *dot = strchr(name, '.');
    int index = config_row_named(name);
    words_show(shown, sizeof shown, name);
    if (!dot) return error_set(error, "--fit %s: no section before the key; try --fit chip.sustained", shown);
    if (index < 0) {
        snprintf(section, sizeof section, "%.*s", (int)(dot - name), name);
        config_row_unknown(section, dot + 1, why, sizeof why);
        return error_set(error, "--fit %s: %s", shown, why);
    }
    key->row = config_row_at(index);
    if (key->row->type == ROW_NUMBER) return true;
    return error_set(error, "--fit %s: %s, and a fit moves numbers little by little; try --set %s=%s", shown,
                     key->row->type == ROW_INTEGER ? "a whole number" : "not a number", shown,
                     key->row->example);
}

/* "SET:section.key", cut in place. */
static bool read_key(FitKey *key, char *word, const CaseSet *set, int sets, Error *error)
{
    char *colon = strchr(word, ':');
    *key = (FitKey){.row = NULL};
    if (colon) *colon = '\0';
    return (!colon || find_set(key, word, set, sets, error)) &&
           find_row(key, colon ? colon + 1 : word, error);
}

static int by_place(const void *a, const void *b)
{
    const FitKey *first = a, *second = b;
    int one = config_row_find(first->row->section, first->row->key);
    int other = config_row_find(second->row->section, second->row->key);
    if (first->set != second->set) return !first->set || (second->set && first->set < second->set) ? -1 : 1;
    return (one > other) - (one < other);
}

bool fit_keys_read(FitKeys *keys, const char *text, const CaseSet *set, int sets, Error *error)
{
    char *copy = words_copy(text), *rest = copy, *word, name[FIT_NAME];
    bool good = true;
    *keys = (FitKeys){.count = 0};
    while (good && (word = strsep(&rest, ","))) {
        word += strspn(word, " ");
        if (keys->count == FIT_KEYS)
            good = error_set(error, "--fit: more than %d keys; try fewer, as cases tell few apart", FIT_KEYS);
        else
            good = read_key(&keys->key[keys->count], word, set, sets, error);
        keys->count += good;
    }
    qsort(keys->key, (size_t)keys->count, sizeof *keys->key, by_place);
    for (int k = 1; good && k < keys->count; k++) {
        fit_key_name(&keys->key[k], name);
        if (by_place(&keys->key[k - 1], &keys->key[k]) == 0)
            good = error_set(error, "--fit %s: given twice; try it once", name);
    }
    free(copy);
    return good;
}

/* ---- where they begin ---- */

typedef struct Begin {
    bool has[FIT_KEYS];
    double value[FIT_KEYS];
} Begin;

typedef struct Look {
    const FitKeys *keys;
    const Foretelling *cases;
} Look;

/* Whether a key of that set's own stands in for one of all sets. */
static bool is_own(const FitKeys *keys, const ConfigRow *row, const CaseSet *set)
{
    for (int k = 0; k < keys->count; k++)
        if (keys->key[k].row == row && keys->key[k].set == set) return true;
    return false;
}

static bool look(const void *context, int i, void *result, Error *error)
{
    const Look *l = context;
    const Listed *at = &l->cases->list[i];
    const char *sets[FORETELL_SETS];
    const RunOptions run = case_options(l->cases, i, sets);
    Begin *begin = result;
    Error why;
    Config *config = allocate(sizeof *config);
    ConfigSource source = {.name = run.config, .sets = run.sets, .set_count = run.set_count};
    bool good = config_load(config, source, run.program_directory, &why);
    for (int k = 0; good && k < l->keys->count; k++) {
        const FitKey *key = &l->keys->key[k];
        begin->has[k] = config_row_applies(key->row, config) &&
                        (key->set ? key->set == at->set : !is_own(l->keys, key->row, at->set));
        memcpy(&begin->value[k], (const char *)config + key->row->offset, sizeof begin->value[k]);
    }
    if (good) config_free(config);
    free(config);
    return good || error_set(error, "%s:%d: %s", at->set->path, at->item->line, why.text);
}

/* All that have it begin alike. */
static bool agree(FitKeys *keys, int k, const Begin *begin, const Foretelling *cases, Error *error)
{
    FitKey *key = &keys->key[k];
    char name[FIT_NAME];
    int first = -1;
    fit_key_name(key, name);
    for (int i = 0; i < cases->count; i++) {
        if (!begin[i].has[k]) continue;
        keys->has[i] |= 1u << k;
        if (first < 0) first = i;
        if (begin[i].value[k] == begin[first].value[k]) continue;
        const Listed *a = &cases->list[first], *b = &cases->list[i];
        return error_set(error,
                         "--fit %s: begins at %g in %s (%s) and at %g in %s (%s); try sets of one machine, "
                         "SET:%s.%s, or --set %s.%s=%g to begin alike",
                         name, begin[first].value[k], a->set->name, a->item->name, begin[i].value[k],
                         b->set->name, b->item->name, key->row->section, key->row->key, key->row->section,
                         key->row->key, begin[first].value[k]);
    }
    if (first < 0)
        return error_set(error, "--fit %s: has an effect in no case here; try leaving it out", name);
    key->start = begin[first].value[k];
    return true;
}

bool fit_keys_begin(FitKeys *keys, const Foretelling *cases, Error *error)
{
    const Look context = {keys, cases};
    Begin *begin = allocate((size_t)cases->count * sizeof *begin);
    const Jobs jobs = {.count = cases->count, .result = sizeof *begin, .perform = look, .context = &context};
    bool good = workers_perform(&jobs, cores_of_process(), begin, error);
    keys->has = allocate_zeroed((size_t)cases->count, sizeof *keys->has);
    for (int k = 0; good && k < keys->count; k++) good = agree(keys, k, begin, cases, error);
    free(begin);
    return good;
}

void fit_keys_free(FitKeys *keys)
{
    free(keys->has);
    *keys = (FitKeys){.count = 0};
}

/* ---- numbers ---- */

/* An end that is out of the range is come near to. */
SearchNumber fit_key_number(const FitKey *key)
{
    const ConfigRow *row = key->row;
    double size = key->start != 0 ? fabs(key->start) : fabs(strtod(row->example, NULL));
    double beside = 1e-6 * size;
    return (SearchNumber){.value = key->start,
                          .low = row->low + (row->low_out ? beside : 0),
                          .high = row->high - (row->high_out ? beside : 0),
                          .least = size > 0 ? size / 20 : 1};
}

double fit_key_round(const FitKey *key, double value)
{
    char text[32];
    const SearchNumber range = fit_key_number(key);
    snprintf(text, sizeof text, "%.4g", value);
    double rounded = strtod(text, NULL);
    return rounded >= range.low && rounded <= range.high ? rounded : value;
}
