/* accuracy.c - errors of a set in a few numbers, and digits. */
#include "sim/validate/accuracy.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double case_error(const Case *item)
{
    return item->predicted / item->published - 1;
}

double cases_mean(const CaseSet *set)
{
    double sum = 0;
    for (int i = 0; i < set->count; i++) sum += fabs(case_error(&set->item[i]));
    return sum / set->count;
}

const Case *cases_worst(const CaseSet *set)
{
    const Case *worst = set->item;
    for (int i = 1; i < set->count; i++)
        if (fabs(case_error(&set->item[i])) > fabs(case_error(worst))) worst = &set->item[i];
    return worst;
}

/* As they stand where two are as far off. */
static int by_error(const void *a, const void *b)
{
    const Case *first = *(const Case *const *)a, *second = *(const Case *const *)b;
    double one = fabs(case_error(first)), other = fabs(case_error(second));
    if (one != other) return one > other ? -1 : 1;
    return first < second ? -1 : 1;
}

const Case **cases_by_error(const CaseSet *set)
{
    const Case **list = allocate((size_t)set->count * sizeof *list);
    for (int i = 0; i < set->count; i++) list[i] = &set->item[i];
    qsort((void *)list, (size_t)set->count, sizeof *list, by_error);
    return list;
}

/* ---- to the last digit ---- */

int case_digits(const Case *item)
{
    const char *point = strchr(item->printed, '.');
    return point ? (int)strlen(point + 1) : 0;
}

/* Half a unit is rounded up; a billionth of one is what adding leaves. */
Agreement case_agreement(const Case *item)
{
    double unit = pow(10, -case_digits(item)), printed = round(item->published / unit),
           own = item->predicted / unit + 1e-9;
    if (floor(own + 0.5) == printed) return AGREES;
    return floor(own) == printed ? CUT_OFF : DIFFERS;
}
