/* rows.c - from rows to ranks. */
#include "sim/run/rows.h"

static bool has_second(const Group *world)
{
    return world->walked && (world->walks == 1 || world->walked[1] > 1);
}

size_t rows_of(const Group *world)
{
    return (size_t)group_walks(world) + has_second(world);
}

bool rows_is_second(const Group *world, size_t row)
{
    return row == 1 && has_second(world);
}

size_t rows_report(const Group *world, size_t row)
{
    return row - (row > 0 && has_second(world));
}

int rows_rank(const Group *world, size_t row)
{
    return rows_is_second(world, row) ? 1 : group_walked(world, (int)rows_report(world, row));
}

int rows_stand_for(const Group *world, size_t report)
{
    int i = (int)report, next = i + 1 < group_walks(world) ? group_walked(world, i + 1) : world->size;
    return next - group_walked(world, i);
}
