/* test_recorder.c - the run file: written, read back, killed at, filled up,
 * read while it grows, and kept when the next run comes. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sim/h5.h"
#include "sim/recorder.h"
/* cmocka last: its macro fail() would hide ours */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { RANKS = 3, ACTIONS = 4 };

/* A folder of this test's own; every file below lives in it. */
typedef struct Place {
    char folder[64], run[96];
} Place;

static int setup(void **state)
{
    Place *place = calloc(1, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/sim-test-recorder-XXXXXX");
    if (!place || !mkdtemp(place->folder)) return -1;
    snprintf(place->run, sizeof place->run, "%s/run.h5", place->folder);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    Place *place = *state;
    char command[128];
    umount(place->folder); /* a failed test may have left its small disk there */
    snprintf(command, sizeof command, "rm -rf '%s'", place->folder);
    int status = system(command);
    free(place);
    return status;
}

/* ---- a made-up run: every value is a function of its step ---- */

static Recorder *begin(const char *path, int64_t steps, char *kept, Error *error)
{
    static const double bytes[RANKS * PURPOSES] = {[1] = 10, [PURPOSES] = NAN};
    static const double memory[RANKS * MEMORY_CATEGORIES] = {[0] = 7, [1] = NAN};
    static char text[] = "[train]\nsteps = 5 ; five\n";
    const RunInfo info = {.path = path,
                          .command_line = "sim --config made-up.ini",
                          .ranks = RANKS,
                          .parameters = 1234,
                          .entropy = 1.5,
                          .actions = ACTIONS,
                          .theory_bytes = bytes,
                          .theory_memory = memory};
    Config *config = calloc(1, sizeof *config);
    config->train.steps = steps;
    config->text = text;
    snprintf(config->name, sizeof config->name, "made-up.ini");
    char ignored[256];
    Recorder *recorder = recorder_open(&info, config, kept ? kept : ignored, 256, error);
    free(config);
    return recorder;
}

static bool step(Recorder *recorder, int64_t n, Error *error)
{
    const StepRow row = {n,   5 - 0.001 * (double)n, 1 + (double)n, 0.1,    64,
                         0.5, 0.125 * (double)n,     1024,          n == 2, 0.25 * (double)n};
    uint64_t bytes[RANKS * PURPOSES], messages[RANKS * PURPOSES];
    for (int i = 0; i < RANKS * PURPOSES; i++) {
        bytes[i] = 1000 * (uint64_t)n + (uint64_t)i;
        messages[i] = (uint64_t)n + (uint64_t)i;
    }
    return recorder_step(recorder, &row, bytes, messages, error);
}

/* Checks all that `path` says about finished steps, and returns their number.
 * `live`: it is being written, so later rows may fill up while it is read. */
static int64_t look_at_steps(const char *path, bool live)
{
    Error error = {""};
    H5 *file = h5_open(path, &error);
    assert_string_equal(error.text, "");
    int rank;
    size_t dims[H5_MAX_RANK];
    assert_true(h5_shape(file, "/step", &rank, dims, &error));
    size_t rows = dims[0];
    double *numbers = h5_read_numbers(file, "/steps/step", &rank, dims, &error);
    assert_int_equal(dims[0], rows);
    double *loss = h5_read_numbers(file, "/steps/loss", &rank, dims, &error);
    assert_int_equal(dims[0], rows);
    double *norm = h5_read_numbers(file, "/steps/grad_norm", &rank, dims, &error);
    double *rate = h5_read_numbers(file, "/steps/tokens_per_second", &rank, dims, &error);
    double *bytes = h5_read_numbers(file, "/comm/bytes_sent", &rank, dims, &error);
    double *messages = h5_read_numbers(file, "/comm/messages", &rank, dims, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(rank, 3);
    assert_int_equal(dims[0], rows);
    assert_int_equal(dims[1], RANKS);
    assert_int_equal(dims[2], PURPOSES);
    size_t done = 0;
    while (done < rows && numbers[done] >= 0) done++;
    for (size_t n = 0; n < rows; n++) {
        double x = (double)n;
        if (n >= done) {
            assert_true(numbers[n] == -1);
            if (n > done && !live) assert_true(isnan(loss[n])); /* row `done` may be half written */
            continue;
        }
        assert_true(numbers[n] == x && loss[n] == 5 - 0.001 * x && norm[n] == 1 + x && rate[n] == 128);
        for (int i = 0; i < RANKS * PURPOSES; i++) {
            assert_true(bytes[n * RANKS * PURPOSES + (size_t)i] == 1000 * x + i);
            assert_true(messages[n * RANKS * PURPOSES + (size_t)i] == x + i);
        }
    }
    double *const all[] = {numbers, loss, norm, rate, bytes, messages};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    assert_true(h5_close(file, &error));
    return (int64_t)done;
}

static int64_t check_steps(const char *path)
{
    return look_at_steps(path, false);
}

static int64_t complete(const char *path)
{
    double value = -1;
    H5 *file = h5_open(path, NULL);
    assert_non_null(file);
    assert_true(h5_get_number(file, "/", "complete", &value));
    h5_close(file, NULL);
    return (int64_t)value;
}

static bool exists(const char *folder, const char *name)
{
    char path[160];
    struct stat there;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return !stat(path, &there);
}

static void write_run(const char *path, int64_t planned, int64_t steps, bool finish, char *kept)
{
    Error error = {""};
    Recorder *recorder = begin(path, planned, kept, &error);
    assert_string_equal(error.text, "");
    for (int64_t n = 0; n < steps; n++) assert_true(step(recorder, n, &error));
    if (finish)
        assert_true(recorder_finish(recorder, &error));
    else
        recorder_abandon(recorder);
    assert_string_equal(error.text, "");
}

/* ---- what is in the file ---- */

/* By the contract's names, written down a second time: a field misnamed in the file comes back as 0. */
static void read_actions(H5 *file, TimelineRow rows[ACTIONS])
{
    const H5Field fields[] = {
        {"rank", offsetof(TimelineRow, rank), false, H5_I32, 0},
        {"stage", offsetof(TimelineRow, stage), false, H5_I32, 0},
        {"microbatch", offsetof(TimelineRow, microbatch), false, H5_I32, 0},
        {"simulated_start", offsetof(TimelineRow, simulated_start), false, H5_F64, 0},
        {"simulated_end", offsetof(TimelineRow, simulated_end), false, H5_F64, 0},
        {"recompute", offsetof(TimelineRow, recompute), false, H5_F64, 0},
        {"communication", offsetof(TimelineRow, communication), false, H5_F64, 0},
        {"measured_start", offsetof(TimelineRow, measured_start), false, H5_F64, 0},
        {"measured_end", offsetof(TimelineRow, measured_end), false, H5_F64, 0},
        {"measured_compute", offsetof(TimelineRow, measured_compute), false, H5_F64, 0},
    };
    size_t count;
    TimelineRow *read = h5_table_read(file, "/timeline/actions", fields, sizeof fields / sizeof *fields,
                                      sizeof *rows, &count, NULL);
    assert_int_equal(count, ACTIONS);
    memcpy(rows, read, ACTIONS * sizeof *rows);
    free(read);
}

static void test_round_trip(void **state)
{
    Place *place = *state;
    char path[160], kept[256] = "x", text[512];
    snprintf(path, sizeof path, "%s/made/if/missing/run.h5", place->folder);
    Error error = {""};
    Recorder *recorder = begin(path, 5, kept, &error);
    assert_string_equal(error.text, "");
    assert_string_equal(kept, "");
    for (int64_t n = 0; n < 5; n++) assert_true(step(recorder, n, &error));

    uint64_t peak[RANKS * MEMORY_CATEGORIES], total[RANKS] = {1, 2, 1ull << 60}, rss[RANKS] = {4, 5, 6};
    uint64_t outside[RANKS * PURPOSES] = {0};
    for (int i = 0; i < RANKS * MEMORY_CATEGORIES; i++) peak[i] = (uint64_t)i;
    outside[RANKS * PURPOSES - 1] = 77;
    assert_true(recorder_memory(recorder, peak, total, rss, &error));
    assert_true(recorder_outside(recorder, outside, outside, &error));
    const TimelineRow actions[] = {{0,
                                    3,
                                    1,
                                    "F",
                                    "compute",
                                    0.25,
                                    0.5,
                                    0.0625,
                                    0.125,
                                    1,
                                    1.5,
                                    0.375,
                                    {1, 2, 3, 4, 5, 1ull << 50},
                                    1ull << 51},
                                   {2, 0, -1, "STEP", "compute", 1, 2, 0, 0, 3, 4, 0.75, {7}, 8}};
    assert_true(recorder_timeline(recorder, 3, actions, 2, &error));
    const double simulated[RANKS] = {0.25, 0.5, 0.75}, measured[RANKS] = {NAN, NAN, 0.875};
    double seconds[RANKS * PARTS];
    for (int i = 0; i < RANKS * PARTS; i++) seconds[i] = i;
    assert_true(recorder_pipeline(recorder, simulated, measured, 0.375, &error));
    assert_true(recorder_breakdown(recorder, seconds, &error));
    assert_true(recorder_finish(recorder, &error));
    assert_int_equal(check_steps(path), 5);
    assert_int_equal(complete(path), 1);

    H5 *file = h5_open(path, &error);
    const struct {
        const char *object, *name, *value;
    } texts[] = {
        {"/", "schema", "sim-run/1"},
        {"/", "command_line", "sim --config made-up.ini"},
        {"/", "Conventions", "CF-1.10"},
        {"/config", "train.steps", "5"},
        {"/steps/loss", "units", "1"},
        {"/steps/wall_time", "units", "s"},
        {"/comm/bytes_sent", "units", "byte"},
        {"/steps/loss", "long_name", "mean cross-entropy, nats per token"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_true(h5_get_text(file, texts[i].object, texts[i].name, text, sizeof text));
        assert_string_equal(text, texts[i].value);
    }
    assert_false(h5_get_text(file, "/", "no such thing", text, sizeof text));
    double number;
    assert_true(h5_get_number(file, "/", "entropy", &number) && number == 1.5);
    assert_true(h5_get_number(file, "/", "parameters", &number) && number == 1234);
    assert_true(h5_get_number(file, "/timeline", "step", &number) && number == 3);

    size_t count, rows, dims[H5_MAX_RANK];
    int rank;
    char **names = h5_read_names(file, "/config/ini", &count, &error);
    assert_string_equal(names[0], "[train]\nsteps = 5 ; five\n");
    h5_free_names(names, count);
    names = h5_read_names(file, "/comm/purpose", &count, &error);
    assert_int_equal(count, PURPOSES);
    for (size_t i = 0; i < count; i++) assert_string_equal(names[i], purpose_name[i]);
    h5_free_names(names, count);
    uint64_t back[RANKS];
    assert_true(h5_read(file, "/memory/peak_total", H5_U64, back, &error));
    assert_memory_equal(back, total, sizeof back);
    double *memory = h5_read_numbers(file, "/memory/theory", &rank, dims, &error);
    assert_true(memory[0] == 7 && isnan(memory[1]) && rank == 2 && dims[1] == MEMORY_CATEGORIES);
    free(memory);
    double *bytes = h5_read_numbers(file, "/comm/messages_outside", &rank, dims, &error);
    assert_true(bytes[RANKS * PURPOSES - 1] == 77 && bytes[0] == 0);
    free(bytes);

    double *shares = h5_read_numbers(file, "/pipeline/bubble_ratio_simulated", &rank, dims, &error);
    assert_true(rank == 1 && dims[0] == RANKS && shares[2] == 0.75);
    free(shares);
    shares = h5_read_numbers(file, "/pipeline/bubble_ratio_measured", &rank, dims, &error);
    assert_true(isnan(shares[0]) && shares[2] == 0.875);
    free(shares);
    shares = h5_read_numbers(file, "/pipeline/bubble_ratio_theory", &rank, dims, &error);
    assert_true(rank == 0 && shares[0] == 0.375);
    free(shares);
    names = h5_read_names(file, "/breakdown/part", &count, &error);
    assert_int_equal(count, PARTS);
    assert_string_equal(names[PART_PP_IDLE], "pp_idle");
    h5_free_names(names, count);
    double *parts = h5_read_numbers(file, "/breakdown/simulated", &rank, dims, &error);
    assert_true(rank == 2 && dims[1] == PARTS && parts[PARTS + 1] == PARTS + 1);
    free(parts);
    double *spent = h5_read_numbers(file, "/steps/simulated_time", &rank, dims, &error);
    assert_true(dims[0] == 5 && spent[4] == 0.5);
    free(spent);

    double *scale = h5_read_numbers(file, "/steps/loss_scale", &rank, dims, &error);
    double *skipped = h5_read_numbers(file, "/steps/skipped", &rank, dims, &error);
    assert_true(dims[0] == 5 && scale[4] == 1024 && skipped[1] == 0 && skipped[2] == 1);
    double *apart = h5_read_numbers(file, "/steps/loss_difference", &rank, dims, &error);
    assert_true(dims[0] == 5 && apart[4] == 1);
    free(apart);
    free(scale);
    free(skipped);

    double *held = h5_read_numbers(file, "/timeline/memory", &rank, dims, &error);
    assert_true(rank == 2 && dims[0] == ACTIONS && dims[1] == MEMORY_CATEGORIES);
    assert_true(held[0] == 1 && held[5] == 0x1p50 && held[6] == 7 && held[7] == 0 && held[2 * 6] == 0);
    double *most = h5_read_numbers(file, "/timeline/memory_peak", &rank, dims, &error);
    assert_true(rank == 1 && dims[0] == ACTIONS && most[0] == 0x1p51 && most[1] == 8 && most[2] == 0);
    free(held);
    free(most);

    TimelineRow whole[ACTIONS];
    read_actions(file, whole);
    assert_true(whole[0].stage == 3 && whole[0].microbatch == 1 && whole[0].simulated_start == 0.25 &&
                whole[0].simulated_end == 0.5 && whole[0].recompute == 0.0625 &&
                whole[0].communication == 0.125 && whole[0].measured_start == 1 &&
                whole[0].measured_end == 1.5 && whole[0].measured_compute == 0.375);
    assert_true(isnan(whole[2].simulated_end) && isnan(whole[2].measured_compute));

    /* another program's idea of the row: fewer fields, in another order */
    typedef struct Row {
        double measured_end;
        char action[16];
        int32_t rank;
    } Row;
    const H5Field fields[] = {{"measured_end", offsetof(Row, measured_end), false, H5_F64, 0},
                              {"action", offsetof(Row, action), true, 0, 16},
                              {"rank", offsetof(Row, rank), false, H5_I32, 0}};
    Row *table = h5_table_read(file, "/timeline/actions", fields, 3, sizeof *table, &rows, &error);
    assert_int_equal(rows, ACTIONS);
    assert_true(table[1].rank == 2 && table[1].measured_end == 4 && table[2].rank == -1);
    assert_string_equal(table[1].action, "STEP");
    assert_true(isnan(table[3].measured_end));
    free(table);

    assert_true(h5_exists(file, "/comm/bytes_sent"));
    assert_false(h5_exists(file, "/no/such/thing"));
    assert_null(h5_read_numbers(file, "/no/such/thing", &rank, dims, &error));
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, "/no/such/thing"));
    h5_close(file, NULL);
}

/* Every dataset says what it is in which unit. */
static bool described(const char *name, void *context)
{
    char text[256];
    assert_true(h5_get_text(context, name, "units", text, sizeof text));
    assert_true(h5_get_text(context, name, "long_name", text, sizeof text));
    return true;
}

static void test_described(void **state)
{
    Place *place = *state;
    write_run(place->run, 2, 2, true, NULL);
    static const char *const all[] = {
        "/config/ini",
        "/steps/step",
        "/steps/loss",
        "/steps/grad_norm",
        "/steps/learning_rate",
        "/steps/tokens",
        "/steps/wall_time",
        "/steps/tokens_per_second",
        "/comm/purpose",
        "/comm/bytes_sent",
        "/comm/messages",
        "/comm/theory_bytes",
        "/comm/bytes_outside",
        "/comm/messages_outside",
        "/memory/category",
        "/memory/peak",
        "/memory/peak_total",
        "/memory/theory",
        "/memory/rss_peak",
        "/timeline/actions",
        "/timeline/category",
        "/timeline/memory",
        "/timeline/memory_peak",
        "/steps/loss_scale",
        "/steps/loss_difference",
        "/steps/skipped",
        "/steps/simulated_time",
        "/pipeline/bubble_ratio_simulated",
        "/pipeline/bubble_ratio_measured",
        "/pipeline/bubble_ratio_theory",
        "/breakdown/part",
        "/breakdown/simulated",
    };
    H5 *file = h5_open(place->run, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) described(all[i], file);
    assert_true(h5_each(file, described, file, NULL));
    h5_close(file, NULL);
}

/* Columns grow past a block, end with the steps done, and may outgrow the plan. */
static void test_sizes(void **state)
{
    Place *place = *state;
    static const struct {
        int64_t planned, done;
    } runs[] = {{0, 0}, {1, 1}, {5, 2}, {1024, 1024}, {1025, 1025}, {5000, 2500}, {3, 2100}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char kept[256];
        write_run(place->run, runs[i].planned, runs[i].done, true, kept);
        assert_int_equal(check_steps(place->run), runs[i].done);
        int rank;
        size_t dims[H5_MAX_RANK];
        H5 *file = h5_open(place->run, NULL);
        assert_true(h5_shape(file, "/comm/bytes_sent", &rank, dims, NULL));
        assert_int_equal(dims[0], runs[i].done);
        h5_close(file, NULL);
    }
    assert_false(exists(place->folder, "run.h5.tmp"));
}

/* ---- what others do to it ---- */

/* SIGKILL at any moment, creation and growth included: what recorder_step() said is written, is. */
static void test_killed(void **state)
{
    Place *place = *state;
    enum { KILLS = 50 };
    int opened = 0, grown = 0;
    volatile int64_t *finished =
        mmap(NULL, sizeof *finished, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(finished != MAP_FAILED);
    for (int i = 0; i < KILLS; i++) {
        *finished = 0;
        pid_t child = fork();
        if (!child) {
            Recorder *recorder = begin(place->run, 1000000, NULL, NULL);
            for (int64_t n = 0; recorder && step(recorder, n, NULL);) *finished = ++n;
            _exit(3);
        }
        /* every other one around the moment the columns grow */
        for (int wait = 0; i % 2 && *finished < 1020 && wait < 20000; wait++) usleep(500);
        usleep((useconds_t)(i % 2 ? 300 * i : 2000 + 1777 * i));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (!exists(place->folder, "run.h5")) continue; /* killed before the skeleton was whole */
        int64_t steps = check_steps(place->run);
        assert_true(steps == *finished || steps == *finished + 1);
        assert_int_equal(complete(place->run), 0);
        opened++;
        grown += steps > 1024;
        unlink(place->run);
    }
    munmap((void *)finished, sizeof *finished);
    print_message("%d of %d kills left a file, %d of them grown\n", opened, (int)KILLS, grown);
    assert_true(opened > KILLS / 2);
}

/* Reading while another process writes: never a step that is not whole. */
static void test_live(void **state)
{
    Place *place = *state;
    pid_t child = fork();
    if (!child) {
        Recorder *recorder = begin(place->run, 3000, NULL, NULL);
        bool ok = recorder != NULL;
        for (int64_t n = 0; n < 3000 && ok; n++) {
            ok = step(recorder, n, NULL);
            if (n % 8 == 0) usleep(500);
        }
        _exit(ok && recorder_finish(recorder, NULL) ? 0 : 3);
    }
    int status, looks = 0;
    int64_t before = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (!exists(place->folder, "run.h5")) continue;
        int64_t steps = look_at_steps(place->run, true);
        assert_true(steps >= before);
        before = steps;
        looks++;
        usleep(3000);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(looks > 3);
    assert_int_equal(check_steps(place->run), 3000);
}

/* What a child that ran out of room leaves, and says. `limit`: file size. */
static int64_t run_out(const char *path, int64_t planned, size_t limit, size_t later_limit, Error *said)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (!child) {
        alarm(20); /* a hang fails the test */
        Error error = {""};
        signal(SIGXFSZ, SIG_IGN);
        if (limit) setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, RLIM_INFINITY});
        Recorder *recorder = begin(path, planned, NULL, &error);
        if (later_limit && recorder) setrlimit(RLIMIT_FSIZE, &(struct rlimit){later_limit, RLIM_INFINITY});
        int64_t n = 0;
        while (recorder && n < 100000 && step(recorder, n, &error)) n++;
        recorder_abandon(recorder);
        bool told = write(pipe_ends[1], &n, sizeof n) == sizeof n &&
                    write(pipe_ends[1], &error, sizeof error) == sizeof error;
        exit(told ? 0 : 3); /* exit, not _exit: HDF5 must not touch the broken file there */
    }
    close(pipe_ends[1]);
    int64_t steps = -1;
    assert_int_equal(read(pipe_ends[0], &steps, sizeof steps), sizeof steps);
    assert_int_equal(read(pipe_ends[0], said, sizeof *said), sizeof *said);
    close(pipe_ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return steps;
}

static void check_message(const Error *said, const char *path, int number)
{
    assert_true(!strncmp(said->text, path, strlen(path)));
    assert_non_null(strstr(said->text, strerror(number)));
    assert_null(strchr(said->text, '\n'));
}

/* A limit on file size stands for a full disk where nothing may be mounted. */
static void test_too_large(void **state)
{
    Place *place = *state;
    Error said;
    /* while the skeleton is made, and the run before it stays */
    write_run(place->run, 4, 4, true, NULL);
    assert_int_equal(run_out(place->run, 4, 8192, 0, &said), 0);
    check_message(&said, place->run, EFBIG);
    assert_int_equal(check_steps(place->run), 4);
    assert_false(exists(place->folder, "run.1.h5"));
    assert_false(exists(place->folder, "run.h5.tmp"));
    unlink(place->run);

    /* when a block is added: room for one and a half times the first block's rows, two cubes and six columns wide */
    const size_t row = 2 * RANKS * PURPOSES * sizeof(uint64_t) + 6 * sizeof(double), block = 1024 * row;
    struct stat there;
    assert_int_equal(run_out(place->run, 5000, 0, block * 3 / 2, &said), 1024);
    check_message(&said, place->run, EFBIG);
    assert_int_equal(check_steps(place->run), 1024);
    assert_false(exists(place->folder, "run.h5.tmp"));
    assert_int_equal(stat(place->run, &there), 0);
    unlink(place->run);

    /* at a flush, which only a failing disk does: the file is as large as it will be */
    assert_int_equal(run_out(place->run, 5000, 0, block / 4, &said), 0);
    check_message(&said, place->run, EFBIG);
    assert_int_equal(check_steps(place->run), 0);
}

/* A real full disk, for every size between too small for the skeleton and enough for two blocks. */
static void test_full_disk(void **state)
{
    Place *place = *state;
    char path[160];
    snprintf(path, sizeof path, "%s/run.h5", place->folder);
    for (int kilobytes = 16; kilobytes < 4000; kilobytes += kilobytes / 4) {
        char options[32];
        snprintf(options, sizeof options, "size=%dk", kilobytes);
        if (mount("none", place->folder, "tmpfs", 0, options)) {
            print_message("skipped: cannot mount a small disk here (%s)\n", strerror(errno));
            skip();
        }
        Error said;
        int64_t steps = run_out(path, 100000, 0, 0, &said);
        bool left = exists(place->folder, "run.h5");
        int64_t recorded = left ? check_steps(path) : 0;
        bool temporary = exists(place->folder, "run.h5.tmp");
        assert_int_equal(umount(place->folder), 0);
        check_message(&said, path, ENOSPC);
        assert_non_null(strstr(said.text, "MB free); "));
        assert_int_equal(recorded, steps);
        assert_false(temporary);
    }
}

/* ---- what was there before ---- */

static void put(const char *folder, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_earlier_kept(void **state)
{
    Place *place = *state;
    char kept[256], expected[160], first[160];
    snprintf(first, sizeof first, "%s/run.1.h5", place->folder);

    write_run(place->run, 9, 0, false, kept); /* never finished a step: nothing to lose */
    write_run(place->run, 9, 4, true, kept);
    assert_string_equal(kept, "");
    write_run(place->run, 9, 2, false, kept); /* a finished run is kept */
    assert_string_equal(kept, first);
    assert_int_equal(check_steps(first), 4);
    write_run(place->run, 9, 1, true, kept); /* an unfinished one with steps too */
    snprintf(expected, sizeof expected, "%s/run.2.h5", place->folder);
    assert_string_equal(kept, expected);
    assert_int_equal(check_steps(expected), 2);

    put(place->folder, "run.h5", "somebody's notes"); /* and what is no run at all */
    unlink(first);
    write_run(place->run, 9, 1, true, kept);
    assert_string_equal(kept, first);
    put(place->folder, "plain", "no extension");
    snprintf(expected, sizeof expected, "%s/plain", place->folder);
    write_run(expected, 1, 1, true, kept);
    assert_true(exists(place->folder, "plain.1"));
}

static void test_refused(void **state)
{
    Place *place = *state;
    char path[160];
    Error error;
    put(place->folder, "file", "x");
    static const struct {
        const char *name, *says;
    } bad[] = {
        {"", "is a folder"},
        {"new/", "is a folder"},
        {"file/run.h5", "Not a directory"},
        {"file/deeper/run.h5", "Not a directory"},
        {"../../dev/null", "is no plain file"},
        {"../../proc/no/run.h5", "No such file or directory"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(path, sizeof path, "%s/%s", place->folder, bad[i].name);
        error.text[0] = '\0';
        assert_null(begin(path, 1, NULL, &error));
        assert_non_null(strstr(error.text, bad[i].says));
        assert_null(strchr(error.text, '\n'));
    }
    if (geteuid() == 0) {
        print_message("skipped: permissions do not bind root\n");
    } else {
        chmod(place->folder, 0500);
        assert_null(begin(place->run, 1, NULL, &error));
        chmod(place->folder, 0700);
        assert_non_null(strstr(error.text, "Permission denied"));
    }
    snprintf(path, sizeof path, "%s/file", place->folder);
    assert_null(h5_open(path, &error));
    assert_true(!strncmp(error.text, path, strlen(path)));
}

/* Two runs to one file: the later keeps the earlier's steps, which then cannot grow over the later. */
static void test_two_writers(void **state)
{
    Place *place = *state;
    char kept[256], first[160];
    Error error = {""};
    snprintf(first, sizeof first, "%s/run.1.h5", place->folder);
    Recorder *recorder = begin(place->run, 3000, NULL, &error);
    for (int64_t n = 0; n < 10; n++) assert_true(step(recorder, n, &error));
    write_run(place->run, 7, 7, true, kept);
    int64_t n = 10;
    while (n < 3000 && step(recorder, n, &error)) n++;
    assert_int_equal(n, 1024);
    assert_non_null(strstr(error.text, "replaced"));
    recorder_abandon(recorder);
    assert_int_equal(check_steps(first), 1024);
    assert_int_equal(check_steps(place->run), 7);
}

static void test_too_many_actions(void **state)
{
    Place *place = *state;
    Error error = {""};
    Recorder *recorder = begin(place->run, 1, NULL, &error);
    const TimelineRow actions[ACTIONS + 1] = {{0}};
    assert_false(recorder_timeline(recorder, 0, actions, ACTIONS + 1, &error));
    assert_non_null(strstr(error.text, "5 actions"));
    assert_true(recorder_finish(recorder, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_described, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_live, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_earlier_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_writers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_actions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
