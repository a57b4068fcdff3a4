/* extents.h - the extents of an array: rank of them, the last varying fastest. */
#ifndef SIM_FILE_EXTENTS_H
#define SIM_FILE_EXTENTS_H
#include <stdbool.h>
#include <stddef.h>

/* How many values such an array has. */
size_t extents_count(int rank, const size_t *dims);
bool extents_same(int rank, const size_t *dims, int other_rank, const size_t *others);
/* "(24, 72)" */
void extents_text(int rank, const size_t *dims, char *text, size_t size);
/* Of the value which is number `at` as they lie, one that there is: "[3, 17]". */
void extents_place(int rank, const size_t *dims, size_t at, char *text, size_t size);
#endif
