/* diff_tensors.h - two checkpoints, weights or gradients, tensor by tensor. */
#ifndef SIM_INSPECT_DIFF_TENSORS_H
#define SIM_INSPECT_DIFF_TENSORS_H
#include "sim/inspect/apart.h"
#include "sim/inspect/held.h"

/* Prints those that differ, farthest apart first; `differ` becomes true where any does. */
bool diff_tensors(const Held *a, const Held *b, const DiffOptions *options, bool *differ, Error *error);
#endif
