/* chip.h - an accelerator in a few numbers, and what a kernel takes on it.
 *
 * The numbers of a data sheet (peak, bandwidth, processors) bound a kernel; a few more say how near to that bound
 * real kernels come. None belongs to a model: what a product reaches follows from its shape. */
#ifndef MODELS_HARDWARE_CHIP_H
#define MODELS_HARDWARE_CHIP_H
#include "models/machine/work.h"

/* As its section of a config has it. */
typedef struct Chip {
    double peak_16_tflops, peak_32_tflops; /* 1e12 operations a second, on factors of 16 bits and of 32 */
    int64_t processors;                    /* that products are cut over: SMs */
    double sustained;                      /* share of the peak under the clock that power allows */
    double
        tile_traffic; /* of a tile of tm x tn: its operands make it 1 + this (1/tm + 1/tn) as long; cut tiles: a
                          * product, 1 + this over its shortest side */
    double tile_us;   /* to begin and end a tile */
    double misaligned;                    /* share of the speed left where a side is no multiple of 8 */
    double flash_forward, flash_backward; /* share of the sustained peak of flash attention's kernels */
    double memory_gb, bandwidth_gb;       /* 1e9 bytes, and a second */
    double stream;                        /* share of the bandwidth that long runs over parameters reach, */
    double elementwise;                   /* and kernels over activations */
    double gap_us;                        /* to start and drain a kernel */
    /* 1e9 operations a second of kernels of a kind that are no products, as they count their own; of dropout, numbers
     * drawn. 0: memory alone bounds them, as on an accelerator. Kinds that no key names have 0. */
    double vector_gflops[WORK_KINDS];
    bool cut_tiles; /* a tile that ends where the product does takes as much less: no tensor cores */
} Chip;

/* Seconds of a (batch of) (m, k) by (k, n), with what its bytes take and the start. */
double chip_product(const Chip *chip, const Work *work);
/* Of flash attention, forward or backward. */
double chip_flash(const Chip *chip, const Work *work);
/* Of a kernel over activations that is no product: its bytes or, where the chip has a rate for its kind, its
 * operations, whichever take longer (the roofline), and the start. */
double chip_vector(const Chip *chip, const Work *work);
/* Of so many bytes through such a kernel. */
double chip_elementwise(const Chip *chip, double bytes);
/* Of so many bytes of parameters, gradients and optimizer state, in kernels over all of them at once: no start. */
double chip_stream(const Chip *chip, double bytes);
/* Of a kernel over these: likewise its operations, where those take longer. */
double chip_stream_kernel(const Chip *chip, const Work *work);
/* Operations a second it sustains on factors of this type. */
double chip_sustained(const Chip *chip, DType type);
#endif
