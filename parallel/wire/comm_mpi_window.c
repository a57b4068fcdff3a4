/* comm_mpi_window.c - memory that ranks of one node share, by MPI; and waiting for what others store there. */
#include <errno.h>
#include <mpi.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "models/machine/error.h"
#include "parallel/wire/comm_mpi.h"
#include "parallel/wire/comm_mpi_private.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14; refused by others */
#endif

typedef struct Counting {
    const Window *window;
    int rank, which;
    uint32_t count;
    unsigned looks;
} Counting;

/* What is waited for comes without MPI, which others may need in the meantime: a long message moves only while its sender
 * looks into MPI, too. */
static void look_into_mpi(void)
{
    int there;
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
}

static bool has_come(void *context)
{
    enum { MPI_LOOKS = 64 };
    Counting *c = context;
    bool come = window_has(c->window, c->rank, c->which, c->count);
    if (!come && ++c->looks % MPI_LOOKS == 0) look_into_mpi();
    return come;
}

static void sleep_for_it(void *context)
{
    const Counting *c = context;
    window_sleep(c->window, c->rank, c->which, c->count);
    if (!window_has(c->window, c->rank, c->which, c->count)) look_into_mpi();
}

void comm_mpi_await(Group *group, int rank, int which, uint32_t count, const Request *what)
{
    Counting counting = {group->window, rank, which, count, 0};
    comm_mpi_wait_until((Await){has_come, sleep_for_it, &counting}, what);
}

/* In the way that MPI has for a program to tell who profiles it, by default nobody. */
void comm_mpi_beside(uint64_t messages, uint64_t bytes)
{
    MPI_Pcontrol(COMM_MPI_BESIDE, messages, bytes);
}

/* On a boundary of cache lines, the same for all as segments begin on pages. */
static WindowSegment *aligned(void *segment)
{
    return (WindowSegment *)(((uintptr_t)segment + WINDOW_LINE - 1) & ~(uintptr_t)(WINDOW_LINE - 1));
}

/* All ranks have all arenas, or none has any: where a single one cannot be had, all that travels goes through slots. */
static void begin_arena(Window *w, const Group *group, MPI_Comm comm)
{
    WindowSegment *mine = w->segment[group->rank];
    bool all = true;
    w->arena = arena_new(group->rank, group->size, &mine->card);
    MPI_Barrier(comm);
    mine->mapped = w->arena != NULL;
    for (int r = 0; r < group->size && mine->mapped; r++)
        if (r != group->rank) mine->mapped = arena_map(w->arena, r, &w->segment[r]->card);
    MPI_Barrier(comm);
    for (int r = 0; r < group->size; r++) all = all && w->segment[r]->mapped;
    if (all) return;
    arena_free(w->arena);
    w->arena = NULL;
}

/* MPI has seen that there is room for it, as for each of several, and takes none. So that there is memory, or an error,
 * here and not where it is first touched, which would end the process. */
static bool back(void *segment, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)segment / page * page;
    return madvise((void *)begin, (uintptr_t)segment + bytes - begin, MADV_POPULATE_WRITE) == 0 ||
           errno == EINVAL;
}

/* Where one rank has no room others have none, either: the first ends the job, and speaks for all. */
static void refuse(const Group *group, size_t bytes)
{
    enum { TURN = 100000, LAST = 20 }; /* microseconds */
    usleep(TURN * (useconds_t)(group->comm->rank < LAST ? group->comm->rank : LAST));
    fail("MPI cannot give %d ranks %zu bytes each of memory that they share; make room where it has it "
         "(/dev/shm, /tmp), or try parallel.collectives = messages",
         group->size, bytes);
}

void comm_mpi_window_begin(Group *group)
{
    MPI_Comm comm = *(MPI_Comm *)group->handle;
    const MPI_Aint bytes = sizeof(WindowSegment) + WINDOW_LINE;
    MPI_Info info;
    void *mine;
    if (!comm_mpi_on_one_node(group) || group->size > WINDOW_RANKS) return;
    Window *w = allocate_zeroed(1, sizeof *w);
    w->segment = allocate((size_t)group->size * sizeof *w->segment);
    w->handle = allocate(sizeof(MPI_Win));
    MPI_Info_create(&info);
    MPI_Info_set(info, "alloc_shared_noncontig", "true");
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    if (MPI_Win_allocate_shared(bytes, 1, info, comm, &mine, w->handle) != MPI_SUCCESS ||
        !back(mine, (size_t)bytes))
        refuse(group, (size_t)bytes);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_ARE_FATAL);
    MPI_Info_free(&info);
    for (int r = 0; r < group->size; r++) {
        MPI_Aint size;
        int unit;
        void *segment;
        MPI_Win_shared_query(*(MPI_Win *)w->handle, r, &size, &unit, &segment);
        w->segment[r] = aligned(segment);
    }
    memset(w->segment[group->rank], 0, offsetof(WindowSegment, slot));
    MPI_Win_lock_all(MPI_MODE_NOCHECK, *(MPI_Win *)w->handle);
    begin_arena(w, group, comm);
    group->window = w;
}

/* MPI waits for all members, too, and would for ever. */
void comm_mpi_window_end(Group *group)
{
    Window *w = group->window;
    comm_mpi_wait_for_all(group->handle, group->comm);
    MPI_Win_unlock_all(*(MPI_Win *)w->handle);
    MPI_Win_free(w->handle);
    arena_free(w->arena);
    free(w->handle);
    free(w->segment);
    free(w);
    group->window = NULL;
}
