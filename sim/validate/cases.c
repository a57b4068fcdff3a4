/* cases.c - from a CSV of measurements to cases. */
#include "sim/validate/cases.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/config/ranks.h"

enum { LARGEST = 4 * 1000 * 1000 };
/* Of a column: from MEASURED on measures, then the sizes of each, then keys. */
typedef enum {
    CASE,
    SOURCE,
    RANKS,
    MEASURED,
    SIZED = MEASURED + MEASURES,
    KEY = SIZED + MEASURES * MEASURE_SIZES
} Kind;
static const char *const kinds[MEASURED] = {"case", "source", "ranks"};

typedef struct Columns {
    int count, kind[CASES_COLUMNS];
    char *name[CASES_COLUMNS];
} Columns;

/* ---- lines and fields ---- */

/* The next line of the text, without its end; NULL behind the last. */
static char *next_line(char **text)
{
    char *line = strsep(text, "\n");
    if (line) line[strcspn(line, "\r")] = '\0';
    return line;
}

/* Cuts a line at its commas. */
static bool cut(const CaseSet *set, int number, char *line, char *field[CASES_COLUMNS], int *count,
                Error *error)
{
    *count = 0;
    if (strchr(line, '"'))
        return error_set(error, "%s:%d: a quote, which no field has; try words without one", set->path,
                         number);
    for (char *rest = line, *word; (word = strsep(&rest, ","));) {
        if (*count == CASES_COLUMNS)
            return error_set(error, "%s:%d: more than %d columns; try keys of all cases in %s", set->path,
                             number, CASES_COLUMNS, set->config);
        field[(*count)++] = word;
    }
    return true;
}

static const SizeColumn *size_column(int kind)
{
    return &measure_column[(kind - SIZED) / MEASURE_SIZES].size[(kind - SIZED) % MEASURE_SIZES];
}

/* NULL where a measure has fewer sizes than there is room for. */
static const char *kind_name(int kind)
{
    if (kind < MEASURED) return kinds[kind];
    return kind < SIZED ? measure_column[kind - MEASURED].name : size_column(kind)->name;
}

/* What a set has to have: one measure, all of its sizes and no other's, and each of the others. */
static bool check_head(CaseSet *set, const bool *seen, Error *error)
{
    int measures = 0;
    for (int m = 0; m < MEASURES; m++) {
        if (!seen[MEASURED + m]) continue;
        if (measures++)
            return error_set(error, "%s:1: columns %s and %s: two measures; try a set for each", set->path,
                             measure_column[set->measure].name, measure_column[m].name);
        set->measure = (Measure)m;
    }
    const char *missing = measures ? NULL : "seconds";
    for (int kind = RANKS; kind >= CASE; kind--)
        if (!seen[kind]) missing = kinds[kind];
    if (missing)
        return error_set(error, "%s:1: no column %s; try case,source,ranks,seconds and keys", set->path,
                         missing);
    for (int kind = SIZED; kind < KEY; kind++) {
        int of = (kind - SIZED) / MEASURE_SIZES;
        if (kind_name(kind) && seen[kind] != (set->measure == (Measure)of))
            return error_set(error, "%s:1: %s goes with %s; try both or neither", set->path, kind_name(kind),
                             measure_column[of].name);
    }
    return true;
}

/* As spreadsheets write where a comma stands in numbers; a name has neither. */
static bool has_commas(const CaseSet *set, const char *line, Error *error)
{
    const char *between = strchr(line, ';') ? "semicolons" : strchr(line, '\t') ? "tabs" : NULL;
    return !between || error_set(error, "%s:1: columns with %s between them; try commas, and . in numbers",
                                 set->path, between);
}

static bool read_head(CaseSet *set, char *line, Columns *columns, Error *error)
{
    bool seen[KEY + 1] = {false};
    if (!has_commas(set, line, error)) return false;
    char shown[100], list[300] = "";
    for (int kind = CASE; kind < KEY; kind++)
        if (kind_name(kind)) words_append(list, sizeof list, "%s, ", kind_name(kind));
    if (!cut(set, 1, line, columns->name, &columns->count, error)) return false;
    for (int i = 0; i < columns->count; i++) {
        const char *name = columns->name[i];
        int kind = CASE;
        while (kind < KEY && (!kind_name(kind) || strcmp(name, kind_name(kind)) != 0)) kind++;
        columns->kind[i] = kind;
        words_show(shown, sizeof shown, name);
        if (kind == KEY && !strchr(name, '.'))
            return error_set(
                error, "%s:1: column %d, %s: none of %sand no key such as model.hidden; try one of them",
                set->path, i + 1, shown, list);
        if (!strncmp(name, "output.", 7))
            return error_set(error, "%s:1: column %d, %s: no case writes a file; try leaving it out",
                             set->path, i + 1, shown);
        for (int k = 0; k < i; k++)
            if (!strcmp(columns->name[k], name))
                return error_set(error, "%s:1: column %d, %s: already column %d; try one of the two",
                                 set->path, i + 1, shown, k + 1);
        seen[kind] = true;
    }
    return check_head(set, seen, error);
}

/* ---- a case ---- */

/* What may stand in a column of numbers. */
typedef struct Range {
    double least, most;
    bool whole;
    const char *letters, *example;
} Range;

static Range range_of(int kind)
{
    static const char real[] = "0123456789.eE+-";
    if (kind == RANKS) return (Range){1, CONFIG_RANKS_MOST, true, real, "8"};
    if (kind >= SIZED) return (Range){1, size_column(kind)->most, true, real, size_column(kind)->example};
    /* what is foretold is divided by a measure, and the digits of one that is exact are counted */
    const MeasureColumn *measure = &measure_column[kind - MEASURED];
    return (Range){1e-9, measure->most, false, measure->exact ? "0123456789." : real, measure->example};
}

static bool read_number(const CaseSet *set, int line, int kind, const char *text, double *number,
                        Error *error)
{
    char *end, shown[100];
    const Range range = range_of(kind);
    *number = strtod(text, &end);
    words_show(shown, sizeof shown, text);
    bool inside = *number >= range.least && *number <= range.most;
    bool plain = end != text && !*end && !text[strspn(text, range.letters)];
    if (inside && plain && (!range.whole || *number == floor(*number))) return true;
    return error_set(error, "%s:%d: %s = %s: not a %snumber from %g to %g; try %s", set->path, line,
                     kind_name(kind), shown, range.whole ? "whole " : "", range.least, range.most,
                     range.example);
}

/* A field of a key, which may be empty. */
static void read_key(Case *item, const char *key, const char *value)
{
    size_t room = strlen(key) + strlen(value) + 2;
    if (!*value) return;
    char *given = item->set[item->sets++] = allocate(room);
    snprintf(given, room, "%s=%s", key, value);
}

static bool read_field(const CaseSet *set, int kind, const char *text, Case *item, Error *error)
{
    double number;
    switch (kind) {
    case CASE: item->name = text; return true;
    case SOURCE: item->source = text; return true;
    default: break;
    }
    if (!read_number(set, item->line, kind, text, &number, error)) return false;
    if (kind == RANKS)
        item->measured.ranks = (int)number;
    else if (kind >= SIZED)
        item->measured.size[(kind - SIZED) % MEASURE_SIZES] = (int64_t)number;
    else
        item->published = number, item->printed = text;
    return true;
}

static bool read_case(const CaseSet *set, int line, const Columns *columns, char *text, Case *item,
                      Error *error)
{
    char *field[CASES_COLUMNS];
    int count;
    Error why;
    *item = (Case){.line = line, .measured.measure = set->measure};
    if (!cut(set, line, text, field, &count, error)) return false;
    if (count != columns->count)
        return error_set(error, "%s:%d: %d fields, and line 1 names %d columns; try a field for each",
                         set->path, line, count, columns->count);
    for (int i = 0; i < count; i++) {
        if (columns->kind[i] == KEY)
            read_key(item, columns->name[i], field[i]);
        else if (!read_field(set, columns->kind[i], field[i], item, error))
            return false;
    }
    return measure_check(&item->measured, &why) || error_set(error, "%s:%d: %s", set->path, line, why.text);
}

/* ---- a set ---- */

/* "vtrain" and "configs/validation/vtrain.ini" of configs/validation/vtrain.csv. */
static bool name_set(CaseSet *set, const char *path, Error *error)
{
    size_t length = strlen(path);
    const char *stem = files_name(path);
    size_t letters = strlen(stem) > 4 ? strlen(stem) - 4 : 0;
    char shown[100];
    words_show(shown, sizeof shown, path);
    if (!words_end_in(path, ".csv"))
        return error_set(error, "%s: not the path of a file that ends in .csv; try sim help validate", shown);
    if (length >= CASES_PATH || letters >= sizeof set->name)
        return error_set(error, "%s: too long a name; try a shorter one", shown);
    memcpy(set->path, path, length + 1);
    memcpy(set->name, stem, letters);
    memcpy(set->config, path, length - 4);
    memcpy(set->config + length - 4, ".ini", 5);
    return true;
}

bool cases_read(CaseSet *set, const char *path, Error *error)
{
    size_t bytes = 0;
    Columns columns;
    *set = (CaseSet){.count = 0};
    if (!name_set(set, path, error)) return false;
    FILE *file = files_open(path);
    if (!file) return error_set(error, "%s: cannot be read: %s; try another file", path, files_reason(errno));
    if (access(set->config, F_OK) != 0 && errno == ENOENT) {
        fclose(file);
        return error_set(
            error,
            "%s: no such file beside %s, and it has what all cases share, their machine, too; try "
            "[hardware] and profile = h100-dgx in it",
            set->config, path);
    }
    set->text = files_read(file, LARGEST, &bytes);
    bool whole = !ferror(file) && bytes < LARGEST && strlen(set->text) == bytes;
    fclose(file);
    if (!whole)
        return error_set(error, "%s: no text of up to %d MB; try another file", path, LARGEST / 1000000);
    size_t lines = 1;
    for (const char *c = set->text; *c; c++) lines += *c == '\n';
    set->item = allocate_zeroed(lines, sizeof *set->item);
    char *rest = set->text + (words_behind_mark(set->text) - set->text), *line = next_line(&rest);
    if (!read_head(set, line, &columns, error)) return false;
    for (int number = 2; (line = next_line(&rest)); number++) {
        if (!*line) continue;
        if (!read_case(set, number, &columns, line, &set->item[set->count++], error)) return false;
    }
    return set->count > 0 || error_set(error, "%s: no case under line 1; try one", path);
}

void cases_free(CaseSet *set)
{
    for (int i = 0; i < set->count; i++)
        for (int k = 0; k < set->item[i].sets; k++) free(set->item[i].set[k]);
    free(set->item);
    free(set->text);
    *set = (CaseSet){.count = 0};
}
