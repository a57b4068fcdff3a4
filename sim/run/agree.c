/* agree.c - rank 0 decides, all know. */
#include "sim/run/agree.h"
#include "parallel/collectives/collectives.h"

bool agree(Group *world, bool ok)
{
    int32_t verdict = ok;
    tree_broadcast(world, CONTROL, &verdict, sizeof verdict, 0);
    return verdict != 0;
}
