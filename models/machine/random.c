/* random.c - the one door to Random123. */
#include "models/machine/random.h"
#include <Random123/philox.h>
#include <math.h>
#include "models/machine/vector.h"

static inline philox4x32_ctr_t draw(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor)
{
    /* key: seed, with the stream in its high half; counter: the two indices */
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)((uint64_t)seed >> 32) ^ ((uint32_t)stream << 24)}};
    philox4x32_ctr_t counter = {
        {(uint32_t)major, (uint32_t)(major >> 32), (uint32_t)minor, (uint32_t)(minor >> 32)}};
    return philox4x32(counter, key);
}

uint64_t random_bits(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor)
{
    philox4x32_ctr_t r = draw(seed, stream, major, minor);
    return (uint64_t)r.v[1] << 32 | r.v[0];
}

uint64_t random_below(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor, uint64_t n)
{
    return (random_bits(seed, stream, major, minor) >> 32) * n >> 32;
}

/* Of a counter's first two words. */
static double normal_of(const uint32_t *words)
{
    double u = ((double)words[0] + 0.5) * 0x1p-32, v = ((double)words[1] + 0.5) * 0x1p-32;
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

double random_normal(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor)
{
    philox4x32_ctr_t r = draw(seed, stream, major, minor);
    return normal_of(r.v);
}

VECTORISED void random_words(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor,
                             uint32_t *words, int64_t counters)
{
    for (int64_t i = 0; i < counters; i++) {
        philox4x32_ctr_t r = draw(seed, stream, major, minor + (uint64_t)i);
        for (int k = 0; k < 4; k++) words[4 * i + k] = r.v[k];
    }
}

void random_normals(int64_t seed, RandomStream stream, uint64_t major, uint64_t minor, double *normals,
                    int64_t count)
{
    enum { SOME = 64 };
    uint32_t words[4 * SOME];
    for (int64_t i = 0; i < count; i += SOME) {
        int64_t some = count - i < SOME ? count - i : SOME;
        random_words(seed, stream, major, minor + (uint64_t)i, words, some);
        for (int64_t j = 0; j < some; j++) normals[i + j] = normal_of(words + 4 * j);
    }
}
