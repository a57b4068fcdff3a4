/* arena.h - memory of a rank that the other ranks of its group have before them, too: what lies there they read and write
 * where it lies.
 *
 * A rank's is a file without a name (memfd_create), which all map whole: it is as long as this machine has memory, and
 * has as much of that as was taken; so neither the size of /dev/shm nor what else lies there bounds it, and it is gone
 * with the last process that has it, however that ends. Addresses differ between processes, so places are told as how
 * far they lie from an arena's begin. Who may read and write what, and when, those have to agree on who use it
 * (parallel/collectives/in_place.c). */
#ifndef PARALLEL_WIRE_ARENA_H
#define PARALLEL_WIRE_ARENA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Arena Arena;

/* How others find it: the process, its number for the file, and what the file begins with, drawn at random. */
typedef struct ArenaCard {
    long process;
    int file;
    uint64_t mark[2];
} ArenaCard;

/* This rank's, of so many. NULL: this machine gives none (an old kernel, or a limit on addresses or on files), and the
 * card leads nowhere. */
Arena *arena_new(int rank, int ranks, ArenaCard *card);
/* Another's; false where it cannot be had (other users, namespaces, limits). */
bool arena_map(Arena *arena, int rank, const ArenaCard *card);
void arena_free(Arena *arena);

/* Memory from this rank's, on a cache line, not zeroed; NULL: there is no more. And back, from where it begins. */
void *arena_take(Arena *arena, size_t bytes);
void arena_give(Arena *arena, const void *memory);
bool arena_has(const Arena *arena, const void *memory);
/* A place in this rank's, as all know it, and where a rank's place lies here. */
uint64_t arena_place(const Arena *arena, const void *memory);
void *arena_at(const Arena *arena, int rank, uint64_t place);

/* Bytes of other processes' arenas that are counted as resident in this one, and in theirs. */
uint64_t arena_others(void);
#endif
