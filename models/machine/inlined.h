/* inlined.h - a function that is always part of its caller, and so is compiled for the instructions that this one is. */
#ifndef MODELS_MACHINE_INLINED_H
#define MODELS_MACHINE_INLINED_H
#define INLINED static inline __attribute__((always_inline))
#endif
