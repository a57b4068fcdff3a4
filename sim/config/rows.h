/* rows.h - the table of all keys: a row is found, explained, read and written. */
#ifndef SIM_CONFIG_ROWS_H
#define SIM_CONFIG_ROWS_H
#include "sim/config/config.h"
#include "sim/config/row.h"

typedef struct ConfigSection {
    const char *name, *help;
    const ConfigRow *row;
    int rows;
} ConfigSection;

enum { CONFIG_SECTIONS = 11 };
extern const ConfigSection config_sections[CONFIG_SECTIONS];

/* Row `index`, from 0 to below CONFIG_ROWS, in the order of the help. */
const ConfigRow *config_row_at(int index);

/* The index of a row, or -1; config_row_named takes "section.key". */
int config_row_find(const char *section, const char *key);
int config_row_named(const char *name);

/* Of a key whose section is not given: the index of the one of that name, or of the one that others call so
 * (glossary.h); -1 where there is none, or several. */
int config_row_bare(const char *key);

/* The one that has `word` among its choices; the one of whatever section whose key is near to `key`, the nearest
 * (words.h). -1 where there is none, or, of choices, several. */
int config_row_with_choice(const char *word);
int config_row_near(const char *key);

bool config_is_section(const char *name);

/* Why "section.key" is no row, and which one may have been meant: "no such key; try train.steps". */
void config_row_unknown(const char *section, const char *key, char *why, size_t size);

/* The range or choices in words: "1 to 1000000", "dp, ddp, zero1, zero2, zero3". CONFIG_RANGE bytes hold any. */
enum { CONFIG_RANGE = 512 };
void config_row_range(const ConfigRow *row, char *text, size_t size);

/* Whether the key has an effect in a resolved config. */
bool config_row_applies(const ConfigRow *row, const Config *config);

/* Sets the row's field to what it is when nobody gives it; of a row without a fallback, what the config's preset
 * says. */
void config_row_default(const ConfigRow *row, Config *config);

/* Reads `text` into the row's field. On refusal `why` gets the reason and what to try. */
bool config_row_parse(const ConfigRow *row, const char *text, Config *config, char *why, size_t size);

/* Writes the field as the ini file spells it. */
void config_row_format(const ConfigRow *row, const Config *config, char *text, size_t size);

/* Row `index` as "section.key" and the resolved value as the ini file spells it, for the plan and the record.
 * Returns false past the last. CONFIG_VALUE bytes hold any value. */
bool config_row(const Config *config, int index, char *key, size_t key_size, char *value, size_t value_size);
#endif
