/* comm_mpi.c - the door to MPI: no file but this and comm_mpi_window.c includes mpi.h. */
#include "parallel/wire/comm_mpi.h"
#include <limits.h>
#include <math.h>
#include <mpi.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "models/machine/error.h"
#include "parallel/wire/comm_mpi_private.h"
#include "parallel/wire/cores.h"
#include "parallel/wire/stall.h"

static void group_begin(Group *group)
{
    MPI_Group world, some;
    MPI_Comm *handle = allocate(sizeof *handle);
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_incl(world, group->size, group->members, &some);
    MPI_Comm_create_group(MPI_COMM_WORLD, some, group->channel, handle);
    MPI_Group_free(&some);
    MPI_Group_free(&world);
    group->handle = handle;
}

static void group_end(Group *group)
{
    MPI_Comm_free(group->handle);
    free(group->handle);
}

static int count_of(size_t bytes)
{
    if (bytes > INT_MAX)
        fail(
            "a message of %zu bytes is more than one MPI message can carry (%d); try more ranks or a smaller "
            "parallel.bucket_mb",
            bytes, INT_MAX);
    return (int)bytes;
}

/* A message is two of MPI's: the data under an even tag, its stamp under the odd one beside. */
enum { DATA, STAMP, HALVES };
_Static_assert(HALVES * sizeof(MPI_Request) <= sizeof(((Request *)0)->state),
               "Request.state must hold the MPI_Requests of data and stamp");

enum { STAMP_DOUBLES = sizeof(Stamp) / sizeof(double) };
_Static_assert(STAMP_DOUBLES * sizeof(double) == sizeof(Stamp), "a stamp travels as doubles");

static double clock_of(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void send(Group *group, int to, int tag, const void *data, Request *request)
{
    MPI_Request r[HALVES];
    MPI_Comm comm = *(MPI_Comm *)group->handle;
    if (request->stamp.held > 0) request->stamp.began = clock_of(CLOCK_REALTIME);
    MPI_Isend(data, count_of(request->bytes), MPI_BYTE, to, HALVES * tag + DATA, comm, &r[DATA]);
    MPI_Isend(&request->stamp, STAMP_DOUBLES, MPI_DOUBLE, to, HALVES * tag + STAMP, comm, &r[STAMP]);
    memcpy(request->state, r, sizeof r);
}

static void receive(Group *group, int from, int tag, void *data, Request *request)
{
    MPI_Request r[HALVES];
    MPI_Comm comm = *(MPI_Comm *)group->handle;
    MPI_Irecv(data, count_of(request->bytes), MPI_BYTE, from, HALVES * tag + DATA, comm, &r[DATA]);
    MPI_Irecv(&request->stamp, STAMP_DOUBLES, MPI_DOUBLE, from, HALVES * tag + STAMP, comm, &r[STAMP]);
    memcpy(request->state, r, sizeof r);
}

/* Seconds until a message that is here may be. Clocks of two machines may be apart: it is never held longer than it is
 * meant to be from when it was first looked for. */
static double held_yet(Request *request)
{
    double held = request->receives ? request->stamp.held : 0;
    if (!(held > 0)) return 0;
    double now = clock_of(CLOCK_MONOTONIC);
    if (request->due == 0)
        request->due = now + fmin(fmax(request->stamp.began + held - clock_of(CLOCK_REALTIME), 0), held);
    return request->due - now;
}

static bool test(Request *request)
{
    MPI_Request r[HALVES];
    int done;
    memcpy(r, request->state, sizeof r);
    MPI_Testall(HALVES, r, &done, MPI_STATUSES_IGNORE);
    memcpy(request->state, r, sizeof r);
    return done && held_yet(request) <= 0;
}

/* ---- waiting ---- */

/* Groups have channels of their own: on the world's, all that ever travels is what ranks wait for when they wait too
 * long. Nobody need take it, and the process ends before its room would be given back. */
static void tell(int rank, const Waits *mine)
{
    MPI_Request request;
    MPI_Isend(mine, sizeof *mine, MPI_BYTE, rank, 0, MPI_COMM_WORLD, &request);
}

static bool hear(Waits *told)
{
    int there;
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
    if (there) MPI_Recv(told, sizeof *told, MPI_BYTE, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return there;
}

/* Where each rank is, learnt while all answer. */
typedef struct Process {
    char node[64];
    long number;
    int first;   /* of the ranks that share memory with it, itself included, the lowest */
    Cores cores; /* that it may run on */
} Process;
static Process *processes; /* (ranks) */

/* Whether other processes want the cores that waiting ranks would look from: there are more ranks than cores on this
 * node, or the user says so in Open MPI's way. */
static bool crowded, shares_cores;

bool comm_mpi_on_one_node(const Group *group)
{
    bool one = true;
    for (int i = 0; i < group->size; i++)
        one = one && processes[group->members[i]].first == processes[group->comm->rank].first;
    return one;
}

/* That this rank has for itself, of those of its node. */
static int cores_of(const Comm *comm)
{
    const Process *mine = &processes[comm->rank];
    Cores of_any = {0};
    int here = 0;
    for (int i = 0; i < comm->size; i++)
        if (processes[i].first == mine->first) {
            cores_join(&of_any, &processes[i].cores);
            here++;
        }
    return shares_cores ? 1 : cores_of_rank("", &mine->cores, &of_any, here);
}

static void learn_processes(Comm *comm)
{
    Process mine = {.number = (long)getpid(), .cores = cores_allowed("")};
    const char *idle = getenv("OMPI_MCA_mpi_yield_when_idle"), *launcher;
    char name[MPI_MAX_PROCESSOR_NAME];
    int length, here, first = 0;
    MPI_Comm node;
    MPI_Group all, near;
    MPI_Get_processor_name(name, &length);
    snprintf(mine.node, sizeof mine.node, "%.*s", length, name);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_size(node, &here);
    crowded = here > cores_of_node("");
    shares_cores = crowded || (idle && strcmp(idle, "0") != 0);
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    MPI_Comm_group(node, &near);
    MPI_Group_translate_ranks(near, 1, &first, all, &mine.first);
    MPI_Group_free(&near);
    MPI_Group_free(&all);
    MPI_Comm_free(&node);
    processes = allocate((size_t)comm->size * sizeof *processes);
    MPI_Allgather(&mine, sizeof mine, MPI_BYTE, processes, sizeof mine, MPI_BYTE, MPI_COMM_WORLD);
    comm->cores = cores_of(comm);
    comm->bound = !shares_cores && comm_mpi_launched(&launcher) && cores_are_fewer();
}

static void where(int rank, char *text, size_t size)
{
    snprintf(text, size, "process %ld on %s", processes[rank].number, processes[rank].node);
}

static const StallDoor DOOR = {.tell = tell, .hear = hear, .now = MPI_Wtime, .where = where};

/* A rank that shares its core lets others compute: between looks it yields, where it is woken at once, and after some in
 * vain, tenths of a millisecond, it sleeps; sooner where it is not and others surely wait for the core. One with a core of
 * its own, as far as is known, sleeps later, and only where it is woken. Under MPI_Waitall ranks that wait take most of
 * the time of those that they wait for. */
void comm_mpi_wait_until(Await await, const Request *what)
{
    enum { LOOKS = 200, CROWDED_LOOKS = 50, OWN_CORE_LOOKS = 1 << 14, NAP_NS = 50000, STALL_LOOKS = 1024 };
    static const struct timespec nap = {.tv_nsec = NAP_NS};
    const bool woken = await.sleep != NULL;
    const uint64_t on_own_core = woken ? OWN_CORE_LOOKS : UINT64_MAX,
                   on_shared = crowded && !woken ? CROWDED_LOOKS : LOOKS,
                   most = shares_cores ? on_shared : on_own_core;
    Patience patience = {0};
    for (uint64_t looks = 1; !await.has_come(await.context); looks++) {
        if (looks >= most && woken)
            await.sleep(await.context);
        else if (looks >= most)
            nanosleep(&nap, NULL);
        else if (shares_cores && woken)
            sched_yield();
        if (looks % STALL_LOOKS == 0) stall_look(&patience, what, &DOOR);
    }
}

static bool is_done(void *request)
{
    return test(request);
}

static void wait(Request *request)
{
    comm_mpi_wait_until((Await){is_done, NULL, request}, request);
}

/* Whether all ranks have come to where this one is. */
static bool all_here(void *request)
{
    int done;
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    return done;
}

void comm_mpi_wait_for_all(const void *ranks, Comm *comm)
{
    const Request end = {.comm = comm, .purpose = CONTROL, .peer = -1};
    MPI_Request here;
    MPI_Ibarrier(*(const MPI_Comm *)ranks, &here);
    comm_mpi_wait_until((Await){all_here, NULL, &here}, &end);
}

static const CommBackend MPI_BACKEND = {.group_begin = group_begin,
                                        .group_end = group_end,
                                        .send = send,
                                        .receive = receive,
                                        .test = test,
                                        .wait = wait,
                                        .window_begin = comm_mpi_window_begin,
                                        .window_end = comm_mpi_window_end,
                                        .beside = comm_mpi_beside,
                                        .await = comm_mpi_await};

void comm_mpi_abort(int status)
{
    MPI_Abort(MPI_COMM_WORLD, status);
    _Exit(status);
}

static void end_job(int status)
{
    comm_mpi_abort(status);
}

/* MPI promises tags to 32767 only; Open MPI has all of an int's. */
static void check_tags(void)
{
    int *most, known;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &most, &known);
    if (!known || *most < 2 * COMM_TAGS)
        fail("this MPI has message tags to %d only, and %d are needed; try another transport of "
             "Open MPI, such as OMPI_MCA_pml=ob1",
             known ? *most : 0, 2 * COMM_TAGS);
}

/* ---- from its start on ---- */

static void *nothing(void *context)
{
    return context;
}

/* MPI starts threads, and would tell of one that it cannot have in twenty lines. */
static void check_threads(void)
{
    pthread_t one;
    int number = pthread_create(&one, NULL, nothing, NULL);
    if (!number) number = pthread_join(one, NULL);
    if (!number) return;
    if (!comm_mpi_is_first()) comm_mpi_await_end(); /* the first says it for all */
    fail("cannot start a thread: %s; raise the limit on processes (ulimit -u)", strerror(number));
}

Comm *comm_mpi_start(int *argc, char ***argv)
{
    int threads;
    check_threads();
    /* others may be beside this one, and call none of it */
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &threads);
    fail_through(end_job);
    if (threads < MPI_THREAD_FUNNELED)
        fail("this MPI wants a process to have one thread; try another build of it");
    check_tags();
    Comm *comm = allocate_zeroed(1, sizeof *comm);
    comm->backend = &MPI_BACKEND;
    comm->stands_for = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &comm->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &comm->size);
    learn_processes(comm);
    return comm;
}

void comm_mpi_stop(Comm *comm)
{
    const MPI_Comm world = MPI_COMM_WORLD;
    comm_mpi_wait_for_all(&world, comm);
    comm_free_ports(comm);
    free(comm);
    free(processes);
    fail_through(NULL);
    MPI_Finalize();
}
