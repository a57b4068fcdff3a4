/* test_virtual.c - what virtual ranks can do and MPI cannot: name the ranks of
 * a deadlock, refuse a message of the wrong size, and move sizes without data. */
#include <stdio.h>
#include <string.h>
#include "models/machine/tensor.h"
#include "parallel/collectives/collectives.h"
#include "parallel/wire/comm_virtual.h"
#include "parallel/wire/coroutine.h"
#include "tests/support/check.h"
#include "tests/support/child.h"

/* Groups on the stack: a deadlocked rank never comes back to free anything. */
static Group group_of(Comm *comm)
{
    static const int members[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    return (Group){.comm = comm, .rank = comm->rank, .size = comm->size, .members = members, .channel = 5};
}

static void one_waits(Comm *comm, void *context)
{
    (void)context;
    Group group = group_of(comm);
    Request request;
    char data[24] = {0};
    if (comm->rank == 2) comm_send(&group, 1, 8, CONTROL, data, sizeof data, &request); /* another tag */
    if (comm->rank != 1) return;
    comm_receive(&group, 2, 7, CONTROL, data, sizeof data, &request);
    comm_wait(&request);
}

/* Rank 0 hears all but the third, holding nothing that would be lost with it. */
static void one_is_absent(Comm *comm, void *context)
{
    int *ended = context, said = comm->rank;
    Group group = group_of(comm);
    Request request;
    for (int from = 1; from < comm->size && comm->rank == 0; from++) {
        comm_receive(&group, from, 0, CONTROL, &said, sizeof said, &request);
        comm_wait(&request);
    }
    if (comm->rank == 1 || comm->rank == 2) comm_send(&group, 0, 0, CONTROL, &said, sizeof said, &request);
    ++*ended;
}

static void at_an_action(const void *whose, char *text, size_t size)
{
    snprintf(text, size, "at %s of step 2", (const char *)whose);
}

static void all_wait(Comm *comm, void *context)
{
    (void)context;
    comm->at = at_an_action;
    comm->whose = "3F0";
    Group group = group_of(comm);
    int data = 0;
    Request request;
    comm_receive(&group, (comm->rank + 1) % comm->size, 3, CONTROL, &data, sizeof data, &request);
    comm_wait(&request);
}

static void a_deadlock_is_named(void **state)
{
    (void)state;
    Error error;
    int ended = 0;
    assert_false(virtual_run(3, one_waits, NULL, &error));
    assert_non_null(strstr(error.text, "deadlock: 1 of 3 ranks"));
    assert_non_null(
        strstr(error.text, "rank 1 waits for 24 bytes of control from rank 2 (channel 5, tag 7)"));
    assert_false(virtual_run(4, one_is_absent, &ended, &error));
    assert_non_null(strstr(error.text, "deadlock: 1 of 4 ranks"));
    assert_non_null(strstr(error.text, "rank 0 waits for 4 bytes of control from rank 3"));
    assert_int_equal(ended, 3); /* the others went on to their end */
    assert_false(virtual_run(9, all_wait, NULL, &error));
    assert_non_null(strstr(error.text, "deadlock: 9 of 9 ranks"));
    assert_non_null(strstr(error.text, "rank 0 waits at 3F0 of step 2 for 4 bytes of control from rank 1"));
    assert_non_null(strstr(error.text, "; ...")); /* some named, not all */
}

static void send_two_sizes(Comm *comm, void *context)
{
    (void)context;
    Group group = group_of(comm);
    Request request;
    char data[16] = {0};
    if (comm->rank == 0) comm_send(&group, 1, 7, CONTROL, data, 16, &request);
    if (comm->rank != 1) return;
    comm_receive(&group, 0, 7, CONTROL, data, 12, &request);
    comm_wait(&request);
}

static void of_two_sizes(void *context)
{
    (void)context;
    Error error;
    virtual_run(2, send_two_sizes, NULL, &error);
}

static void a_wrong_size_is_refused(void **state)
{
    (void)state;
    char text[512];
    assert_int_equal(child_run(of_two_sizes, NULL, text, sizeof text, NULL), 1);
    assert_non_null(
        strstr(text, "sim: rank 1 expects 12 bytes from rank 0 (channel 5, tag 7) and is sent 16"));
}

static void of_no_room(void *context)
{
    coroutine_new(NULL, context, (size_t)1 << 60);
}

static void a_stack_that_finds_no_room_is_refused(void **state)
{
    (void)state;
    char text[512];
    assert_int_equal(child_run(of_no_room, NULL, text, sizeof text, NULL), 1);
    assert_non_null(strstr(text,
                           "sim: no room for one more virtual rank's stack of 1152921504606846976 bytes: "
                           "Cannot allocate memory; try fewer ranks, or a higher limit"));
}

/* Messages of one sender and tag arrive in the order they were sent; of several, as asked for. */
typedef struct Order {
    int got[40];
} Order;

static void many_letters(Comm *comm, void *context)
{
    Order *order = context;
    Group group = group_of(comm);
    Request request;
    for (int i = 0; i < 20 && comm->rank > 0; i++) {
        int value = 100 * comm->rank + i;
        comm_send(&group, 0, i % 2, CONTROL, &value, sizeof value, &request);
        value = -1; /* it has left */
    }
    if (comm->rank > 0) return;
    for (int from = 2; from > 0; from--)
        for (int tag = 1; tag >= 0; tag--)
            for (int i = 0; i < 10; i++) {
                comm_receive(&group, from, tag, CONTROL, &order->got[(2 - from) * 20 + (1 - tag) * 10 + i],
                             sizeof(int), &request);
                comm_wait(&request);
            }
}

static void letters_keep_their_order(void **state)
{
    (void)state;
    Order order;
    Error error;
    assert_true(virtual_run(3, many_letters, &order, &error));
    for (int i = 0; i < 40; i++) {
        int from = 2 - i / 20, tag = 1 - i / 10 % 2;
        assert_int_equal(order.got[i], 100 * from + 2 * (i % 10) + tag);
    }
}

/* A dry device: no data, the same bytes and messages. */
enum { RANKS_MAX = 9 };
typedef struct Counts {
    bool dry;
    uint64_t bytes[RANKS_MAX][PURPOSES], messages[RANKS_MAX][PURPOSES];
    size_t peak[RANKS_MAX];
} Counts;

static void every_collective(Comm *comm, void *context)
{
    Counts *c = context;
    Device device = {.dry = c->dry};
    Group group = group_of(comm);
    Tensor part[2] = {tensor_new(&device, MEM_GRADIENTS, REAL, 61),
                      tensor_new(&device, MEM_GRADIENTS, REAL, 5)};
    Tensor all = tensor_new(&device, MEM_GRADIENTS, REAL, 9 * 5);
    for (int p = 0; p < 2; p++) tensor_zero(part[p]);
    tensor_zero(all);
    Collective ring;
    ring_all_reduce_begin(&ring, &group, DP_ALL_REDUCE, part, 2);
    ring_end(&ring);
    ring_reduce_scatter_begin(&ring, &group, ZERO_REDUCE_SCATTER, part, 1);
    ring_end(&ring);
    tree_broadcast(&group, DP_BROADCAST, part[0].data, tensor_bytes(part[0]), 0);
    tree_reduce(&group, DP_REDUCE, part[0], 0);
    gather(&group, DP_GATHER, part[1].data, tensor_bytes(part[1]), all.data, 0);
    scatter(&group, DP_SCATTER, all.data, tensor_bytes(part[1]), part[1].data, 0);
    memcpy(c->bytes[comm->rank], comm->bytes, sizeof comm->bytes);
    memcpy(c->messages[comm->rank], comm->messages, sizeof comm->messages);
    c->peak[comm->rank] = device.peak_total;
    tensor_free(&part[0]);
    tensor_free(&part[1]);
    tensor_free(&all);
}

static void dry_ranks_move_the_same_sizes(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= RANKS_MAX; ranks++) {
        Counts real_one = {.dry = false}, dry = {.dry = true};
        Error error;
        assert_true(virtual_run(ranks, every_collective, &real_one, &error));
        assert_true(virtual_run(ranks, every_collective, &dry, &error));
        assert_memory_equal(dry.bytes, real_one.bytes, sizeof dry.bytes);
        assert_memory_equal(dry.messages, real_one.messages, sizeof dry.messages);
        assert_memory_equal(dry.peak, real_one.peak, sizeof dry.peak);
        assert_true(ranks == 1 || dry.bytes[ranks - 1][DP_ALL_REDUCE] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadlock_is_named),
        cmocka_unit_test(a_wrong_size_is_refused),
        cmocka_unit_test(a_stack_that_finds_no_room_is_refused),
        cmocka_unit_test(letters_keep_their_order),
        cmocka_unit_test(dry_ranks_move_the_same_sizes),
    };
    return cmocka_run_group_tests_name("virtual ranks", tests, NULL, NULL);
}
