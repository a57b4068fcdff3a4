/* hash.h - a number that tells texts apart (FNV-1a, 64 bits): no defence against who wants two to be alike. */
#ifndef MODELS_MACHINE_HASH_H
#define MODELS_MACHINE_HASH_H
#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN 14695981039346656037u

/* The number of what `hash` stands for with these bytes behind. */
uint64_t hash_add(uint64_t hash, const void *bytes, size_t count);
#endif
