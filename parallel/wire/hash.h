/* hash.h - of what messages and meetings are told apart by. */
#ifndef PARALLEL_WIRE_HASH_H
#define PARALLEL_WIRE_HASH_H
#include <stddef.h>
#include <stdint.h>
#include "parallel/wire/comm.h"

/* Fibonacci hashing (Knuth 6.4); the low bits are as good as any. */
static inline size_t hash_of(int channel, int rank, int tag)
{
    uint64_t key = ((uint64_t)(uint32_t)rank << 32 | (uint32_t)tag) * CHANNELS + (uint64_t)channel;
    key = (key ^ key >> 31) * 0x9E3779B97F4A7C15;
    return (size_t)(key >> 32);
}
#endif
