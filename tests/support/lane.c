/* lane.c - beginning a lane, and comparing it. */
#include "tests/support/lane.h"
#include <math.h>

const Link LANE_LINK = {.latency = 0.5, .seconds_per_byte = 1.0 / 64};

void lane_begin(Comm *comm, Lanes *lanes)
{
    comm->network = network_flat(LANE_LINK);
    comm->lanes = lanes;
    comm_begin_step(comm);
    lanes_resume(lanes);
}

double lane_sum_of_parts(const Lanes *lanes)
{
    double sum = 0;
    for (int p = 0; p < PARTS; p++) sum += lanes->spent[p];
    return sum;
}

bool lane_near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

void lane_expect(Findings *f, const Lanes *lanes, int rank, double now, double idle, double wire)
{
    const double *spent = lanes->spent;
    expect(f,
           lane_near(lanes->now, now) && lane_near(spent[PART_PP_IDLE], idle) &&
               lane_near(spent[PART_PP_WIRE], wire),
           "rank %d: at %.17g, idle %.17g, wire %.17g, not %.17g, %.17g, %.17g", rank, lanes->now,
           spent[PART_PP_IDLE], spent[PART_PP_WIRE], now, idle, wire);
    expect(f, lane_near(lane_sum_of_parts(lanes), lanes->now),
           "rank %d: the parts sum to %.17g, not to %.17g", rank, lane_sum_of_parts(lanes), lanes->now);
}
