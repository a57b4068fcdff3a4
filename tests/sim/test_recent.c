/* test_recent.c - which step of a run is recorded action by action: not the last, with what else the machine did
 * then, but the median of the last 15. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/file/run_file.h"
#include "sim/run/run_record.h"
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

enum { RANKS = 2 };
static char folder[FOLDER], run_file[FOLDER + 16];

typedef struct Recorded {
    Record record[RANKS];
    Group *world[RANKS];
    int stride; /* of the times on rank 0's clock: 0, stride, 2 stride, ... modulo the steps */
} Recorded;

/* Marks each step's rows with its number. Rank 1's clock says otherwise. */
static void look(Trainer *t, const StepResult *result, void *context)
{
    Recorded *r = context;
    const int rank = t->comm->rank;
    const int64_t steps = t->config->train.steps;
    if (t->step == 0) {
        r->world[rank] = group_world(t->comm, CHANNELS);
        record_begin(&r->record[rank], t, r->world[rank], NULL, "test_recent", 0);
    }
    for (int i = 0; i < trainer_list(t)->count; i++) t->laps.measured[i].end = (double)t->step;
    t->device.lanes.spent[PART_COMPUTE] = (double)t->step;
    record_step_begin(&r->record[rank]);
    record_step(&r->record[rank], t->step, result,
                rank ? (double)-t->step : (double)(t->step * r->stride % steps));
    if (t->step + 1 < steps) return;
    record_end(&r->record[rank], false);
    record_free(&r->record[rank]);
    group_free(r->world[rank]);
}

/* Runs that many steps, and returns which of them the file holds. */
static double recorded_step(int steps, int stride)
{
    Recorded recorded = {.stride = stride};
    Error error = {""};
    Case c = case_of_words(steps, "parallel.data=zero1 output.file=%s", run_file);
    c.look = look;
    c.context = &recorded;
    remove(run_file);
    assert_true(case_virtual(&c, RANKS));
    case_free(&c);
    RunFile *file = run_file_open(run_file, &error);
    assert_string_equal(error.text, "");
    TimelineRow *rows = run_file_actions(file, &error);
    double step = file->timed_step, *seconds = run_file_first(file, "/breakdown/simulated", RANKS, &error);
    assert_true(rows && seconds && file->actions > RANKS);
    for (size_t i = 0; i < file->actions; i++) assert_true(rows[i].measured_end == step);
    for (size_t r = 0; r < RANKS; r++) assert_true(seconds[r * file->parts + PART_COMPUTE] == step);
    free(rows);
    free(seconds);
    run_file_close(file);
    return step;
}

static void the_median_is_recorded(void **state)
{
    (void)state;
    assert_true(recorded_step(1, 1) == 0);
    assert_true(recorded_step(2, 1) == 0);   /* of 0 and 1 the shorter */
    assert_true(recorded_step(3, 2) == 2);   /* 0 2 1 */
    assert_true(recorded_step(20, 7) == 13); /* 15 2 9 16 3 10 17 4 11 18 5 12 19 6 13 from step 5 on: 11 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_median_is_recorded)};
    if (folder_make(folder)) return 1;
    snprintf(run_file, sizeof run_file, "%s/run.h5", folder);
    int failed = cmocka_run_group_tests_name("recent", tests, NULL, NULL);
    return folder_remove(folder) || failed;
}
