/* fit_keys.h - the keys that a fit moves: which they are, where they begin, and which cases have them. */
#ifndef SIM_VALIDATE_FIT_KEYS_H
#define SIM_VALIDATE_FIT_KEYS_H
#include "sim/config/rows.h"
#include "sim/validate/foretell_cases.h"
#include "sim/validate/search.h"

enum { FIT_KEYS = SEARCH_MOST };

typedef struct FitKey {
    const ConfigRow *row;
    const CaseSet *set; /* whose alone it is, or NULL */
    double start;       /* in every case that has it */
} FitKey;

typedef struct FitKeys {
    int count;
    FitKey key[FIT_KEYS]; /* those of all sets first; in the order of the table */
    unsigned *has;        /* of each case in the list, bit k: it has key k */
} FitKeys;

/* Reads "chip.sustained,korthikanti-2022:software.launch_us". Refuses what is no key, is no number that a fit could
 * move a little, is given twice, or is of a set that is not there. */
bool fit_keys_read(FitKeys *keys, const char *text, const CaseSet *set, int sets, Error *error);
/* Looks up where each key begins in every case; refuses one that begins differently in two of them, and one that none
 * has. After a refusal, too, to be freed. */
bool fit_keys_begin(FitKeys *keys, const Foretelling *cases, Error *error);
void fit_keys_free(FitKeys *keys);

/* "korthikanti-2022:chip.sustained", as it was asked for. */
enum { FIT_NAME = 160 };
void fit_key_name(const FitKey *key, char name[FIT_NAME]);
/* Where it stands for the search: its start, range, and smallest size. */
SearchNumber fit_key_number(const FitKey *key);
/* Four digits of a value, where its range has them. */
double fit_key_round(const FitKey *key, double value);
#endif
