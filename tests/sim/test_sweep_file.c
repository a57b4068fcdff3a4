/* test_sweep_file.c - what a sweep leaves: its picture, its table on the disk, which is refused where it is damaged, and
 * nothing where it is ended before the time. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/base/standard.h"
#include "sim/file/h5.h"
#include "sim/sweep/sweep.h"
#include "sim/sweep/sweep_file.h"
#include "tests/support/check.h"
#include "tests/support/swept.h"

/* ---- the picture ---- */

static void drawn(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place), *svg = in_folder(place, "out/sweep.svg");
    assert_int_equal(SWEEP(place, "--config", ini, GRID, "--ranks", "12", "--out", in_folder(place, "out")),
                     STATUS_OK);
    assert_drawn_png(place, "out", "sweep");
    assert_in_picture(svg, "train.microbatch");
    assert_in_picture(svg, "parallel.tp");
    assert_in_picture(svg, "refused (a)");
    assert_in_picture(svg, "In each cell the best of 4 combinations of pp, recompute");
    assert_int_equal(SWEEP(place, "--config", ini, "--set", "node.host=50 %s,b %n", "--set", "parallel.pp=2",
                           "--out", in_folder(place, "named")),
                     STATUS_OK);
    assert_in_picture(in_folder(place, "named/sweep.svg"), "50 %s");
    assert_in_picture(in_folder(place, "named/sweep.svg"), "b %n");
    assert_int_equal(SWEEP(place, in_folder(place, "out/sweep.h5"), "--axes", "recompute,parallel.pp",
                           "--out", in_folder(place, "again")),
                     STATUS_OK);
    assert_in_picture(in_folder(place, "again/sweep.svg"), "train.recompute");
    assert_in_picture(in_folder(place, "again/sweep.svg"),
                      "In each cell the best of 12 combinations of tp, microbatch");
    /* a cell's number has its unit, and a letter is said in full */
    assert_int_equal(SWEEP(place, "--config", ini, "--ranks", "256", "--set", "train.global_batch=1536",
                           "--set", "train.microbatch=3,4", "--out", in_folder(place, "long")),
                     STATUS_OK);
    assert_file_says(in_folder(place, "long/sweep.gp"), " tokens/s'\n");
    assert_file_says(in_folder(place, "long/sweep.gp"),
                     "NOTES = 2\narray NOTE[3]\nNOTE[1] = 'a: 256 ranks with a ");
    assert_file_says(in_folder(place, "long/sweep.gp"), " = 1.5'\nNOTE[2] = '     microbatches'\n");
}

/* ---- the file ---- */

static void damaged(void **state)
{
    PlotPlace *place = *state;
    const char *ini = config_in(place), *path = in_folder(place, "out/sweep.h5");
    assert_int_equal(SWEEP(place, "--config", ini, "--ranks", "4,8,5", "--set", "train.microbatch=1", "--out",
                           in_folder(place, "out")),
                     STATUS_OK);
    assert_true(sweep_file_is(path) && !sweep_file_is(ini));
    static const int32_t wrong = 7;
    static const double sooner = 1e-3; /* as good a time as any: the checksum alone tells */
    Error error;
    H5 *file = h5_edit(path, &error);
    assert_true(h5_write(file, "/step_time", 0, 1, H5_F64, &sooner, &error) && h5_close(file, &error));
    assert_int_equal(SWEEP(place, path), STATUS_BAD_REQUEST);
    assert_says(place->said, "sweep.h5: not as the sweep left it: its checksum is ");
    file = h5_edit(path, &error);
    assert_true(h5_write(file, "/reason", 1, 1, H5_I32, &wrong, &error) && h5_close(file, &error));
    assert_int_equal(SWEEP(place, path), STATUS_BAD_REQUEST);
    assert_says(place->said, "sweep.h5: its row 1 fits no combination; is it damaged?");
    file = h5_edit(path, &error);
    assert_true(h5_set_text(file, "/", "schema", "sim-sweep/9", &error) && h5_close(file, &error));
    assert_int_equal(SWEEP(place, path), STATUS_BAD_REQUEST);
    assert_says(place->said, "its attribute schema is \"sim-sweep/9\", not \"sim-sweep/1\"");
}

/* ---- ends before the time ---- */

/* A process that sweeps for a long time, its words going to a file. */
static pid_t sweep_for_long(PlotPlace *place, const char *said)
{
    const char *ini = config_in(place);
    char out[256];
    snprintf(out, sizeof out, "%s", in_folder(place, "out"));
    fflush(NULL);
    pid_t child = fork();
    if (child) return child;
    if (!freopen(said, "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0) _exit(98);
    char *argv[] = {"sweep",
                    "--config",
                    (char *)(uintptr_t)ini,
                    "--set",
                    "parallel.pp=1,2,4",
                    "--set",
                    "train.global_batch=100000,200000,300000,400000",
                    "--set",
                    "parallel.data=zero2,zero3",
                    "--set",
                    "train.microbatch=1",
                    "--workers",
                    "2",
                    "--out",
                    out,
                    NULL};
    int status = sweep_command(15, argv, place->program, "sim sweep");
    fflush(NULL);
    _exit(status);
}

/* A child of the process, once it has two. */
static pid_t worker_of(pid_t process)
{
    char path[64];
    long first = 0, second = 0;
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)process, (long)process);
    for (int i = 0; i < 4000 && !second; i++) {
        FILE *file = fopen(path, "r");
        if (!file) break;
        if (fscanf(file, "%ld %ld", &first, &second) != 2) second = 0;
        fclose(file);
        usleep(5000);
    }
    return second ? (pid_t)first : -1;
}

static void ended(void **state)
{
    PlotPlace *place = *state;
    char said[256];
    int status;
    for (int kills = 0; kills < 2; kills++) {
        snprintf(said, sizeof said, "%s", in_folder(place, kills ? "killed" : "stopped"));
        pid_t process = sweep_for_long(place, said), worker = worker_of(process);
        if (worker <= 0) kill(process, SIGTERM); /* it ends its own */
        assert_true(worker > 0);
        assert_int_equal(kill(kills ? worker : process, kills ? SIGKILL : SIGINT), 0);
        assert_int_equal(waitpid(process, &status, 0), process);
        assert_int_equal(kill(worker, 0), -1); /* it is gone */
        if (kills) {
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_FAILED);
            assert_file_says(said, "was ended by signal 9; is memory short?; ");
        } else {
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
            assert_file_says(said, "sim: sweep: stopped by INT: ");
            assert_file_says(said, " of 24 combinations were tried");
        }
        assert_false(folder_has(in_folder(place, "out"), "sweep.h5"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drawn, plot_setup, plot_teardown),
        cmocka_unit_test_setup_teardown(damaged, plot_setup_undrawn, plot_teardown),
        cmocka_unit_test_setup_teardown(ended, plot_setup_undrawn, plot_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
