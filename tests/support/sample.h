/* sample.h - what a benchmark prints: a line of CSV for each number that it measured, CASE,MEASURE,UNIT,ROUND,VALUE.
 * Numbers of one round were measured by turns, and can be set against each other; tests/bench.sh keeps them all, and
 * shows medians. */
#ifndef TESTS_SUPPORT_SAMPLE_H
#define TESTS_SUPPORT_SAMPLE_H

/* `of`: the case. Commas of the texts are left out. unit "1": a ratio. */
void sample(const char *of, const char *measure, const char *unit, int round, double value);
#endif
