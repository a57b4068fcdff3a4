/* team.c - rounds of work, whose parts whoever is free takes: one that has no core just now holds up no other. */
#include "models/machine/team.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "models/machine/denormals.h"

typedef struct Round {
    TeamPart *part;
    void *context;
    int64_t count, grain;
} Round;

/* What threads take parts by: the round's number, how many parts it has, and the next of them, which whoever takes it adds
 * one to, also where there is none left. */
enum { PARTS_BITS = 16, NUMBER_BITS = 2 * PARTS_BITS };
typedef struct Claim {
    unsigned number;
    int parts, part;
} Claim;

static struct {
    int size; /* 0: as 1, nothing was started */
    pthread_t thread[TEAM_MOST];
    Round round;               /* as long as one of its parts is not done */
    atomic_uint_fast64_t next; /* a Claim */
    atomic_int done;           /* parts of the round */
    atomic_bool ends;          /* with the round that is next */
    bool no_denormals;
    atomic_int asleep; /* threads, or about to be */
    pthread_mutex_t lock;
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

static Claim claim_of(uint64_t word)
{
    const uint64_t most = (1 << PARTS_BITS) - 1;
    return (Claim){(unsigned)(word >> NUMBER_BITS), (int)(word >> PARTS_BITS & most), (int)(word & most)};
}

/* All parts that are left; returns the number of the round that has none. What a round is can be read once a part of it is
 * taken, as it lasts until that is done. */
static unsigned perform(void)
{
    while (true) {
        Claim c = claim_of(atomic_fetch_add(&team.next, 1));
        if (c.part >= c.parts) return c.number;
        const Round *r = &team.round;
        int64_t grains = (r->count + r->grain - 1) / r->grain, first = grains * c.part / c.parts * r->grain,
                end = grains * (c.part + 1) / c.parts * r->grain;
        in_part = true;
        r->part(r->context, first, end < r->count ? end : r->count);
        in_part = false;
        atomic_fetch_add(&team.done, 1);
    }
}

/* ---- the others ---- */

static bool is_over(unsigned number)
{
    return claim_of(atomic_load(&team.next)).number == number;
}

static void await_round_after(unsigned number)
{
    for (int looks = 0; looks < LOOKS; looks++) {
        if (!is_over(number)) return;
        relax();
    }
    pthread_mutex_lock(&team.lock);
    /* whoever begins a round after this sees it, else the round is seen here */
    atomic_fetch_add(&team.asleep, 1);
    while (is_over(number)) pthread_cond_wait(&team.work_is_there, &team.lock);
    atomic_fetch_sub(&team.asleep, 1);
    pthread_mutex_unlock(&team.lock);
}

static void *work(void *context)
{
    place = (int)(intptr_t)context;
    if (team.no_denormals) denormals_off(); /* as the first */
    while (true) {
        unsigned number = perform();
        if (atomic_load(&team.ends)) return NULL;
        await_round_after(number);
    }
}

/* ---- the first ---- */

/* What was to be read of the round before has been: all its parts are done. */
static void begin_round(Round round, int parts)
{
    unsigned number = claim_of(atomic_load(&team.next)).number + 1;
    team.round = round;
    atomic_store(&team.done, 0);
    atomic_store(&team.next, (uint64_t)number << NUMBER_BITS | (uint64_t)parts << PARTS_BITS);
    if (!atomic_load(&team.asleep)) return;
    pthread_mutex_lock(&team.lock);
    pthread_cond_broadcast(&team.work_is_there);
    pthread_mutex_unlock(&team.lock);
}

int team_start(int threads)
{
    int most = threads < TEAM_MOST ? threads : TEAM_MOST;
    if (team.size && team.size == most) return team.size;
    team_end();
    team.no_denormals = denormals_are_off();
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
    atomic_store(&team.ends, true);
    if (team.size > 1) begin_round((Round){0}, 0);
    for (int i = 1; i < team.size; i++) pthread_join(team.thread[i], NULL);
    atomic_store(&team.ends, false);
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
    int parts = (int)(grains < team.size ? grains : team.size);
    begin_round((Round){part, context, count, grain}, parts);
    perform();
    for (int looks = 0; atomic_load(&team.done) < parts; looks++) {
        if (looks < LOOKS)
            relax();
        else
            sched_yield(); /* who has the part may have no core */
    }
}
