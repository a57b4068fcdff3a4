/* beside.h - a collective under way that moves on between kernels: unless it is dry, as then nothing tells when it does. */
#ifndef PARALLEL_COLLECTIVES_BESIDE_H
#define PARALLEL_COLLECTIVES_BESIDE_H
#include "models/machine/device.h"

typedef struct Beside {
    Between between;
    Device *device; /* NULL: it is dry */
} Beside;

/* From here on `progress` is called with `moving`, in which `b` lies, until the end. Returns it. */
static inline void *beside_begin(Beside *b, Device *device, void (*progress)(void *moving), void *moving)
{
    *b = (Beside){.between = {.call = progress, .context = moving}, .device = device->dry ? NULL : device};
    if (b->device) device_between(b->device, &b->between);
    return moving;
}

static inline void beside_end(Beside *b)
{
    if (b->device) device_between_end(b->device, &b->between);
}
#endif
