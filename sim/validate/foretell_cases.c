/* foretell_cases.c - a job a case. */
#include "sim/validate/foretell_cases.h"
#include "parallel/wire/cores.h"
#include "sim/base/workers.h"

Listed *cases_list(CaseSet *set, int sets, int *count)
{
    *count = 0;
    for (int i = 0; i < sets; i++) *count += set[i].count;
    Listed *list = allocate((size_t)*count * sizeof *list), *next = list;
    for (int i = 0; i < sets; i++)
        for (int k = 0; k < set[i].count; k++) *next++ = (Listed){&set[i], &set[i].item[k]};
    return list;
}

RunOptions case_options(const Foretelling *f, int i, const char *keys[FORETELL_SETS])
{
    const Case *item = f->list[i].item;
    RunOptions run = *f->options;
    int count = 0;
    for (int k = 0; k < item->sets; k++) keys[count++] = item->set[k];
    for (int k = 0; k < run.set_count; k++) keys[count++] = run.sets[k];
    if (f->more) count += f->more(f->context, i, keys + count);
    run.config = f->list[i].set->config;
    run.sets = keys;
    run.set_count = count;
    run.dry = true;
    return run;
}

static bool foretell_case(const void *context, int i, void *result, Error *error)
{
    const Foretelling *f = context;
    const Listed *at = &f->list[i];
    const char *keys[FORETELL_SETS];
    const RunOptions run = case_options(f, i, keys);
    Error why;
    return measure_foretell(&at->item->measured, &run, result, &why) ||
           error_set(error, "%s:%d: %s", at->set->path, at->item->line, why.text);
}

bool cases_foretell(const Foretelling *f, double *foretold, Error *error)
{
    bool lost = false;
    const Jobs jobs = {.count = f->count,
                       .result = sizeof *foretold,
                       .perform = foretell_case,
                       .context = f,
                       .tell = f->tell,
                       .listener = f->listener,
                       .lost = &lost};
    bool good = workers_perform(&jobs, cores_of_process(), foretold, error);
    if (lost) fail("validate: %s", error->text);
    return good;
}
