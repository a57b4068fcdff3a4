/* moves.h - how a collective moves that collective.c has begun: over rings, over trees, or through a window. */
#ifndef PARALLEL_COLLECTIVES_MOVES_H
#define PARALLEL_COLLECTIVES_MOVES_H
#include "parallel/collectives/collectives.h"

/* Of a collective with somebody to send to. Its buffers. */
void ring_prepare(Collective *c);
void trees_prepare(Collective *c);
/* The first messages; then as far as messages have arrived, or to the end, where c->done. */
void ring_start(Collective *c);
void ring_move(Collective *c, bool to_the_end);
void trees_start(Collective *c);
void trees_move(Collective *c, bool to_the_end);
void windows_start(Collective *c);
void windows_move(Collective *c, bool to_the_end);
/* Whether it could move, or one before it. */
bool ring_ready(Collective *c);
bool windows_ready(Collective *c);
/* Of sizes alone, instead of these: what the kernels of all its steps would say. */
void ring_report(const Collective *c);
void trees_report(const Collective *c);
void trees_end(Collective *c);
/* How many messages it sends to a group rank, in all, once it is prepared. */
int64_t ring_messages(Collective *c, int to);
int64_t trees_messages(Collective *c, int to);
/* A block of part i, and how many elements it has in all parts, of the leg under way. */
Tensor ring_block(const Collective *c, int i, int block);
int64_t ring_blocks(const Collective *c, int block);
/* What this rank sends over trees, and what they take. */
RingShape trees_shape(Collective *c);
#endif
