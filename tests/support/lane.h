/* lane.h - a rank's lane of simulated time in a test: begun, and held against what it should have spent. */
#ifndef TESTS_SUPPORT_LANE_H
#define TESTS_SUPPORT_LANE_H
#include "tests/support/ranks.h"

/* Halves of halves, so that sums are exact. */
extern const Link LANE_LINK;
enum { LANE_BYTES = 96, LANE_WIRE = 2 }; /* what so many bytes take: 0.5 + 96 / 64 */

/* At 0 and computing, over that link. */
void lane_begin(Comm *comm, Lanes *lanes);
double lane_sum_of_parts(const Lanes *lanes);
bool lane_near(double a, double b);
/* Where it is, and how long it waited for others and for the wire. Only a pipeline's purposes tell these apart, so
 * whatever waits here has one. */
void lane_expect(Findings *f, const Lanes *lanes, int rank, double now, double idle, double wire);
#endif
