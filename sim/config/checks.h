/* checks.h - values that are fine alone and do not go together. */
#ifndef SIM_CONFIG_CHECKS_H
#define SIM_CONFIG_CHECKS_H
#include "models/machine/error.h"
#include "sim/config/config.h"

/* That parallel.layers_per_stage has a number for each of so many stages (`what`, in words), model.layers in all. */
bool config_check_layers(const Config *config, int stages, const char *what, Error *error);
/* Numbers that fit, as even as they can be: "8,8,8,8"; "" where they are more than a line can show. */
void config_even_layers(int64_t layers, int stages, char *text, size_t size);

/* That parallel.schedule is a schedule's name or a file's. */
bool config_check_schedule(const Config *config, Error *error);

/* The key of what parallel.tp does not cut evenly, and how much that is; NULL: all can be cut. Several ranks can share
 * a head of keys and values. */
const char *config_uncut(const Config *config, int64_t *size);

/* That what is written is no other file of the run, nor its config, nor the checkpoint that it goes on from (or
 * ""), under another spelling either. Looks at the folders, which may differ from machine to machine, and so is asked
 * of one rank. */
bool config_check_files(const Config *config, const char *resume, Error *error);

/* Checks the values against each other, as far as that needs no rank count and no file. */
bool config_check(const Config *config, Error *error);
#endif
