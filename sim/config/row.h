/* row.h - a key of the config is a row: section, name, type, when it has an effect, default, range or choices, help
 * with an example. The rows of each section are a table, which rows.c joins to one. */
#ifndef SIM_CONFIG_ROW_H
#define SIM_CONFIG_ROW_H
#include "sim/config/conditions.h"
#include "sim/config/config.h"

typedef enum {
    ROW_INTEGER, /* int64_t */
    ROW_NUMBER,  /* double */
    ROW_CHOICE,  /* int: index into `choices` */
    ROW_SWITCH,  /* bool */
    ROW_TEXT,    /* char[size] */
    ROW_LIST     /* NumberList */
} RowType;

typedef struct ConfigRow {
    const char *section, *key;
    RowType type;
    When when;                  /* it has an effect: looks at rows above, or such that always have */
    size_t offset, size;        /* of the field in Config */
    const char *fallback;       /* the default as the ini spells it; NULL: the preset gives it */
    double low, high;           /* all of numbers: the range; 0, 0 for an integer: any from 0 up */
    bool low_out, high_out;     /* the end itself is out of the range */
    const char *const *choices; /* ends in NULL; ROW_TEXT: names beside which it may be a file's path */
    bool required;              /* ROW_TEXT: may not be empty */
    const char *example;        /* a value that fits */
    const char *help;           /* one line, no full stop */
    const char *more;           /* what `sim help section.key` adds; paragraphs end in \n */
} ConfigRow;

enum {
    ROWS_OF_MODEL = 24,
    ROWS_OF_MOE = 24,
    ROWS_OF_DATA = 3,
    ROWS_OF_TRAIN = 23,
    ROWS_OF_PARALLEL = 18,
    ROWS_OF_HARDWARE = 10,
    ROWS_OF_CHIP = 21,
    ROWS_OF_NODE = 19,
    ROWS_OF_SOFTWARE = 11,
    ROWS_OF_OUTPUT = 9,
    ROWS_OF_FAULTS = 4,
    CONFIG_ROWS = ROWS_OF_MODEL + ROWS_OF_MOE + ROWS_OF_DATA + ROWS_OF_TRAIN + ROWS_OF_PARALLEL +
                  ROWS_OF_HARDWARE + ROWS_OF_CHIP + ROWS_OF_NODE + ROWS_OF_SOFTWARE + ROWS_OF_OUTPUT +
                  ROWS_OF_FAULTS
};
extern const ConfigRow rows_of_model[ROWS_OF_MODEL];
extern const ConfigRow rows_of_moe[ROWS_OF_MOE];
extern const ConfigRow rows_of_data[ROWS_OF_DATA];
extern const ConfigRow rows_of_train[ROWS_OF_TRAIN];
extern const ConfigRow rows_of_parallel[ROWS_OF_PARALLEL];
extern const ConfigRow rows_of_hardware[ROWS_OF_HARDWARE];
extern const ConfigRow rows_of_chip[ROWS_OF_CHIP];
extern const ConfigRow rows_of_node[ROWS_OF_NODE];
extern const ConfigRow rows_of_software[ROWS_OF_SOFTWARE];
extern const ConfigRow rows_of_output[ROWS_OF_OUTPUT];
extern const ConfigRow rows_of_faults[ROWS_OF_FAULTS];
#endif
