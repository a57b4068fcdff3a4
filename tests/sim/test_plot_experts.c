/* test_plot_experts.c - the charts of experts' load: who chose whom is known of every step, and so each number drawn. */
#include "tests/support/check.h"
#include "tests/support/made_up.h"
#include "tests/support/plot_place.h"

#define CHARTS "expert_load,expert_imbalance"

/* Two layers, even for two steps and collapsed for two. */
static void one_run(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 2, .steps = 4, .sparse_layers = 2});
    if (PLOT(place, in_folder(place, "a.h5"), "--charts", CHARTS)) fail_msg("%s", place->said);
    assert_drawn_png(place, "a-charts", "expert_load");
    assert_drawn_png(place, "a-charts", "expert_imbalance");
    const char *gp = in_folder(place, "a-charts/expert_load.gp");
    assert_file_says(gp, "TITLE = 'Load of experts: a'\n");
    assert_file_says(gp, "SUBTITLE2 = '1: as many tokens as when all experts have the same'\n");
    assert_file_says(gp, "STEP_FIRST = 1.0\nSTEP_LAST = 4.0\nHIGHEST = 4.0\nCELLS = 32\nPANELS = 2\n");
    assert_file_says(gp,
                     "HEAD[1] = 'layer 1, 4 experts. In the end the fullest has 4.00 times the even load, "
                     "the emptiest 0.00'\nLABEL[1] = ''\n");
    assert_file_says(gp, "HEAD[2] = 'layer 2, 4 experts.");
    assert_file_says(gp, "$D << EOD\n1 1 4 4\n1 1 0 0\n1 1 0 0\n1 1 0 0\n\n\n1 1 4 4\n");
    gp = in_folder(place, "a-charts/expert_imbalance.gp");
    assert_file_says(gp, "SUBTITLE2 = '1: all experts have the same load'\n");
    assert_file_says(gp, "array NAMES[2] = ['layer 1', 'layer 2']\n");
    assert_file_says(gp, "HIGHEST = 4.0\n");
    assert_file_says(gp, "$D << EOD\n1 1\n2 1\n3 4\n4 4\n\n\n1 1\n");
}

/* What does not fit is said, of layers and of steps. */
static void many_layers_and_steps(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 1, .steps = 605, .sparse_layers = 10});
    assert_int_equal(PLOT_CHART(place, CHARTS, in_folder(place, "a.h5")), 0);
    assert_drawn(place, "a-charts", "expert_load");
    assert_drawn(place, "a-charts", "expert_imbalance");
    const char *gp = in_folder(place, "a-charts/expert_load.gp");
    assert_file_says(gp, ". 4 of 10 layers with experts; the others are left out. "
                         "A column: the mean of 3 steps'\n");
    assert_file_says(gp, "HEAD[1] = 'layer 1,");
    assert_file_says(gp, "HEAD[2] = 'layer 4,");
    assert_file_says(gp, "HEAD[3] = 'layer 7,");
    assert_file_says(gp, "HEAD[4] = 'layer 10,");
    assert_file_says(gp, " 1 1 2 4 4 "); /* collapsed after two of that column's three steps */
    gp = in_folder(place, "a-charts/expert_imbalance.gp");
    assert_file_says(gp, ". 8 of 10 layers with experts; the others are left out. "
                         "A point: the mean of 3 steps'\n");
    assert_file_says(
        gp, "'layer 1', 'layer 2', 'layer 4', 'layer 5', 'layer 6', 'layer 7', 'layer 9', 'layer 10'");
    assert_file_says(gp, "\n299 1\n302 2\n305 4\n");
    assert_file_says(gp, "\n602 4\n604.5 4\n"); /* the last column has two */
}

static void several_runs(void **state)
{
    PlotPlace *place = *state;
    record_made_up(in_folder(place, "a.h5"), (MadeUp){.ranks = 2, .steps = 4, .sparse_layers = 2});
    record_made_up(in_folder(place, "b.h5"), (MadeUp){.ranks = 2, .steps = 6, .sparse_layers = 3});
    record_made_up(in_folder(place, "c.h5"), (MadeUp){.ranks = 2, .steps = 4});
    assert_int_equal(PLOT_CHART(place, CHARTS, in_folder(place, "a.h5"), in_folder(place, "b.h5"),
                                in_folder(place, "c.h5")),
                     0);
    assert_says(place->said, "expert_load         leaves out c: no layer has experts\n");
    assert_says(place->said, "expert_imbalance    leaves out c: no layer has experts\n");
    assert_drawn(place, "a+b+c-charts", "expert_load");
    assert_drawn(place, "a+b+c-charts", "expert_imbalance");
    const char *gp = in_folder(place, "a+b+c-charts/expert_load.gp");
    assert_file_says(gp, ". Of each run its last layer with experts'\n");
    assert_file_says(gp, "STEP_LAST = 6.0\nHIGHEST = 4.0\nCELLS = 40\nPANELS = 2\n");
    assert_file_says(gp, "HEAD[2] = 'layer 3, 4 experts.");
    assert_file_says(gp, "LABEL[2] = 'b'\n");
    gp = in_folder(place, "a+b+c-charts/expert_imbalance.gp");
    assert_file_says(gp, ". Of each run the layer that is then most uneven'\n");
    assert_file_says(gp, "array NAMES[2] = ['a', 'b']\n");
    assert_file_says(gp, "$D << EOD\n1 1\n2 1\n3 4\n4 4\n\n\n1 1\n2 1\n3 1\n4 4\n5 4\n6 4\nEOD\n");
}

/* A run that was killed is drawn as far as it went; one without any load is not. */
static void odd_runs(void **state)
{
    static const struct {
        MadeUp made;
        const char *why;
    } cases[] = {
        {{.ranks = 2, .steps = 1, .sparse_layers = 1, .unfinished = true}, NULL},
        {{.ranks = 2, .steps = 0, .sparse_layers = 1}, "no step was finished"},
        {{.ranks = 2, .steps = 1, .sparse_layers = 1, .dry = true}, "a dry run assumes the load of experts"},
        {{.ranks = 2, .steps = 3}, "no layer has experts"},
    };
    PlotPlace *place = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[32], line[128];
        snprintf(out, sizeof out, "out %zu", i);
        record_made_up(in_folder(place, "run.h5"), cases[i].made);
        assert_int_equal(
            PLOT_CHART(place, CHARTS, in_folder(place, "run.h5"), "--out", in_folder(place, out)), 0);
        if (cases[i].why) {
            snprintf(line, sizeof line, "expert_load         skipped: %s\n", cases[i].why);
            assert_says(place->said, line);
            snprintf(line, sizeof line, "expert_imbalance    skipped: %s\n", cases[i].why);
            assert_says(place->said, line);
        } else {
            assert_drawn(place, out, "expert_load");
            assert_drawn(place, out, "expert_imbalance");
        }
    }
}

/* More heat maps than fit one picture. */
static void too_many_runs(void **state)
{
    PlotPlace *place = *state;
    for (int i = 0; i < 9; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.h5", i);
        record_made_up(in_folder(place, name), (MadeUp){.ranks = 1, .steps = 2, .sparse_layers = 1});
    }
    assert_int_equal(PLOT_CHART(place, CHARTS, place->folder, "--out", in_folder(place, "out")), 0);
    assert_says(place->said, "expert_load         skipped: 9 heat maps are too many; give at most 8 runs\n");
    assert_drawn(place, "out", "expert_imbalance");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_run, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(many_layers_and_steps, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(several_runs, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(odd_runs, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(too_many_runs, plot_setup, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
