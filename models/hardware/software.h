/* software.h - what a training stack makes of a chip: which kernels it fuses, and what it does besides; and with both,
 * what a kernel costs. One machine carries stacks that differ only here. */
#ifndef MODELS_HARDWARE_SOFTWARE_H
#define MODELS_HARDWARE_SOFTWARE_H
#include "models/hardware/chip.h"
#include "models/machine/device.h"

/* As its section of a config has it. */
typedef struct Software {
    bool fused_bias, fused_dropout; /* forward, with the kernel behind them */
    double loss_passes;             /* bytes of the loss' kernels, in those of fused ones */
    double accumulate_bytes; /* of a gradient joining its sum in a kernel of its own; 0: in the product */
    double optimizer_bytes;  /* of a parameter's update with all around it; 0: what the update itself needs */
    bool copies;             /* copying and zeroing take their bytes' time; else nobody pays for them */
    double step_ms;          /* of the host between two steps */
    double launch_us, launch_backward_us; /* of the host for a kernel */
} Software;

typedef struct Machine {
    Chip chip;
    Software software;
} Machine;

/* What a kernel takes, for Device.time_of. `machine`: a Machine. */
KernelTime machine_time(const void *machine, const Work *work);
#endif
