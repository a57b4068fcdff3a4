/* late.h - messages of a link that are held back on their way: each so many-th.
 *
 * They are numbered in the order of the sender's program: those of a collective, which leave whenever it gets to, as it
 * begins. So which of them are late does not depend on the machine. */
#ifndef PARALLEL_WIRE_LATE_H
#define PARALLEL_WIRE_LATE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct LateLink {
    int from, to;  /* ranks of the world */
    int64_t every; /* of the messages between them, those whose number this divides */
    double seconds;
} LateLink;

/* One as its sender has it. */
typedef struct Late {
    LateLink link;
    bool holds; /* now: messages are counted while it does */
    int64_t messages, late;
} Late;

/* A message goes over the link: seconds that it is held back, 0 where it is on time. */
double late_next(Late *late);
/* So many will: by how much they are held back together. The first of them is `number` + 1. */
double late_reserve(Late *late, int64_t messages, int64_t *number);
/* One of those goes. */
double late_reserved(const Late *late, int64_t *number);
#endif
