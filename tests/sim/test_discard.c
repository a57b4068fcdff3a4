/* test_discard.c - a file's name goes at once, and who takes it away does not wait for its room. */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sim/base/discard.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

static char folder[FOLDER];

/* In place of the C library's: while this is so, no other thread than the first closes a file. */
static atomic_bool held;
static atomic_int closed;
int close(int file)
{
    while (atomic_load(&held) && gettid() != getpid()) usleep(1000);
    atomic_fetch_add(&closed, 1);
    return (int)syscall(SYS_close, file);
}

static int make(void **state)
{
    (void)state;
    return folder_make(folder);
}

static int clear(void **state)
{
    (void)state;
    return folder_remove(folder);
}

/* Whether it is there still, if without a name. */
typedef struct Seen {
    char path[FOLDER + 16];
    FILE *file;
} Seen;

static Seen write_one(const char *name)
{
    Seen seen;
    snprintf(seen.path, sizeof seen.path, "%s/%s", folder, name);
    seen.file = fopen(seen.path, "w+");
    assert_non_null(seen.file);
    return seen;
}

static long names_of(const Seen *seen)
{
    struct stat about;
    assert_int_equal(fstat(fileno(seen->file), &about), 0);
    return (long)about.st_nlink;
}

static void nobody_waits_for_room(void **state)
{
    (void)state;
    Seen seen[] = {write_one("a"), write_one("b")};
    Discard gone = {.files = 0};
    atomic_store(&held, true);
    atomic_store(&closed, 0);
    for (int i = 0; i < 2; i++) discard_name(&gone, seen[i].path);
    discard_begin(&gone);
    assert_true(names_of(&seen[0]) == 0 && names_of(&seen[1]) == 0);
    assert_int_equal(atomic_load(&closed), 0);
    atomic_store(&held, false);
    discard_end(&gone);
    assert_int_equal(atomic_load(&closed), 2);
    discard_end(&gone); /* of nothing nothing is left */
    assert_int_equal(atomic_load(&closed), 2);
    for (int i = 0; i < 2; i++) fclose(seen[i].file);
}

/* Without a thread, at the end; what is not there, or only a link, is no file to be opened. */
static void what_is_no_file_goes_or_is_none(void **state)
{
    (void)state;
    Seen seen = write_one("a"), other = write_one("other");
    Discard gone = {.files = 0};
    char link[FOLDER + 16];
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink(other.path, link), 0);
    atomic_store(&closed, 0);
    discard_begin(&gone);
    discard_end(&gone);
    discard_name(&gone, "/nowhere/at/all");
    discard_name(&gone, link);
    discard_name(&gone, seen.path);
    discard_end(&gone);
    assert_int_equal(atomic_load(&closed), 1);
    assert_true(names_of(&seen) == 0 && names_of(&other) == 1 && access(link, F_OK));
    fclose(seen.file);
    fclose(other.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_room),
        cmocka_unit_test(what_is_no_file_goes_or_is_none),
    };
    return cmocka_run_group_tests_name("files that go", tests, make, clear);
}
