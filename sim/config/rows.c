/* rows.c - the table of all keys: a section after another. */
#include "sim/config/rows.h"

const ConfigSection config_sections[CONFIG_SECTIONS] = {
    {"model", "the transformer; what is not given comes from the preset", rows_of_model, ROWS_OF_MODEL},
    {"moe", "experts in the place of MLPs; what is not given comes from the preset", rows_of_moe,
     ROWS_OF_MOE},
    {"data", "what it learns from", rows_of_data, ROWS_OF_DATA},
    {"train", "how it learns", rows_of_train, ROWS_OF_TRAIN},
    {"parallel", "how the work is split over the ranks", rows_of_parallel, ROWS_OF_PARALLEL},
    {"hardware", "how simulated time passes", rows_of_hardware, ROWS_OF_HARDWARE},
    {"chip", "the accelerator of a machine; the profile's file gives every number", rows_of_chip,
     ROWS_OF_CHIP},
    {"node", "how accelerators are joined, in a node and to others", rows_of_node, ROWS_OF_NODE},
    {"software", "what a training stack makes of it", rows_of_software, ROWS_OF_SOFTWARE},
    {"output", "what is kept", rows_of_output, ROWS_OF_OUTPUT},
    {"faults", "what goes wrong, and when", rows_of_faults, ROWS_OF_FAULTS},
};

const ConfigRow *config_row_at(int index)
{
    const ConfigSection *section = config_sections;
    for (; index >= section->rows; section++) index -= section->rows;
    return &section->row[index];
}
_Static_assert((int)CONFIG_ROWS <= (int)CONFIG_KEYS_MAX, "Config.origin has a place for every row");
