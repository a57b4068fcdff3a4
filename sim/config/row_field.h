/* row_field.h - where a row's value lives: for the files of rows. */
#ifndef SIM_CONFIG_ROW_FIELD_H
#define SIM_CONFIG_ROW_FIELD_H
#include <stddef.h>
#include "sim/config/row.h"

#define FIELD(member) .offset = offsetof(Config, member), .size = sizeof(((Config *)NULL)->member)
#endif
