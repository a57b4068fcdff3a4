/* openblas.c - its environment, before it is loaded. */
#include "models/kernels/openblas.h"
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define THREADS "OPENBLAS_NUM_THREADS="
#define CORE "OPENBLAS_CORETYPE="

const char *openblas_core(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool widest = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (widest) return "SKYLAKEX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return __builtin_cpu_is("amd") ? "ZEN" : "HASWELL";
#endif
    return NULL;
}

int openblas_lanes(const char *core)
{
    static const struct {
        const char *core;
        int lanes;
    } wide[] = {{"SKYLAKEX", 16}, {"COOPERLAKE", 16}, {"SAPPHIRERAPIDS", 16}, {"HASWELL", 8}, {"ZEN", 8}};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strcasecmp(core, wide[i].core) == 0) return wide[i].lanes;
    return 4;
}

void openblas_begin(int argc, char **argv, char **environment)
{
    enum { VARIABLES = 16384 };
    static char *with[VARIABLES + 3], one[] = THREADS "1", kernels[64] = CORE;
    char program[PATH_MAX]; /* by its own name, which ps shows */
    const char *core = openblas_core();
    bool threads = false, cores = !core;
    (void)argc;
    int count = 0;
    for (; environment[count]; count++) {
        if (count == VARIABLES) return;
        threads |= !strncmp(environment[count], THREADS, sizeof THREADS - 1);
        cores |= !strncmp(environment[count], CORE, sizeof CORE - 1);
    }
    if (threads && cores) return;
    memcpy(with, environment, (size_t)count * sizeof *with);
    if (!threads) with[count++] = one;
    if (!cores) with[count++] = strcat(kernels, core);
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) return;
    program[length] = '\0';
    execve(program, argv, with);
}
