/* recorded_config.h - the keys that a file has in its group /config, whatever this sim knows of them. */
#ifndef SIM_INSPECT_RECORDED_CONFIG_H
#define SIM_INSPECT_RECORDED_CONFIG_H
#include "sim/file/h5.h"

typedef struct RecordedKey {
    char *key, *value; /* "train.steps", "60" */
} RecordedKey;

typedef struct RecordedConfig {
    RecordedKey *key; /* by name */
    size_t keys;
} RecordedConfig;

/* None where the file has no such group. */
bool recorded_config_read(RecordedConfig *config, H5 *file, Error *error);
/* NULL: it has no such key. */
const char *recorded_config_value(const RecordedConfig *config, const char *key);
void recorded_config_free(RecordedConfig *config);
#endif
