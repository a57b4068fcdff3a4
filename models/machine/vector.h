/* vector.h - how inner loops become vector code with the same bits everywhere.
 *
 * VECTORISED functions are compiled for several instruction sets and picked at
 * start. No -ffast-math: reductions run in LANES fixed lanes, so their order
 * depends neither on the machine nor on where a shard boundary falls, and
 * expf is a polynomial of our own, because libm's vector variant gives other
 * bits in a loop's body than in its tail. */
#ifndef MODELS_MACHINE_VECTOR_H
#define MODELS_MACHINE_VECTOR_H
#include <math.h>
#include <stdint.h>
#include "models/machine/real.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VECTORISED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VECTORISED
#endif
enum { LANES = 16 };

/* e^x: Cody-Waite reduction and the degree-5 polynomial of Cephes' expf
 * (relative error below 2e-7); libm's exp in the double build. */
static inline real real_exp(real x)
{
#ifdef SIM_DOUBLE
    return exp(x);
#else
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: rounds to an integer in the low bits */
    union {
        float f;
        int32_t i;
    } bits = {shifted}, power;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    power.i = (int32_t)((uint32_t)(bits.i + 127) << 23);
    return p * power.f;
#endif
}

static inline real real_tanh(real x)
{
#ifdef SIM_DOUBLE
    return tanh(x);
#else
    return 1.0f - 2.0f / (real_exp(2.0f * x) + 1.0f);
#endif
}

static inline real real_sqrt(real x)
{
#ifdef SIM_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

static inline real sum_of(const real *x, int64_t n)
{
    real lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += x[i + k];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    for (; i < n; i++) sum += x[i];
    return sum;
}

static inline real dot_of(const real *x, const real *y, int64_t n)
{
    real lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += x[i + k] * y[i + k];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    for (; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static inline real max_of(const real *x, int64_t n)
{
    real lane[LANES], most = x[0];
    for (int k = 0; k < LANES; k++) lane[k] = x[0];
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
    for (int k = 0; k < LANES; k++) most = lane[k] > most ? lane[k] : most;
    for (; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}

/* x = softmax(x) over n values; returns log(sum(exp(x))). */
static inline double softmax_in_place(real *x, int64_t n)
{
    real most = max_of(x, n);
    for (int64_t i = 0; i < n; i++) x[i] = real_exp(x[i] - most);
    real sum = sum_of(x, n), inverse = 1 / sum;
    for (int64_t i = 0; i < n; i++) x[i] *= inverse;
    return (double)most + log((double)sum);
}
#endif
