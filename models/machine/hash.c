/* hash.c - Fowler, Noll and Vo's sum, a byte at a time. */
#include "models/machine/hash.h"

uint64_t hash_add(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; i++) hash = (hash ^ at[i]) * 1099511628211u;
    return hash;
}
