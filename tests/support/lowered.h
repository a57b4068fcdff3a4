/* lowered.h - plans with their messages, and the walk of one in ideal seconds. */
#ifndef TESTS_SUPPORT_LOWERED_H
#define TESTS_SUPPORT_LOWERED_H
#include "parallel/schedule/timeline.h"
#include "tests/support/check.h"

static inline Plan lowered(ScheduleKind kind, Shape shape)
{
    Plan plan;
    Error error;
    assert_true(plan_write(&plan, kind, shape, &error));
    plan_lower_messages(&plan);
    return plan;
}

static inline Timeline walked(const Plan *plan, Ideal ideal)
{
    Timeline t;
    Error error = {""};
    Durations durations = timeline_ideal(&ideal);
    if (!timeline_walk(&t, plan, &durations, &error)) print_error("%s\n", error.text);
    assert_string_equal(error.text, "");
    return t;
}
#endif
