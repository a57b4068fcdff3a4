/* remedy.h - what would make a run fit into its accelerators' memory: other values of single keys, each tried. */
#ifndef SIM_THEORY_REMEDY_H
#define SIM_THEORY_REMEDY_H
#include "sim/config/config.h"

typedef struct Remedy {
    char set[64]; /* "train.recompute = full", or two of them */
    double bytes; /* of the rank that then holds the most */
} Remedy;

enum { REMEDIES = 8 };

/* The most that a rank holds by the formulas (theory.h); NaN where none stands, as of a user's own schedule. */
double theory_most_held(const Config *config, int ranks);

/* Of each key the mildest value under which no rank of as many holds more than `capacity`, by the formulas and `beside`
 * bytes that they leave out; where no key does it alone, the first two keys that do together. Returns how many. */
int theory_remedies(const Config *config, int ranks, double beside, double capacity, Remedy remedy[REMEDIES]);
#endif
