/* step_faults.h - what [faults] does to a rank in a step, handed to the door that it goes through. */
#ifndef SIM_RUN_STEP_FAULTS_H
#define SIM_RUN_STEP_FAULTS_H
#include "models/machine/device.h"
#include "parallel/wire/comm.h"
#include "sim/config/config.h"

/* Around all steps: the comm has the links whose messages are late. */
void faults_begin(Comm *comm, const Faults *faults);
void faults_end(Comm *comm);
/* As a step begins. `goes_on`: the run does, from a checkpoint, and who had died has been replaced. */
void faults_begin_step(Device *device, Comm *comm, const Faults *faults, int64_t step, bool goes_on);
/* Before the first: lines on what is asked for. */
void faults_announce(const Config *config, bool dry, bool goes_on);
#endif
