/* notation.c - reads and writes schedules in PyTorch's notation. */
#include "parallel/schedule/notation.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/cell.h"

void notation_write(const Plan *plan, FILE *out)
{
    for (int rank = 0; rank < plan->shape.p; rank++) {
        const Schedule *list = &plan->list[rank];
        const char *comma = "";
        for (int i = 0; i < list->count; i++) {
            if (!action_computes(list->action[i].kind)) continue;
            int next = schedule_overlapped_with(list, i);
            fputs(comma, out);
            cell_write(list->action[i], list->action[next], out);
            comma = ",";
            i = next;
        }
        fputc('\n', out);
    }
}

enum { ACTIONS_MOST = 3 * SCHEDULE_MOST }; /* F, I and W */

/* What a text holds before it is known to be a schedule. */
typedef struct Sheet {
    const char *name;
    int lines, actions;
    Schedule *list; /* (lines) */
    int **column;   /* (lines): the cell, from 1, of each action */
    int stages, microbatches;
} Sheet;

static bool is_space(char c)
{
    return isspace((unsigned char)c);
}

/* Without the white space around it. */
static void trim(const char **start, const char **end)
{
    while (*start < *end && is_space(**start)) ++*start;
    while (*end > *start && is_space((*end)[-1])) --*end;
}

/* Where the cell that begins at `start` ends: at the next comma, but for those in quotes, or at the line's end. */
static const char *end_of_cell(const char *start, const char *end)
{
    bool quoted = false;
    for (; start < end && (quoted || *start != ','); start++) quoted ^= *start == '"';
    return start;
}

static bool read_cell(Sheet *sheet, int line, int cell, const char *start, const char *end, Error *error)
{
    Action action[CELL_ACTIONS];
    Error why;
    trim(&start, &end);
    if (end - start >= 2 && *start == '"' && end[-1] == '"') { /* as spreadsheets write text */
        start++, end--;
        trim(&start, &end);
    }
    if (start == end) return true;
    int actions = cell_read(start, end, action, &why);
    if (actions == 0)
        return error_set(error, "%s: line %d, cell %d: %s", sheet->name, line + 1, cell, why.text);
    for (int i = 0; i < actions; i++) {
        sheet->column[line][sheet->list[line].count] = cell;
        schedule_append(&sheet->list[line], action[i]);
        if (action[i].stage >= sheet->stages) sheet->stages = action[i].stage + 1;
        if (action[i].microbatch >= sheet->microbatches) sheet->microbatches = action[i].microbatch + 1;
        sheet->actions++;
    }
    if (sheet->actions > ACTIONS_MOST)
        return error_set(error, "%s: line %d, cell %d: more actions than a schedule can have, %d",
                         sheet->name, line + 1, cell, ACTIONS_MOST);
    return true;
}

static bool read_line(Sheet *sheet, int line, const char *at, const char *end, Error *error)
{
    size_t cells = 1;
    for (const char *c = at; c < end; c++) cells += *c == ',';
    sheet->column[line] = allocate(CELL_ACTIONS * cells * sizeof(int));
    for (int cell = 1; at <= end; cell++) {
        const char *stop = end_of_cell(at, end);
        if (!read_cell(sheet, line, cell, at, stop, error)) return false;
        at = stop + 1;
    }
    return true;
}

/* Skips the mark with which some programs begin a text; false for one of another encoding. */
static bool skip_mark(const char **text, const char *end, const char *name, Error *error)
{
    size_t bytes = (size_t)(end - *text);
    if (bytes >= 2 && (memcmp(*text, "\xFF\xFE", 2) == 0 || memcmp(*text, "\xFE\xFF", 2) == 0))
        return error_set(error, "%s: it is in UTF-16; try to save it as UTF-8", name);
    if (bytes >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0) *text += 3;
    return true;
}

static bool read_lines(Sheet *sheet, const char *text, const char *end, Error *error)
{
    if (!skip_mark(&text, end, sheet->name, error)) return false;
    while (end > text && is_space(end[-1])) end--;
    if (end == text) return error_set(error, "%s: no schedule in it: one line a rank is needed", sheet->name);
    for (const char *c = text; c < end; c++) sheet->lines += *c == '\n';
    if (++sheet->lines > SCHEDULE_MOST) {
        int lines = sheet->lines;
        sheet->lines = 0; /* of which there is something to free */
        return error_set(error, "%s: %d lines, one a rank, are more than a schedule can have, %d",
                         sheet->name, lines, SCHEDULE_MOST);
    }
    sheet->list = allocate_zeroed((size_t)sheet->lines, sizeof *sheet->list);
    sheet->column = allocate_zeroed((size_t)sheet->lines, sizeof *sheet->column);
    for (int line = 0; line < sheet->lines; line++) {
        const char *stop = text;
        while (stop < end && *stop != '\n') stop++;
        if (!read_line(sheet, line, text, stop, error)) return false;
        text = stop + 1;
    }
    return true;
}

/* Which line holds which stage; as many on each. */
static bool place_stages(const Sheet *sheet, int *rank_of, Error *error)
{
    for (int stage = 0; stage < sheet->stages; stage++) rank_of[stage] = -1;
    int per_rank = -1;
    for (int line = 0; line < sheet->lines; line++) {
        int held = 0;
        for (int i = 0; i < sheet->list[line].count; i++) {
            int stage = sheet->list[line].action[i].stage;
            held += rank_of[stage] < 0;
            if (rank_of[stage] >= 0 && rank_of[stage] != line)
                return error_set(
                    error, "%s: line %d, cell %d: stage %d is on line %d already, and stays on one rank",
                    sheet->name, line + 1, sheet->column[line][i], stage, rank_of[stage] + 1);
            rank_of[stage] = line;
        }
        if (!held) return error_set(error, "%s: line %d: this rank has nothing to do", sheet->name, line + 1);
        if (per_rank >= 0 && held != per_rank)
            return error_set(
                error, "%s: line %d: ranks hold equally many stages, and this one %d where line %d has %d",
                sheet->name, line + 1, held, line, per_rank);
        per_rank = held;
    }
    for (int stage = 0; stage < sheet->stages; stage++)
        if (rank_of[stage] < 0)
            return error_set(error, "%s: stage %d is on no line, though stages go up to %d", sheet->name,
                             stage, sheet->stages - 1);
    return true;
}

/* The order of each list. */
static bool check_order(const Sheet *sheet, const Plan *plan, Error *error)
{
    Place place;
    Error what;
    if (plan_check(plan, &place, &what)) return true;
    if (place.index < 0) return error_set(error, "%s: line %d: %s", sheet->name, place.rank + 1, what.text);
    return error_set(error, "%s: line %d, cell %d: %s", sheet->name, place.rank + 1,
                     sheet->column[place.rank][place.index], what.text);
}

static bool read_plan(Sheet *sheet, const char *text, const char *end, Plan *plan, Error *error)
{
    if (!read_lines(sheet, text, end, error)) return false;
    /* each stage needs an action of its own, so a mistyped number is not what sets the size of a table */
    if (sheet->stages > sheet->actions ||
        (int64_t)sheet->stages * sheet->microbatches > 4 * (int64_t)sheet->actions)
        return error_set(
            error,
            "%s: stages up to %d and microbatches up to %d need at least %lld actions, and there are %d",
            sheet->name, sheet->stages - 1, sheet->microbatches - 1,
            2 * (long long)sheet->stages * sheet->microbatches, sheet->actions);
    if ((int64_t)sheet->stages * sheet->microbatches > SCHEDULE_MOST)
        return error_set(error, "%s: stages x microbatches = %d x %d are more than a schedule can have, %d",
                         sheet->name, sheet->stages, sheet->microbatches, SCHEDULE_MOST);
    int *rank_of = allocate((size_t)sheet->stages * sizeof *rank_of);
    bool good = place_stages(sheet, rank_of, error);
    if (good) {
        Shape shape = {.v = sheet->stages / sheet->lines, .p = sheet->lines, .m = sheet->microbatches};
        plan_empty(plan, shape);
        memcpy(plan->rank_of, rank_of, (size_t)sheet->stages * sizeof *rank_of);
        for (int line = 0; line < sheet->lines; line++) {
            plan->list[line] = sheet->list[line];
            sheet->list[line] = (Schedule){0};
        }
        good = check_order(sheet, plan, error);
        if (!good) plan_free(plan);
    }
    free(rank_of);
    return good;
}

bool notation_read(Plan *plan, const char *text, int64_t bytes, const char *name, Error *error)
{
    Sheet sheet = {.name = name};
    *plan = (Plan){0};
    bool good = read_plan(&sheet, text, text + bytes, plan, error);
    for (int line = 0; line < sheet.lines; line++) {
        if (sheet.list) schedule_free(&sheet.list[line]);
        if (sheet.column) free(sheet.column[line]);
    }
    free(sheet.list);
    free(sheet.column);
    return good;
}
