/* tokens.h - what two runs must have alike to train on the same tokens. */
#ifndef SIM_CONFIG_TOKENS_H
#define SIM_CONFIG_TOKENS_H
#include <stdbool.h>

/* Whether "section.key" decides which tokens are in which step. */
bool config_decides_tokens(const char *key);
#endif
