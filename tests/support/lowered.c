/* lowered.c - plans as they run. */
#include "tests/support/lowered.h"
#include "tests/support/check.h"

Plan lowered(ScheduleKind kind, Shape shape)
{
    Plan plan;
    Error error;
    assert_true(plan_write(&plan, kind, shape, &error));
    plan_lower_messages(&plan);
    return plan;
}

Timeline walked(const Plan *plan, Ideal ideal)
{
    Timeline t;
    Error error = {""};
    Durations durations = timeline_ideal(&ideal);
    if (!timeline_walk(&t, plan, &durations, &error)) print_error("%s\n", error.text);
    assert_string_equal(error.text, "");
    return t;
}
