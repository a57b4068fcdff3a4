/* set_meant.h - what to try in place of a --set that is no section.key=value. */
#ifndef SIM_CONFIG_SET_MEANT_H
#define SIM_CONFIG_SET_MEANT_H
#include <stdbool.h>
#include <stddef.h>

/* Writes "--set train.learning_rate=3" of "lr=3": the key that was meant, by its own name, by what others call it
 * (glossary.h), by one of its values, or nearly; with the value that is given, of `several` all of them, if it can have
 * it, else with one that it can have, unless it is to be off. Or, of a section alone, where its keys are told. False: nothing was meant that is
 * known here. */
bool config_set_meant(const char *set, bool several, char *try, size_t size);

/* Whether it is a section.key=value of which the key is one and can have the value. */
bool config_set_is_taken(const char *set);
#endif
