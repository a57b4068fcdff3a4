/* legs.h - which way a collective goes: the rings that it goes over one after the other, and their sizes; or trees, or a window. */
#ifndef PARALLEL_COLLECTIVES_LEGS_H
#define PARALLEL_COLLECTIVES_LEGS_H
#include "parallel/collectives/collectives.h"

/* One ring over all; of an all-reduce that the network wants so, three (rings.c draws them), or none but trees
 * (double_tree.c). What is one ring goes through a window, where the group has one (windows.c). */
void legs_choose(Collective *c, bool reduces, bool gathers);
/* Once they are chosen, and the parts are there. */
RingShape legs_shape(Collective *c);
/* Elements, over all parts, of the leg's first block, its longest, or its last, its shortest. */
int64_t legs_edge_block(const Collective *c, const Leg *leg, bool last);
#endif
