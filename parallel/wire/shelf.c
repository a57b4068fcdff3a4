/* shelf.c - few, so one after the other. */
#include "parallel/wire/shelf.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"

typedef struct ShelfSteps {
    LaneStep *step; /* (count) */
    int count;
    uint64_t hash;
    struct ShelfSteps *next;
} ShelfSteps;

static uint64_t hash_of(const LaneStep *steps, int count)
{
    uint64_t hash = 0, word;
    for (int i = 0; i < count; i++) {
        memcpy(&word, &steps[i].seconds, sizeof word);
        word ^= (uint64_t)steps[i].part << 2 | (uint64_t)steps[i].launched << 1 | steps[i].met;
        hash = (hash ^ word ^ hash >> 29) * 0x9e3779b97f4a7c15u;
    }
    return hash;
}

/* Field by field: what lies between them may be anything. */
static bool are_same(const LaneStep *a, const LaneStep *b, int count)
{
    for (int i = 0; i < count; i++)
        if (a[i].seconds != b[i].seconds || a[i].part != b[i].part || a[i].launched != b[i].launched ||
            a[i].met != b[i].met)
            return false;
    return true;
}

const LaneStep *shelf_keep(Shelf *shelf, LaneStep *steps, int count)
{
    const uint64_t hash = hash_of(steps, count);
    for (const ShelfSteps *s = shelf->first; s; s = s->next)
        if (s->hash == hash && s->count == count && are_same(s->step, steps, count)) {
            free(steps);
            return s->step;
        }
    ShelfSteps *kept = allocate(sizeof *kept);
    *kept = (ShelfSteps){steps, count, hash, shelf->first};
    shelf->first = kept;
    return steps;
}

void shelf_free(Shelf *shelf)
{
    for (ShelfSteps *s = shelf->first, *next; s; s = next) {
        next = s->next;
        free(s->step);
        free(s);
    }
    shelf->first = NULL;
}
