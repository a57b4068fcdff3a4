/* vector.h - how inner loops become vector code with the same bits everywhere.
 *
 * VECTORISED functions are compiled for several instruction sets and picked at
 * start. No -ffast-math: reductions run in LANES fixed lanes, so their order
 * depends neither on the machine nor on where a shard boundary falls, and
 * e^x is a polynomial of our own, because libm's vector variant gives other
 * bits in a loop's body than in its tail. In the double build it is libm's. */
#ifndef MODELS_MACHINE_VECTOR_H
#define MODELS_MACHINE_VECTOR_H
#include <math.h>
#include <stdint.h>
#include "models/machine/inlined.h"
#include "models/machine/real.h"

/* Sanitizers start after what chooses a clone has run. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define VECTORISED
#endif
enum { LANES = 16 };
/* The steps of a row wait for each other, as those of a sum, so a few rows take each step together. */
enum { ROWS_TOGETHER = 8 };
INLINED int rows_together(int64_t left)
{
    return left < ROWS_TOGETHER ? (int)left : ROWS_TOGETHER;
}

/* A pass over memory that no cache holds: what it will read in so many values, which are on another page, where the
 * processor does not look ahead by itself, is fetched as each of its lines begins. */
enum { FETCHED_AHEAD = 1024 };

/* Beyond these e^x is what it is there; in memory, as of constants the compiler makes paths of their own through
 * all that follows (vector.c). */
extern const float exp_most, exp_least;

/* e^x: Cody-Waite reduction and the degree-5 polynomial of Cephes' expf, in pairs, which wait less for one another
 * (relative error below 1e-7, in fp32). NaN stays NaN. */
INLINED real real_exp(real x)
{
#ifdef SIM_DOUBLE
    return exp(x);
#else
    float most = exp_most, least = exp_least;
    x = x > most ? most : x;
    x = x < least ? least : x;
    float shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: rounds to an integer in the low bits */
    union {
        float f;
        int32_t i;
    } bits = {shifted}, power;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f, square = r * r;
    float fifth = 1.3981999507e-3f + 1.9875691500e-4f * r;
    float third = 4.1665795894e-2f + 8.3334519073e-3f * r;
    float first = 5.0000001201e-1f + 1.6666665459e-1f * r;
    float p = (first + square * (third + square * fifth)) * square + r + 1.0f;
    power.i = (int32_t)((uint32_t)(bits.i + 127) << 23);
    return p * power.f;
#endif
}

/* 1 / (1 + e^-x) */
INLINED real sigmoid(real x)
{
    return 1 / (1 + real_exp(-x));
}

INLINED real real_sqrt(real x)
{
#ifdef SIM_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

/* Of a sum in lanes: these one after the other, then the values behind the last that all lanes had. */
INLINED real lanes_total(const real lane[LANES], const real *rest, int64_t count)
{
    real sum = 0;
    for (int k = 0; k < LANES; k++) sum += lane[k];
    for (int64_t i = 0; i < count; i++) sum += rest[i];
    return sum;
}

INLINED real sum_of(const real *x, int64_t n)
{
    real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += x[i + k];
    return lanes_total(lane, x + i, n - i);
}

INLINED real dot_of(const real *x, const real *y, int64_t n)
{
    real lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += x[i + k] * y[i + k];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    for (; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* Numbers in their order as integers, of which the largest is found in any order. */
#ifdef SIM_DOUBLE
typedef int64_t RealOrder;
#define REAL_ORDER_MOST INT64_MAX
#else
typedef int32_t RealOrder;
#define REAL_ORDER_MOST INT32_MAX
#endif

/* Its own inverse. */
INLINED RealOrder order_flipped(RealOrder bits)
{
    return bits ^ (-(RealOrder)(bits < 0) & REAL_ORDER_MOST);
}

/* The largest of n values, n > 0; of NaNs the positive are above infinity, the negative below it. */
INLINED real max_of(const real *x, int64_t n)
{
    union {
        real f;
        RealOrder i;
    } most = {x[0]}, other;
    most.i = order_flipped(most.i);
    RealOrder top = most.i;
    for (int64_t i = 1; i < n; i++) {
        other.f = x[i];
        RealOrder place = order_flipped(other.i);
        top = place > top ? place : top;
    }
    most.i = order_flipped(top);
    return most.f;
}

/* x = e^(x - most) over n values, their sum in lanes; returns how many those had. What is left is done in all lanes at
 * once, too. */
INLINED int64_t exponentials_in_lanes(real *x, int64_t n, real most, real lane[LANES])
{
    int64_t i = 0;
    for (int k = 0; k < LANES; k++) lane[k] = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            real e = real_exp(x[i + k] - most);
            x[i + k] = e;
            lane[k] += e;
        }
    for (int k = 0; k < LANES; k++)
        if (i + k < n) x[i + k] = real_exp(x[i + k] - most);
    return i;
}

/* x = e^(x - most) over n values; returns their sum, as sum_of() has it. */
INLINED real exponentials(real *x, int64_t n, real most)
{
    real lane[LANES];
    int64_t whole = exponentials_in_lanes(x, n, most, lane);
    return lanes_total(lane, x + whole, n - whole);
}

/* x = softmax(x) over n values; returns log(sum(exp(x))). */
INLINED double softmax_in_place(real *x, int64_t n)
{
    real most = max_of(x, n), sum = exponentials(x, n, most), inverse = 1 / sum;
    for (int64_t i = 0; i < n; i++) x[i] *= inverse;
    return (double)most + log((double)sum);
}

/* Of rows that begin `apart` from one to the next; the first has n values, each next one `more`. */
INLINED void softmax_rows(real *x, int64_t rows, int64_t apart, int64_t n, int64_t more)
{
    real lane[ROWS_TOGETHER][LANES], most[ROWS_TOGETHER], inverse[ROWS_TOGETHER];
    int64_t whole[ROWS_TOGETHER];
    for (int count; rows > 0; rows -= count, x += count * apart, n += count * more) {
        count = rows_together(rows);
        for (int i = 0; i < count; i++) most[i] = max_of(x + i * apart, n + i * more);
        for (int i = 0; i < count; i++)
            whole[i] = exponentials_in_lanes(x + i * apart, n + i * more, most[i], lane[i]);
        for (int i = 0; i < count; i++)
            inverse[i] = 1 / lanes_total(lane[i], x + i * apart + whole[i], n + i * more - whole[i]);
        for (int i = 0; i < count; i++)
            for (int64_t j = 0; j < n + i * more; j++) x[i * apart + j] *= inverse[i];
    }
}
#endif
