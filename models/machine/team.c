/* team.c - rounds of work: a thread that has done its part of one waits for the number of the next. */
#include "models/machine/team.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/denormals.h"

typedef struct Round {
    TeamPart *part; /* NULL: the thread ends */
    void *context;
    int64_t count, grain;
    int members; /* who have a part; others have none */
} Round;

static struct {
    int size; /* 0: as 1, nothing was started */
    pthread_t thread[TEAM_MOST];
    Round round;
    atomic_uint number;    /* of the round; goes up as its work is there */
    unsigned first_number; /* as the threads were started */
    bool no_denormals;
    atomic_int working;   /* threads that are not done with it */
    atomic_int asleep;    /* or about to be */
    pthread_mutex_t lock; /* for going to sleep, and for waking */
    pthread_cond_t work_is_there;
} team = {.lock = PTHREAD_MUTEX_INITIALIZER, .work_is_there = PTHREAD_COND_INITIALIZER};

static _Thread_local int place;
static _Thread_local bool in_part;

/* Looks before a thread sleeps: each takes some tens of nanoseconds. */
enum { LOOKS = 1000 };

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- the others ---- */

static void await_round(unsigned done)
{
    for (int looks = 0; looks < LOOKS; looks++) {
        if (atomic_load(&team.number) != done) return;
        relax();
    }
    pthread_mutex_lock(&team.lock);
    atomic_fetch_add(&team.asleep,
                     1); /* whoever begins a round after this sees it, else the round is seen here */
    while (atomic_load(&team.number) == done) pthread_cond_wait(&team.work_is_there, &team.lock);
    atomic_fetch_sub(&team.asleep, 1);
    pthread_mutex_unlock(&team.lock);
}

static void perform(const Round *r, int member)
{
    if (member >= r->members) return;
    int64_t grains = (r->count + r->grain - 1) / r->grain, first = grains * member / r->members * r->grain,
            end = grains * (member + 1) / r->members * r->grain;
    in_part = true;
    r->part(r->context, first, end < r->count ? end : r->count);
    in_part = false;
}

static void *work(void *context)
{
    place = (int)(intptr_t)context;
    if (team.no_denormals) denormals_off(); /* as the first */
    for (unsigned done = team.first_number;; done++) {
        await_round(done);
        bool ends = !team.round.part;
        if (!ends) perform(&team.round, place);
        atomic_fetch_sub(&team.working, 1);
        if (ends) return NULL;
    }
}

/* ---- the first ---- */

static void begin_round(Round round)
{
    team.round = round;
    atomic_store(&team.working, team.size - 1);
    atomic_fetch_add(&team.number, 1);
    if (!atomic_load(&team.asleep)) return;
    pthread_mutex_lock(&team.lock);
    pthread_cond_broadcast(&team.work_is_there);
    pthread_mutex_unlock(&team.lock);
}

static void await_others(void)
{
    for (int looks = 0; atomic_load(&team.working); looks++) {
        if (looks < LOOKS)
            relax();
        else
            sched_yield(); /* one of them has no core */
    }
}

int team_start(int threads)
{
    team_end();
    int most = threads < TEAM_MOST ? threads : TEAM_MOST;
    team.first_number = atomic_load(&team.number);
    team.no_denormals = denormals_are_off();
    team.size = 1;
    sigset_t all, before; /* signals stay the first's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team.size < most &&
           !pthread_create(&team.thread[team.size], NULL, work, (void *)(intptr_t)team.size))
        team.size++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return team.size;
}

void team_end(void)
{
    if (team.size > 1) {
        begin_round((Round){.part = NULL});
        for (int i = 1; i < team.size; i++) pthread_join(team.thread[i], NULL);
    }
    team.size = 1;
}

int team_place(void)
{
    return place;
}

void team_divide(int64_t count, int64_t grain, TeamPart *part, void *context)
{
    if (count <= 0) return;
    int64_t grains = (count + grain - 1) / grain;
    if (grains < 2 || team.size < 2 || in_part) {
        part(context, 0, count);
        return;
    }
    Round round = {part, context, count, grain, (int)(grains < team.size ? grains : team.size)};
    begin_round(round);
    perform(&round, 0);
    await_others();
}
