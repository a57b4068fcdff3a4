/* ranks_stop.c - one rank is asked to stop, and as that step ends every rank knows it, whatever the split: none would be
 * missing in the next. On virtual ranks in this process; under mpirun (tests/run.sh does both) on the ranks it was given. */
#include <stdio.h>
#include "tests/ranks.h"
#include "tests/support/case_ranks.h"
#include "tests/support/check.h"

enum { RANKS = 8, AT = 1 };

static const char MODEL[] = "model.layers=4 model.hidden=8 model.ffn=12 model.sequence=8";

/* Of each way that gradients and norms take. */
static const struct {
    int ranks;
    const char *words;
} SPLITS[] = {
    {1, "parallel.tp=1"},
    {2, "parallel.data=zero3"},
    {2, "parallel.tp=2"},
    {2, "parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2"},
    {3, "parallel.data=dp"},
    {3, "parallel.data=ddp"},
    {3, "parallel.data=zero2 parallel.overlap=no"},
    {3, "parallel.pp=3 parallel.schedule=zb-h1"},
    {4, "parallel.data=ddp parallel.quantize=gradients"},
    {4, "parallel.data=zero1 parallel.gather=forward"},
    {4, "parallel.data=zero3 parallel.quantize=both"},
    {6, "parallel.tp=2 parallel.data=ddp"},
    {6, "parallel.tp=2 parallel.sequence_parallel=yes parallel.data=dp"},
    {6, "parallel.pp=3 parallel.data=zero2"},
    {6, "hardware.profile=slow.ini hardware.all_reduce=tree parallel.data=ddp"},
    {8, "parallel.pp=2 parallel.tp=2 parallel.data=ddp"},
    {8, "parallel.pp=2 parallel.tp=2 parallel.data=zero3 parallel.schedule=gpipe"},
    {8, "parallel.data=ddp hardware.profile=slow.ini hardware.all_reduce=hierarchical"},
};

typedef struct Asked {
    int rank;           /* who is asked, during step AT */
    bool late;          /* when the last of its gradients are computed already */
    int actions[RANKS]; /* performed in the step */
    volatile sig_atomic_t flag[RANKS];
    bool wrong;
    char said[128];
} Asked;

/* One rank's, for what happens between its actions. */
typedef struct Watched {
    Asked *asked;
    const Trainer *trainer;
} Watched;
static Watched watched[RANKS];

static int last_backward(const Trainer *t)
{
    const Schedule *list = &t->plan->list[t->mesh.place.pipe];
    int last = -1;
    for (int i = 0; i < list->count; i++) {
        ActionKind kind = list->action[i].kind;
        if (kind == ACTION_BACKWARD || kind == ACTION_INPUT || kind == ACTION_WEIGHT) last = i;
    }
    return last;
}

static void performed(void *watch)
{
    const Watched *p = watch;
    int rank = p->trainer->comm->rank, next = ++p->asked->actions[rank];
    bool now = next == last_backward(p->trainer) + p->asked->late;
    if (now && rank == p->asked->rank && p->trainer->step == AT) p->asked->flag[rank] = SIGUSR1;
}

static int64_t begin(Trainer *t, void *context)
{
    Asked *a = context;
    int rank = t->comm->rank;
    watched[rank] = (Watched){.asked = a, .trainer = t};
    t->comm->last = 0; /* of an earlier case of this launch */
    t->asked = &a->flag[rank];
    t->performed = performed;
    t->watch = &watched[rank];
    return 0;
}

static void look(Trainer *t, const StepResult *result, void *context)
{
    (void)result;
    Asked *a = context;
    int rank = t->comm->rank;
    int64_t said = AT + a->late, expected = t->step < said ? 0 : said + 1;
    a->actions[rank] = 0;
    if (t->comm->last == expected || a->wrong) return;
    a->wrong = true;
    snprintf(a->said, sizeof a->said, "rank %d, asked %s: rank %d knows %lld after step %lld, not %lld",
             a->rank, a->late ? "late" : "in time", rank, (long long)t->comm->last, (long long)t->step + 1,
             (long long)expected);
}

static void is_known_everywhere(const char *words, int ranks, int asked, bool late)
{
    Asked a = {.rank = asked, .late = late};
    Case c = case_of_words(AT + 1 + late, "%s %s", MODEL, words);
    c.begin = begin;
    c.look = look;
    c.context = &a;
    run_case(&c, ranks);
    if (a.wrong || c.refused[0]) print_error("%s: %s%s\n", words, c.refused, a.said);
    assert_true(!a.wrong && !c.refused[0]);
    case_free(&c);
}

static void whoever_is_asked_all_know_as_the_step_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SPLITS / sizeof *SPLITS; i++) {
        int ranks = SPLITS[i].ranks;
        if (!ranks_fit(ranks)) continue;
        for (int rank = 0; rank < ranks; rank += mpi ? 3 : 2)
            is_known_everywhere(SPLITS[i].words, ranks, rank, false);
        is_known_everywhere(SPLITS[i].words, ranks, ranks - 1, true);
    }
}

int ranks_stop(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whoever_is_asked_all_know_as_the_step_ends)};
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
