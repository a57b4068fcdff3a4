/* test_arena.c - memory that processes share: dealt out, found by others, refused, and counted once. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "parallel/wire/arena.h"
#include "tests/support/check.h"

enum { ONE, OTHER, TWO };

/* Places are used again, the first that is long enough; none lies in another. */
static void deals_out(void **state)
{
    (void)state;
    ArenaCard card;
    Arena *a = arena_new(ONE, TWO, &card);
    assert_non_null(a);
    unsigned char *x = arena_take(a, 100), *y = arena_take(a, 1000), *z = arena_take(a, 64);
    assert_int_equal((uintptr_t)x % (1 << 21), 64); /* an arena begins on a large page, with its mark */
    assert_true(y == x + 128 && z == y + 1024);
    assert_true(arena_has(a, z) && !arena_has(a, &card));
    assert_true(arena_at(a, ONE, arena_place(a, z)) == z);
    arena_give(a, y);
    unsigned char *longer = arena_take(a, 1025), *first = arena_take(a, 500), *second = arena_take(a, 500);
    assert_true(longer == z + 64 && first == y && second == y + 512);
    arena_give(a, x);
    arena_give(a, first);
    arena_give(a, second);
    assert_true(arena_take(a, 128 + 1024) == x);
    assert_null(arena_take(a, (size_t)1 << 46));
    arena_free(a);
}

static void others_find_it(void **state)
{
    (void)state;
    ArenaCard card[TWO];
    Arena *one = arena_new(ONE, TWO, &card[ONE]), *other = arena_new(OTHER, TWO, &card[OTHER]);
    assert_true(arena_map(one, OTHER, &card[OTHER]) && arena_map(other, ONE, &card[ONE]));
    char *mine = arena_take(one, 32), *theirs = arena_take(other, 32);
    strcpy(arena_at(one, OTHER, arena_place(other, theirs)), "from one");
    strcpy(arena_at(other, ONE, arena_place(one, mine)), "from other");
    assert_string_equal(theirs, "from one");
    assert_string_equal(mine, "from other");
    arena_free(one);
    arena_free(other);
}

static void strangers_do_not(void **state)
{
    (void)state;
    ArenaCard card[TWO], wrong;
    Arena *one = arena_new(ONE, TWO, &card[ONE]), *other = arena_new(OTHER, TWO, &card[OTHER]);
    wrong = card[OTHER], wrong.mark[1]++; /* another file, that looks alike */
    assert_false(arena_map(one, OTHER, &wrong));
    wrong = card[OTHER], wrong.file = STDIN_FILENO;
    assert_false(arena_map(one, OTHER, &wrong));
    wrong.file = -1;
    assert_false(arena_map(one, OTHER, &wrong));
    arena_free(one);
    arena_free(other);
}

/* What a limit refuses is told, and ends no process; a limit on addresses, however far, leaves them to others. */
static void limits_refuse(void **state)
{
    (void)state;
    static const struct {
        int which;
        rlim_t most;
    } limits[] = {{RLIMIT_FSIZE, 1 << 20}, {RLIMIT_NOFILE, 0}, {RLIMIT_AS, (rlim_t)1 << 46}};
    for (int i = 0; i < 3; i++) {
        struct rlimit before, less;
        ArenaCard card;
        assert_int_equal(getrlimit(limits[i].which, &before), 0);
        less = before;
        less.rlim_cur = limits[i].most;
        assert_int_equal(setrlimit(limits[i].which, &less), 0);
        Arena *a = arena_new(ONE, TWO, &card);
        assert_int_equal(setrlimit(limits[i].which, &before), 0);
        assert_null(a);
        assert_int_equal(card.file, -1);
    }
}

/* In the process that has not made it: 8 MB of another's, and of its own. */
static void counted_once(void **state)
{
    (void)state;
    enum { BYTES = 8 << 20 };
    ArenaCard card[TWO];
    Arena *mine = arena_new(ONE, TWO, &card[ONE]);
    unsigned char *memory = arena_take(mine, BYTES);
    memset(memory, 7, BYTES);
    assert_int_equal(arena_others(), 0);
    const pid_t child = fork();
    if (child == 0) {
        arena_free(mine);
        Arena *own = arena_new(OTHER, TWO, &card[OTHER]);
        if (!own || !arena_map(own, ONE, &card[ONE])) _exit(1);
        memset(arena_take(own, BYTES), 1, BYTES);
        const unsigned char *seen = arena_at(own, ONE, 64);
        for (int i = 0; i < BYTES; i += 4096)
            if (seen[i] != 7) _exit(2);
        const uint64_t others = arena_others();
        _exit(others < BYTES ? 3 : others > BYTES + (1 << 20) ? 4 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    arena_free(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deals_out),     cmocka_unit_test(others_find_it), cmocka_unit_test(strangers_do_not),
        cmocka_unit_test(limits_refuse), cmocka_unit_test(counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
