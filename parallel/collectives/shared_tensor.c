/* shared_tensor.c - a tensor from the group's arena, or from the device as any. */
#include "parallel/collectives/shared_tensor.h"

static Arena *arena_of(const Group *group)
{
    return group->window ? group->window->arena : NULL;
}

Tensor shared_tensor_new(Group *group, Device *device, MemoryCategory category, DType dtype, int64_t count)
{
    Tensor t = {.device = device, .count = count, .dtype = dtype, .category = category};
    if (!arena_of(group) || device->dry || count == 0) return tensor_new(device, category, dtype, count);
    t.data = arena_take(arena_of(group), tensor_bytes(t));
    if (!t.data) device_is_full(device, memory_category_name[category], tensor_bytes(t));
    device_book(device, category, tensor_bytes(t));
    return t;
}

bool shared_tensor_is(const Group *group, Tensor t)
{
    return arena_of(group) && arena_has(arena_of(group), t.data);
}

void shared_tensor_free(Group *group, Tensor *t)
{
    if (!shared_tensor_is(group, *t)) {
        tensor_free(t);
        return;
    }
    device_release(t->device, t->category, tensor_bytes(*t));
    arena_give(arena_of(group), t->data);
    *t = (Tensor){0};
}
