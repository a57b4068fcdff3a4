/* all_to_all.h - every rank has rows for every other, as many as there happen to be.
 *
 * Three ranks, rows named by who sends them and who gets them; rank 1 has none for rank 2:
 *
 *          out              in                 rows, as RowCounts has them: (3, 3)
 *   rank 0 00 01 01 02      00 10 20           1 2 1
 *   rank 1 10 11            01 01 11 21        1 1 0
 *   rank 2 20 21 22         02 22              1 1 1
 *
 * `out` is packed by who gets a segment, `in` by who sent it; with `turned` counts the same goes back. A segment to
 * oneself is copied, and counted nowhere; an empty one is not sent; nothing is added.
 * Bytes a rank sends: its rows for others x width x the size of a value; or, where the network says so and the group has as
 * many members in each of its nodes, in two hops what all_to_all_hops.c draws.
 *
 * It is begun, progressed and ended as rings are (collectives.h), and like a ring has a lane of its own in simulated
 * time, after what took the ports before. It starts when the last member has begun it that this rank has heard of: all of
 * them where no segment is empty. Then each rank's ports are busy with what it sends or gets, whichever is more, and it
 * ends when the fullest port of any member is done (parallel/network/all_to_all.h): who waits for a busy rank is held up by it.
 * Where it is dry and no segment is empty, its members only meet; so of a group all of whose pairs have
 * `each` rows, one member may be walked for all. */
#ifndef PARALLEL_COLLECTIVES_ALL_TO_ALL_H
#define PARALLEL_COLLECTIVES_ALL_TO_ALL_H
#include "parallel/collectives/all_to_all_state.h"

/* Members call this together. `out` and `in` have rows of `width` values; they and counts.rows stay until the end. */
void all_to_all_begin(AllToAll *a, Group *group, Purpose purpose, Tensor out, Tensor in, int64_t width,
                      RowCounts counts);
/* Moves on as far as messages have arrived; true when all is done. Never waits. */
bool all_to_all_progress(AllToAll *a);
/* Waits for the rest. */
void all_to_all_end(AllToAll *a);

/* Before it: every rank tells all how many rows it has for each expert of each rank, `per` of them a rank, by a ring's all-gather
 * (as Megatron-LM's dispatcher does), so that all know all counts. `counts` is (n, n, per): the caller has filled
 * its own part, (n, per) from its rank's on; NULL on a dry device. Bytes a rank sends: (n - 1) n per x 4. It waits. */
void counts_exchange(Group *group, Purpose purpose, Device *device, int per, int32_t *counts);
#endif
