/* ini.h - reads ini text into section, key, value and line.
 *
 *     ; a comment, or # one, on a line of its own or after a blank behind a value
 *     [section]
 *     key = value
 *     path = "a ;b.txt"      quotes, single or double, keep what is inside as it is
 *
 * Lines may be of any length, be indented, and end as Unix or Windows ends
 * them; a UTF-8 byte order mark is skipped. What is none of the above is
 * refused with its line number. */
#ifndef SIM_CONFIG_INI_H
#define SIM_CONFIG_INI_H
#include "models/machine/error.h"

typedef struct IniEntry {
    const char *section; /* "" before the first [section] */
    const char *key;     /* NULL: this is the line of the [section] itself */
    const char *value;   /* without quotes and comment; "" when there is none */
    int line;            /* from 1 */
} IniEntry;

/* Gets each entry in the order of the text; false, with `error` filled, ends the reading. */
typedef bool (*IniVisit)(void *context, const IniEntry *entry, Error *error);

/* `name` is for messages: "zero3.ini:12: ...". */
bool ini_each(const char *name, const char *text, IniVisit visit, void *context, Error *error);
#endif
