/* test_grid.c - places and members of the grid: by the drawing in grid.h, and by what they mean. */
#include <string.h>
#include "parallel/grid.h"
#include "tests/support/check.h"

enum { MOST = 72 };

static void members_are(MeshShape shape, int rank, unsigned axes, const int *expected, int count)
{
    int member[MOST];
    assert_int_equal(mesh_members(shape, rank, axes, member), count);
    assert_memory_equal(member, expected, (size_t)count * sizeof *member);
}

static void groups_as_drawn(void **state)
{
    (void)state;
    const MeshShape cube = mesh_shape(8, 2, 2, 1);
    assert_int_equal(cube.dp, 2);
    members_are(cube, 3, AXIS_TENSOR, (int[]){2, 3}, 2);
    members_are(cube, 6, AXIS_DATA, (int[]){4, 6}, 2);
    members_are(cube, 5, AXIS_PIPE, (int[]){1, 5}, 2);
    members_are(cube, 5, AXIS_PIPE + AXIS_TENSOR, (int[]){0, 1, 4, 5}, 4);
    members_are(cube, 5, AXIS_NONE, (int[]){5}, 1);
    /* pp 2 x dp 3 x tp 2 */
    const MeshPlace place = mesh_place(mesh_shape(12, 2, 2, 1), 9);
    assert_true(place.pipe == 1 && place.data == 1 && place.tensor == 1);
    members_are(mesh_shape(12, 2, 2, 1), 9, AXIS_DATA, (int[]){7, 9, 11}, 3);
    const MeshShape experts = mesh_shape(16, 2, 2, 2);
    members_are(experts, 3, AXIS_DATA, (int[]){1, 3, 5, 7}, 4);
    members_are(experts, 3, AXIS_EXPERT, (int[]){1, 3}, 2);
    members_are(experts, 3, AXIS_EXPERT_DATA, (int[]){3, 7}, 2);
    members_are(experts, 12, AXIS_EXPERT, (int[]){12, 14}, 2);
    members_are(experts, 12, AXIS_EXPERT_DATA, (int[]){8, 12}, 2);
}

static bool agree(MeshPlace a, MeshPlace b, int ep, unsigned but)
{
    bool along = but & (AXIS_DATA | AXIS_EXPERT_DATA), inside = but & (AXIS_DATA | AXIS_EXPERT);
    return (but & AXIS_PIPE || a.pipe == b.pipe) && (but & AXIS_TENSOR || a.tensor == b.tensor) &&
           (along || a.data / ep == b.data / ep) && (inside || a.data % ep == b.data % ep);
}

/* For every rank of a shape and every set of axes: the members are the ranks that agree on the other axes. */
static void expect_members(MeshShape shape)
{
    int ranks = mesh_ranks(shape), member[MOST];
    for (int rank = 0; rank < ranks; rank++) {
        const MeshPlace place = mesh_place(shape, rank);
        assert_int_equal(mesh_rank(shape, place), rank);
        assert_true(place.pipe < shape.pp && place.data < shape.dp && place.tensor < shape.tp);
        for (unsigned axes = 0; axes < 2 * AXIS_EXPERT_DATA; axes++) {
            int count = mesh_members(shape, rank, axes, member), seen = 0;
            for (int other = 0; other < ranks; other++)
                if (agree(place, mesh_place(shape, other), shape.ep, axes))
                    assert_int_equal(member[seen++], other);
            assert_int_equal(seen, count);
        }
    }
}

static void members_differ_along_their_axes_only(void **state)
{
    (void)state;
    for (int pp = 1; pp <= 4; pp++)
        for (int dp = 1; dp <= 6; dp++)
            for (int tp = 1; tp <= 3; tp++)
                for (int ep = 1; ep <= dp; ep++)
                    if (dp % ep == 0) expect_members(mesh_shape(pp * dp * tp, pp, tp, ep));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_as_drawn),
        cmocka_unit_test(members_differ_along_their_axes_only),
    };
    return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
