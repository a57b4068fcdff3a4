/* random.h - numbers that depend on (seed, stream, index) alone: the generator
 * is Philox4x32-10 from Random123 (Salmon et al., SC11), a function, not a
 * state, so any rank can draw any element of any tensor. */
#ifndef MODELS_MACHINE_RANDOM_H
#define MODELS_MACHINE_RANDOM_H
#include <stdint.h>

/* Streams keep the uses of one seed apart. */
typedef enum {
    STREAM_WEIGHTS,
    STREAM_MARKOV_TABLE,
    STREAM_MARKOV_SAMPLE,
    STREAM_TEXT_ORDER,
    STREAM_DROPOUT,
    STREAM_FAILURES
} RandomStream;

uint64_t random_bits(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor);
/* uniform below n, unbiased enough for n < 2^32 (64-bit multiply-shift) */
uint64_t random_below(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor, uint64_t n);
/* Four numbers of 32 bits from each of `counters` minors, minor..minor+counters-1, in vector code. */
void random_words(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor, uint32_t *words,
                  int64_t counters);
/* standard normal (Box-Muller) */
double random_normal(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor);
/* The same of minors minor..minor+count-1. */
void random_normals(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor, double *normals,
                    int64_t count);
#endif
