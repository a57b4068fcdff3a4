/* test_slots.c - microbatches under way: what a rank holds of them, and that nothing is left of them as a step ends. */
#include <stdlib.h>
#include "tests/support/case.h"
#include "tests/support/check.h"
#include "tests/support/dual_pipe_v.h"

/* The most of a list that are under way at a time, each from its first action to its last. */
static int under_way(const Schedule *list)
{
    int now = 0, most = 0;
    for (int i = 0; i < list->count; i++) {
        Action a = list->action[i];
        bool first = true, last = true;
        if (a.microbatch < 0) continue;
        for (int k = 0; k < list->count; k++) {
            Action b = list->action[k];
            bool same = b.stage == a.stage && b.microbatch == a.microbatch;
            if (same && k < i) first = false;
            if (same && k > i) last = false;
        }
        now += first;
        if (now > most) most = now;
        now -= last;
    }
    return most;
}

typedef struct Seen {
    int ranks, left, held, due; /* of all ranks together */
} Seen;

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Seen *seen = context;
    const Slots *s = &t->slots;
    seen->ranks++;
    for (int i = 0; i < s->chunks * s->microbatches; i++) seen->left += s->at[i] != NULL;
    for (const Slot *slot = s->spare; slot; slot = slot->next_spare) seen->held++;
    seen->due += under_way(&t->plan->list[t->mesh.place.pipe]);
}

/* `schedule`: the text of one, or NULL. */
static Seen of(const char *sets, const char *schedule, bool dry)
{
    Seen seen = {0};
    Case c = case_of_words(2, "model.layers=8 %s", sets);
    c.dry = dry;
    c.schedule = schedule;
    c.look = look;
    c.context = &seen;
    if (!case_virtual(&c, 4)) fail_msg("%s: %s", sets, c.refused);
    case_free(&c);
    return seen;
}

static void as_many_as_are_under_way(void **state)
{
    (void)state;
    static const char *const SETS[] = {
        "parallel.pp=4 parallel.schedule=gpipe",
        "parallel.pp=4 parallel.schedule=1f1b",
        "parallel.pp=4 parallel.schedule=zb-h1",
        "parallel.pp=4 parallel.schedule=interleaved parallel.virtual_stages=2",
        "parallel.pp=2 parallel.data=zero3 parallel.schedule=1f1b",
        "parallel.data=zero2"};
    for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++)
        for (int dry = 0; dry < 2; dry++) {
            Seen seen = of(SETS[i], NULL, dry);
            assert_int_equal(seen.ranks, 8);
            assert_int_equal(seen.left, 0);
            assert_int_equal(seen.held, seen.due);
        }
}

/* The last stage's rank has the one before it, too, which takes its gradient with no message. */
static void none_left_of_stages_side_by_side(void **state)
{
    (void)state;
    for (int dry = 0; dry < 2; dry++) {
        Seen seen = of("parallel.pp=4 parallel.schedule=own.csv train.global_batch=10", DUAL_PIPE_V, dry);
        assert_int_equal(seen.ranks, 8);
        assert_int_equal(seen.left, 0);
        assert_true(seen.held <= seen.due + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_many_as_are_under_way),
                                       cmocka_unit_test(none_left_of_stages_side_by_side)};
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
