/* schedules.c - the five schedules: in which order one rank computes.
 *
 * All are one body: warm up with some forwards, then one forward, one
 * backward, and so on, then the backwards still owed. They differ in how many
 * forwards they warm up with:
 *
 *   naive         0                           one microbatch is under way at a time
 *   gpipe         all                         Huang et al. 1811.06965
 *   1f1b          p - 1 - rank                PipeDream-flush, Narayanan et al. 2006.09503
 *   interleaved   2 (p - 1 - rank) + (v-1) p  Narayanan et al. 2104.04473, section 2.2
 *   zb-h1         p - 1 - rank                Qi et al. 2401.10241, section 2.3
 *
 * and zb-h1 cuts the backward in two, I and W. Nobody waits for a W, so rank r
 * holds its W back by r microbatches: I's come earlier on every rank, and the
 * W's left over fill what was the bubble at the end. On paper, for p = 4, m = 4:
 *
 *   rank 0   F0 F1 F2 F3 .. .. .. I0 W0 I1 W1 I2 W2 I3 W3
 *   rank 1   .. F0 F1 F2 .. .. I0 F3 I1 W0 I2 W1 I3 W2 W3
 *   rank 2   .. .. F0 F1 .. I0 F2 I1 F3 I2 W0 I3 W1 W2 W3
 *   rank 3   .. .. .. F0 I0 F1 I1 F2 I2 F3 I3 W0 W1 W2 W3
 */
#include "parallel/schedule/schedule.h"
#include <stdint.h>
#include <stdio.h>

enum { WHOLE = -1 }; /* the backward is not cut */

/* The k-th forward of a rank visits p microbatches on its first stage, the
 * same p on its second, and so on; backwards visit the stages in reverse. */
static void add_kth(Schedule *schedule, ActionKind kind, Shape s, int rank, int k)
{
    int chunk = k / s.p % s.v, microbatch = k / (s.p * s.v) * s.p + k % s.p;
    if (s.v == 1) chunk = 0, microbatch = k; /* microbatches in any number, not only in groups of p */
    if (kind != ACTION_FORWARD) chunk = s.v - 1 - chunk;
    schedule_add(schedule, kind, chunk * s.p + rank, microbatch);
}

static void add_backward(Schedule *schedule, Shape s, int rank, int k, int lag)
{
    add_kth(schedule, lag == WHOLE ? ACTION_BACKWARD : ACTION_INPUT, s, rank, k);
    if (lag != WHOLE && k >= lag) add_kth(schedule, ACTION_WEIGHT, s, rank, k - lag);
}

/* lag: by how many microbatches W stays behind I, or WHOLE */
static void write_list(Schedule *schedule, Shape s, int rank, int warm, int lag)
{
    int n = s.v * s.m;
    if (warm > n) warm = n;
    for (int k = 0; k < warm; k++) add_kth(schedule, ACTION_FORWARD, s, rank, k);
    for (int k = warm; k < n; k++) {
        add_kth(schedule, ACTION_FORWARD, s, rank, k);
        add_backward(schedule, s, rank, k - warm, lag);
    }
    for (int k = n - warm; k < n; k++) add_backward(schedule, s, rank, k, lag);
    for (int k = lag < n ? n - lag : 0; lag != WHOLE && k < n; k++)
        add_kth(schedule, ACTION_WEIGHT, s, rank, k);
}

static void naive(Schedule *schedule, Shape s, int rank)
{
    write_list(schedule, s, rank, 0, WHOLE);
}

static void gpipe(Schedule *schedule, Shape s, int rank)
{
    write_list(schedule, s, rank, s.m, WHOLE);
}

static void one_f_one_b(Schedule *schedule, Shape s, int rank)
{
    write_list(schedule, s, rank, s.p - 1 - rank, WHOLE);
}

static void interleaved(Schedule *schedule, Shape s, int rank)
{
    write_list(schedule, s, rank, 2 * (s.p - 1 - rank) + (s.v - 1) * s.p, WHOLE);
}

static void zb_h1(Schedule *schedule, Shape s, int rank)
{
    write_list(schedule, s, rank, s.p - 1 - rank, rank);
}

void schedule_write(Schedule *schedule, ScheduleKind kind, Shape shape, int rank)
{
    static void (*const writer[SCHEDULE_KINDS])(Schedule *, Shape, int) = {
        [SCHEDULE_NAIVE] = naive,      [SCHEDULE_GPIPE] = gpipe,
        [SCHEDULE_1F1B] = one_f_one_b, [SCHEDULE_INTERLEAVED] = interleaved,
        [SCHEDULE_ZB_H1] = zb_h1,
    };
    writer[kind](schedule, shape, rank);
}

bool schedule_possible(ScheduleKind kind, Shape s, Error *error)
{
    const char *name = schedule_name[kind];
    if (s.v < 1 || s.p < 1 || s.m < 1)
        return error_set(error,
                         "%s needs at least one stage a rank, one rank and one microbatch, not %d, %d and %d",
                         name, s.v, s.p, s.m);
    if ((int64_t)s.v * s.p * s.m > SCHEDULE_MOST)
        return error_set(
            error,
            "%s: stages a rank x ranks x microbatches = %d x %d x %d are more than a schedule can have, "
            "%d",
            name, s.v, s.p, s.m, SCHEDULE_MOST);
    if (kind != SCHEDULE_INTERLEAVED && s.v > 1)
        return error_set(error, "%s runs one stage a rank, not %d; try one, or the schedule interleaved",
                         name, s.v);
    if (kind != SCHEDULE_INTERLEAVED) return true;
    if (s.v == 1)
        return error_set(error, "interleaved needs two or more stages a rank and has 1, which is 1f1b; "
                                "try 1f1b, or 2 stages a rank");
    if (s.m % s.p)
        return error_set(
            error,
            "interleaved takes microbatches through each of a rank's stages in groups as large as the "
            "pipeline, and %d microbatch%s not whole groups of %d (%d left over)",
            s.m, s.m == 1 ? " is" : "es are", s.p, s.m % s.p);
    return true;
}
