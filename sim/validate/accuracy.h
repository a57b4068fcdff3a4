/* accuracy.h - how far off what was foretold of cases is. */
#ifndef SIM_VALIDATE_ACCURACY_H
#define SIM_VALIDATE_ACCURACY_H
#include "sim/validate/cases.h"

/* Of a prediction: 0.05 where it is 5 % too long. */
double case_error(const Case *item);
/* The mean of the sizes of these, and the case of the largest. */
double cases_mean(const CaseSet *set);
const Case *cases_worst(const CaseSet *set);
/* All cases, the largest first; to be freed. */
const Case **cases_by_error(const CaseSet *set);

/* Of an exact measure: whether what is foretold is the number that was printed, rounded to as many digits, or cut off
 * behind them. */
typedef enum { AGREES, CUT_OFF, DIFFERS } Agreement;
Agreement case_agreement(const Case *item);
/* Digits behind the point of the number that was printed. */
int case_digits(const Case *item);
#endif
