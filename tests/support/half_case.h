/* half_case.h - a kernel on bf16 and fp16 in any mixture with reals. */
#ifndef TESTS_SUPPORT_HALF_CASE_H
#define TESTS_SUPPORT_HALF_CASE_H
#include "models/machine/tensor.h"

/* Arguments at most; tokens that a kernel is given, and one above the largest. */
enum { HALF_ARGUMENTS = 6, HALF_TOKENS = 72, HALF_VOCAB = 11 };

typedef struct HalfCase {
    const char *name;
    int64_t counts[HALF_ARGUMENTS]; /* of the tensors t, up to a 0 */
    int reals_only;                 /* a bit for each of them that stays REAL */
    double (*run)(Tensor *t, Tensor tokens);
    int64_t scratch; /* values of its own a kernel needs, whatever the types */
} HalfCase;

/* A kernel that returns nothing, as one. */
#define KERNEL(name, call)                       \
    static double name(Tensor *t, Tensor tokens) \
    {                                            \
        (void)tokens;                            \
        call;                                    \
        return 0;                                \
    }

/* Whether the kernel leaves what it does of the same values in reals, rounded once, with each choice of arguments in
 * these 16 bits; what it opens for that is in no ledger, and a dry device is told the same. */
void assert_rounded_once(const HalfCase *c, DType format);
#endif
