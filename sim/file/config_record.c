/* config_record.c - a key at a time. */
#include "sim/file/config_record.h"

bool config_is_recorded(const ConfigRow *row, const Config *config)
{
    return row->when != WITH_A_MACHINE || config_row_applies(row, config);
}

static bool write_keys(H5 *file, const Config *config, Error *error)
{
    char key[128], value[CONFIG_VALUE];
    for (int i = 0; config_row(config, i, key, sizeof key, value, sizeof value); i++) {
        if (!config_is_recorded(config_row_at(i), config)) continue;
        if (!h5_set_text(file, "/config", key, value, error)) return false;
    }
    return true;
}

static bool write_text(H5 *file, const Config *config, Error *error)
{
    return h5_write_text(file, "/config/ini", "the ini file as given", config->text, error);
}

bool config_record(H5 *file, const Config *config, Error *error)
{
    return h5_group(file, "/config", error) && write_keys(file, config, error) &&
           write_text(file, config, error);
}

bool config_record_again(H5 *file, const Config *config, Error *error)
{
    return write_keys(file, config, error) && h5_unlink(file, "/config/ini", error) &&
           write_text(file, config, error);
}
