/* search.h - numbers, each in a range, that make the weighted mean size of many errors least.
 *
 * Each round moves one number after another a little, so that every error is a line in all of them, looks for the least
 * on these lines inside a box around where it stands, and goes there if it is better there: if not, the box was too
 * large. As many evaluations a round as there are numbers, and a few; the same ones every time. */
#ifndef SIM_VALIDATE_SEARCH_H
#define SIM_VALIDATE_SEARCH_H
#include <stdbool.h>
#include "models/machine/error.h"

enum { SEARCH_MOST = 16, SEARCH_ROUNDS = 12 };

typedef struct SearchNumber {
    double value;     /* where the search begins, and then what it found */
    double low, high; /* its range, which the search does not leave */
    double least;     /* above 0: a step is no smaller share of this than of the value */
    bool matters;     /* found: some error changes with it */
    int like; /* and in the end all do as with number like - 1: one of the two is enough; 0: as with none */
} SearchNumber;

typedef struct Search {
    int numbers, errors;
    SearchNumber number[SEARCH_MOST];
    const double *weight; /* of each error; they add up to 1 */
    /* All errors at these values. False ends the search. */
    bool (*evaluate)(void *context, const double *value, double *error, Error *why);
    void *context;
    /* found: how often that was called, and the mean at the beginning and at the end */
    int evaluations;
    double before, after;
} Search;

bool search_least(Search *search, Error *why);
#endif
