/* foretell_cases.h - a dry run for each of a list of cases, over the cores. */
#ifndef SIM_VALIDATE_FORETELL_CASES_H
#define SIM_VALIDATE_FORETELL_CASES_H
#include "sim/run/options.h"
#include "sim/validate/cases.h"

/* A case, in a list of those of several sets. */
typedef struct Listed {
    const CaseSet *set;
    Case *item;
} Listed;

/* All cases of some sets, one set behind the other; to be freed. */
Listed *cases_list(CaseSet *set, int sets, int *count);

enum { FORETELL_KEYS = 16 };

typedef struct Foretelling {
    const RunOptions *options; /* what is set for every case, over its own */
    const Listed *list;
    int count;
    /* What case i has besides, over all else: "section.key=value", FORETELL_KEYS of them at most; returns how many. Or
     * NULL. */
    int (*more)(const void *context, int i, const char *keys[FORETELL_KEYS]);
    const void *context;
    void (*tell)(void *listener, int done); /* or NULL */
    void *listener;
} Foretelling;

/* What is foretold of each case, by its place in the list; false with the file and the line of the first case, in order,
 * that is refused. */
bool cases_foretell(const Foretelling *f, double *foretold, Error *error);

/* What a case asks a dry run for, with `keys` in the memory of whoever asks: room for that many. */
enum { FORETELL_SETS = CASES_COLUMNS + 64 + FORETELL_KEYS };
RunOptions case_options(const Foretelling *f, int i, const char *keys[FORETELL_SETS]);
#endif
