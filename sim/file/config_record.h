/* config_record.h - a run's configuration in its files: the group /config. */
#ifndef SIM_FILE_CONFIG_RECORD_H
#define SIM_FILE_CONFIG_RECORD_H
#include "sim/config/config.h"
#include "sim/config/rows.h"
#include "sim/file/h5.h"

/* Whether a run's files have the key: a machine's numbers are those of no other. */
bool config_is_recorded(const ConfigRow *row, const Config *config);
/* Makes the group: an attribute a resolved key, and the dataset ini, the text as given. */
bool config_record(H5 *file, const Config *config, Error *error);
/* Puts another in its place. */
bool config_record_again(H5 *file, const Config *config, Error *error);
#endif
