/* shared_tensor.h - tensors that travel over a group: in memory that its ranks share, where they have some.
 *
 * Their collectives need copy nothing (in_place.c). Members call alike, in the same order: then each of such a tensor is
 * shared on all, or on none. In the ledger it is a tensor as any. */
#ifndef PARALLEL_COLLECTIVES_SHARED_TENSOR_H
#define PARALLEL_COLLECTIVES_SHARED_TENSOR_H
#include "models/machine/tensor.h"
#include "parallel/wire/comm.h"

/* As tensor_new() and tensor_free(), of the same group. */
Tensor shared_tensor_new(Group *group, Device *device, MemoryCategory category, DType dtype, int64_t count);
void shared_tensor_free(Group *group, Tensor *t);
/* Whether it, or the tensor that it is a view of, is in the memory of this group's ranks. */
bool shared_tensor_is(const Group *group, Tensor t);
#endif
