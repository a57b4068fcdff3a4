/* openblas.h - how OpenBLAS begins in a program: it reads the environment as it is loaded, and nothing later. */
#ifndef MODELS_KERNELS_OPENBLAS_H
#define MODELS_KERNELS_OPENBLAS_H

/* Two variables are set where the user has not set them:
 *
 *   OPENBLAS_NUM_THREADS=1   ranks are the parallelism here. It starts a thread a core, of 128 MB of address space each,
 *                            and ends the process by a signal where a limit (ulimit -u) refuses them, or asks for them
 *                            until it is killed (ulimit -v).
 *   OPENBLAS_CORETYPE        whose kernels. It goes by the numbers of the models that it knows, and gives a processor
 *                            newer than itself those of 2004: a third of the speed, or less.
 *
 * The program begins again with them, as the same process. Returns where both are set, or where that cannot be. To be
 * called from .preinit_array alone, of which it has the parameters: it uses nothing that a library has to have begun
 * for. */
void openblas_begin(int argc, char **argv, char **environment);

/* The core whose kernels this processor has the instructions for, in OpenBLAS's names; NULL: what it takes itself. */
const char *openblas_core(void);

/* So many fp32 values the kernels of a core multiply and add by one instruction: 16, 8, or 4 of any other, of whatever
 * processor. */
int openblas_lanes(const char *core);
#endif
