/* faults_read.h - from the texts of [faults] to what they ask for. */
#ifndef SIM_CONFIG_FAULTS_READ_H
#define SIM_CONFIG_FAULTS_READ_H
#include <stddef.h>
#include "sim/config/faults.h"

/* False where one cannot be read: `key`, "faults.slow", is which, and `why` says why and what to try. */
bool faults_read(const FaultTexts *texts, Faults *faults, const char **key, char *why, size_t size);
#endif
