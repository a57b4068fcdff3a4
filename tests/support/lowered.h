/* lowered.h - plans with their messages, and the walk of one in ideal seconds. */
#ifndef TESTS_SUPPORT_LOWERED_H
#define TESTS_SUPPORT_LOWERED_H
#include "parallel/schedule/timeline.h"

/* The plan of a schedule with its sends and receives; asserts that there is one. The caller frees it. */
Plan lowered(ScheduleKind kind, Shape shape);
/* Its walk; asserts that it ends. The caller frees it. */
Timeline walked(const Plan *plan, Ideal ideal);
#endif
