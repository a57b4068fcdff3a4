/* notation.c - reads and writes schedules in PyTorch's notation. */
#include "parallel/schedule/notation.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_computed(ActionKind kind)
{
    return kind == ACTION_FORWARD || kind == ACTION_BACKWARD || kind == ACTION_INPUT || kind == ACTION_WEIGHT;
}

void notation_write(const Plan *plan, FILE *out)
{
    char text[64];
    for (int rank = 0; rank < plan->shape.p; rank++) {
        const char *comma = "";
        for (int i = 0; i < plan->list[rank].count; i++) {
            Action a = plan->list[rank].action[i];
            if (!is_computed(a.kind)) continue;
            fprintf(out, "%s%s", comma, action_text(a, text, sizeof text));
            comma = ",";
        }
        fputc('\n', out);
    }
}

/* What a text holds before it is known to be a schedule. */
typedef struct Sheet {
    const char *name;
    int lines, cells;
    Schedule *list; /* (lines) */
    int **column;   /* (lines): the cell, from 1, of each action */
    int stages, microbatches;
} Sheet;

/* The end of the text without the white space after it. */
static const char *end_of(const char *text)
{
    const char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) end--;
    return end;
}

static bool read_number(const char **at, const char *end, int *number)
{
    enum { DIGITS = 6 };
    const char *start = *at;
    *number = 0;
    for (; *at < end && *at - start < DIGITS && isdigit((unsigned char)**at); ++*at)
        *number = 10 * *number + (**at - '0');
    return *at > start && (*at == end || !isdigit((unsigned char)**at));
}

static bool read_cell(const char *start, const char *end, Action *action)
{
    const char *at = start;
    if (!read_number(&at, end, &action->stage) || at == end) return false;
    char kind = *at++;
    for (int k = 0; k < ACTION_KINDS; k++)
        if (is_computed((ActionKind)k) && action_name[k][0] == kind) {
            action->kind = (ActionKind)k;
            return read_number(&at, end, &action->microbatch) && at == end;
        }
    return false;
}

static bool read_line(Sheet *sheet, int line, const char *at, const char *end, Error *error)
{
    int cells = 1, cell = 0;
    for (const char *c = at; c < end; c++) cells += *c == ',';
    sheet->column[line] = allocate((size_t)cells * sizeof(int));
    for (; at <= end; at++) {
        const char *start = at, *stop;
        while (at < end && *at != ',') at++;
        stop = at;
        cell++;
        while (start < stop && isspace((unsigned char)*start)) start++;
        while (stop > start && isspace((unsigned char)stop[-1])) stop--;
        if (start == stop) continue;
        Action a;
        if (!read_cell(start, stop, &a))
            return error_set(
                error,
                "%s: line %d, cell %d: \"%.*s\" is not a stage, one of F, B, I, W and a microbatch, "
                "such as 0F3; sends and receives are not written, they follow",
                sheet->name, line + 1, cell, stop - start > 40 ? 40 : (int)(stop - start), start);
        sheet->column[line][sheet->list[line].count] = cell;
        schedule_add(&sheet->list[line], a.kind, a.stage, a.microbatch);
        if (a.stage >= sheet->stages) sheet->stages = a.stage + 1;
        if (a.microbatch >= sheet->microbatches) sheet->microbatches = a.microbatch + 1;
        sheet->cells++;
    }
    return true;
}

static bool read_lines(Sheet *sheet, const char *text, Error *error)
{
    const char *end = end_of(text);
    if (end == text) return error_set(error, "%s: no schedule in it: one line a rank is needed", sheet->name);
    for (const char *c = text; c < end; c++) sheet->lines += *c == '\n';
    sheet->lines++;
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

static bool read_plan(Sheet *sheet, const char *text, Plan *plan, Error *error)
{
    if (!read_lines(sheet, text, error)) return false;
    /* each stage needs a cell of its own, so a mistyped number is not what sets the size of a table */
    if (sheet->stages > sheet->cells ||
        (int64_t)sheet->stages * sheet->microbatches > 4 * (int64_t)sheet->cells)
        return error_set(
            error, "%s: stages up to %d and microbatches up to %d need at least %lld cells, and there are %d",
            sheet->name, sheet->stages - 1, sheet->microbatches - 1,
            2 * (long long)sheet->stages * sheet->microbatches, sheet->cells);
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

bool notation_read(Plan *plan, const char *text, const char *name, Error *error)
{
    Sheet sheet = {.name = name};
    *plan = (Plan){0};
    bool good = read_plan(&sheet, text, plan, error);
    for (int line = 0; line < sheet.lines; line++) {
        if (sheet.list) schedule_free(&sheet.list[line]);
        if (sheet.column) free(sheet.column[line]);
    }
    free(sheet.list);
    free(sheet.column);
    return good;
}
