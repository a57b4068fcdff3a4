/* denormals.h - numbers below the normal ones, which many processors take a hundred times as long for. */
#ifndef MODELS_MACHINE_DENORMALS_H
#define MODELS_MACHINE_DENORMALS_H
#include <stdbool.h>

/* From here on this thread's arithmetic takes them for zero, and makes zero of results as small (in fp32 below
 * 1.2e-38, in fp64 below 2.2e-308); false where the processor has no such mode. A function of the numbers alone, so
 * what was equal to the bit still is, whichever way a run is split; a machine without the mode may differ by as much as
 * such numbers are worth. Copies keep them, and so does half.h, but for what an addition is to make of them. */
bool denormals_off(void);
/* Whether it does. */
bool denormals_are_off(void);
#endif
