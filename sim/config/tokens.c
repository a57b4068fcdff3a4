/* tokens.c - the keys. */
#include "sim/config/tokens.h"
#include <stddef.h>
#include <string.h>

bool config_decides_tokens(const char *key)
{
    static const char *const keys[] = {"model.vocab", "model.sequence", "train.global_batch", "train.seed"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return strncmp(key, "data.", 5) == 0;
}
