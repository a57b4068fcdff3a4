/* slots.c - a table of those under way, and a list of those that were. */
#include "sim/run/slots.h"
#include <stdlib.h>
#include "models/machine/error.h"

void slots_make(Slots *s, int chunks, int microbatches)
{
    *s = (Slots){.chunks = chunks, .microbatches = microbatches};
    s->at = allocate_zeroed((size_t)chunks * (size_t)microbatches, sizeof *s->at);
}

void slots_free(Slots *s)
{
    for (size_t i = 0; s->at && i < (size_t)s->chunks * (size_t)s->microbatches; i++) free(s->at[i]);
    for (Slot *slot = s->spare, *next; slot; slot = next) {
        next = slot->next_spare;
        free(slot);
    }
    free(s->at);
    *s = (Slots){0};
}

static Slot **place_of(const Slots *s, int chunk, int microbatch)
{
    return &s->at[(size_t)chunk * (size_t)s->microbatches + (size_t)microbatch];
}

/* Nothing is saved in it any more: that, most of it, is empty. */
static void empty(Slot *slot)
{
    slot->as = NULL;
    slot->x = slot->y = slot->dy = slot->dx = (Tensor){0};
    slot->done = slot->saves = false;
}

Slot *slots_of(Slots *s, int chunk, int microbatch)
{
    Slot **at = place_of(s, chunk, microbatch);
    if (!*at && s->spare) {
        *at = s->spare;
        s->spare = s->spare->next_spare;
        empty(*at);
    } else if (!*at) {
        *at = allocate_zeroed(1, sizeof **at);
    }
    return *at;
}

void slots_leave(Slots *s, int chunk, int microbatch)
{
    Slot **at = place_of(s, chunk, microbatch), *slot = *at;
    if (!slot || !slot->done || slot->dx.device) return;
    slot->next_spare = s->spare;
    s->spare = slot;
    *at = NULL;
}
