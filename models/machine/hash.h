/* hash.h - a number that tells texts apart (FNV-1a, 64 bits): no defence against who wants two to be alike. */
#ifndef MODELS_MACHINE_HASH_H
#define MODELS_MACHINE_HASH_H
#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN 14695981039346656037u

/* The number of what `hash` stands for with these bytes behind. */
uint64_t hash_add(uint64_t hash, const void *bytes, size_t count);
/* A bijection of 64 bits in which every bit of the one depends on every bit of the other (Steele et al. 2014,
 * splitmix64's last step). */
static inline uint64_t hash_mix(uint64_t word)
{
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
    word = (word ^ word >> 27) * 0x94d049bb133111ebu;
    return word ^ word >> 31;
}
#endif
