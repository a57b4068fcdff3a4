/* cases.h - what others measured, or worked out, and published: a set of cases in NAME.csv, with what all of them
 * share in NAME.ini.
 *
 * The first line names the columns: case, source, ranks, one of what was measured (seconds, or another that measure.h
 * has, with the columns that say of what size: all_reduce_us with all_reduce_bytes, product_us with product_m, product_n
 * and product_k), and keys of a config (model.hidden), in any order; each other line is a case. A key's empty field
 * leaves it as the ini has it. No field has a comma or a quote. */
#ifndef SIM_VALIDATE_CASES_H
#define SIM_VALIDATE_CASES_H
#include "models/machine/error.h"
#include "sim/validate/measure.h"

enum { CASES_COLUMNS = 48, CASES_PATH = 512 };

typedef struct Case {
    const char *name, *source; /* where it was published: paper, table, row */
    int line;
    Measured measured;
    double published, predicted; /* in the unit of the set's measure */
    const char *printed;         /* the former, as the file has it */
    char *set[CASES_COLUMNS];    /* "section.key=value" */
    int sets;
} Case;

typedef struct CaseSet {
    char name[64], path[CASES_PATH], config[CASES_PATH]; /* NAME, the CSV, and the ini beside it */
    Measure measure;
    char *text; /* the file's, cut into fields */
    Case *item;
    int count;
} CaseSet;

/* Refuses with file, line and column. After a refusal, too, it is to be freed. */
bool cases_read(CaseSet *set, const char *path, Error *error);
void cases_free(CaseSet *set);
#endif
