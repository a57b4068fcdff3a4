/* recorded.h - what tests of the run file share: a folder of their own, a made-up run of three ranks whose every
 * value is a function of its step, and a check of all that a file says about finished steps. */
#ifndef TESTS_SUPPORT_RECORDED_H
#define TESTS_SUPPORT_RECORDED_H
#include "sim/file/recorder.h"
#include "tests/support/folder.h"

enum { RANKS = 3, ACTIONS = 4 };

/* A folder of this test's own, and a path in it. */
typedef struct Place {
    char folder[FOLDER], run[FOLDER + 16];
} Place;

/* cmocka's: *state is the test's Place. */
int recorded_setup(void **state);
int recorded_teardown(void **state);

/* Opens a made-up run of so many steps, as recorder_open() does; `kept` (256 bytes, or NULL) says what became of
 * the file that was there. NULL on error. */
Recorder *recorded_begin(const char *path, int64_t steps, char *kept, Error *error);
/* Writes its step n. */
bool recorded_step(Recorder *recorder, int64_t n, Error *error);
/* The whole of it: a run planned for `planned` steps, `steps` of them done, finished or abandoned. */
void recorded_write(const char *path, int64_t planned, int64_t steps, bool finish, char *kept);

/* Checks all that the file says about finished steps, and returns their number. */
int64_t recorded_steps(const char *path);
/* The same of a file that is being written: later rows may fill up while it is read. */
int64_t recorded_steps_so_far(const char *path);
/* What the file says of itself: 1 when the run is finished. */
int64_t recorded_complete(const char *path);
#endif
