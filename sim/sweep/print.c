/* print.c - lines for people, and rows for programs. */
#include "sim/sweep/print.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/csv.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

enum { BEST = 10, GROUPS = 8, CELL = 48, COLUMNS = SPACE_KEYS + 8 };

const char *sweep_short_name(const Space *space, int key)
{
    const char *dot = strchr(space->key[key].name, '.'), *name = dot ? dot + 1 : space->key[key].name;
    for (int k = 0; k < space->keys; k++) {
        const char *other = strchr(space->key[k].name, '.');
        if (k != key && !strcmp(other ? other + 1 : space->key[k].name, name)) return space->key[key].name;
    }
    return name;
}

/* ---- the best ---- */

/* Lines of as many cells. */
typedef struct Cells {
    int lines, columns;
    char (*cell)[COLUMNS][CELL]; /* (lines) */
} Cells;

static char *next(Cells *c, int line)
{
    if (line == 0) c->columns++;
    return c->cell[line][c->columns - 1];
}

static void put_head(const Space *space, Cells *c)
{
    static const char *const heads[] = {"step", "tokens/s", "a device", "MFU", "bubble", "memory"};
    snprintf(next(c, 0), CELL, "%s", "");
    for (int k = 0; k < space->keys; k++) words_show(next(c, 0), CELL, sweep_short_name(space, k));
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) snprintf(next(c, 0), CELL, "%s", heads[i]);
}

static void put_row(const Sweep *s, int64_t index, Cells *c, int line)
{
    const SweepRow *row = &s->row[index];
    char(*cell)[CELL] = c->cell[line];
    Unit unit = unit_of_seconds(row->step_time);
    int at = 0;
    if (row->place)
        snprintf(cell[at++], CELL, "%d", row->place);
    else
        snprintf(cell[at++], CELL, "-");
    for (int k = 0; k < s->space.keys; k++) words_show(cell[at++], CELL, space_value(&s->space, index, k));
    snprintf(cell[at++], CELL, "%#.4g %s", row->step_time / unit.scale, unit.name);
    snprintf(cell[at++], CELL, "%.0f", row->tokens_per_second);
    snprintf(cell[at++], CELL, row->a_device < 1000 ? "%#.4g" : "%.0f", row->a_device);
    snprintf(cell[at++], CELL, "%.1f %%", 100 * row->mfu);
    snprintf(cell[at++], CELL, "%.1f %%", 100 * row->bubble);
    char needs[16], has[16];
    unit_show(needs, sizeof needs, row->memory, unit_of_bytes);
    unit_show(has, sizeof has, row->capacity, unit_of_bytes);
    snprintf(cell[at], CELL, "%s of %s", needs, has);
    words_append(cell[at], CELL, "%s", row->state == SWEEP_TOO_LARGE ? ": does not fit" : "");
}

/* Right under their heads, but for the last. */
static void print_cells(const Cells *c)
{
    for (int line = 0; line < c->lines; line++) {
        for (int k = 0; k < c->columns; k++) {
            int width = 0;
            for (int i = 0; i < c->lines; i++) {
                int columns = words_columns(c->cell[i][k]);
                if (columns > width) width = columns;
            }
            bool last = k + 1 == c->columns;
            int blanks = last ? 0 : width - words_columns(c->cell[line][k]);
            printf("%*s%s", blanks + 2, "", c->cell[line][k]);
        }
        printf("\n");
    }
}

static void print_best(const Sweep *s, bool all)
{
    int64_t count, *ranking = sweep_ranking(s, all, &count);
    int shown = count < BEST ? (int)count : BEST;
    Cells cells = {.lines = shown + 1};
    cells.cell = allocate_zeroed((size_t)cells.lines, sizeof *cells.cell);
    put_head(&s->space, &cells);
    for (int i = 0; i < shown; i++) put_row(s, ranking[i], &cells, i + 1);
    if (shown) print_cells(&cells);
    if (shown) printf("\n");
    free(cells.cell);
    free(ranking);
}

/* Of those that do not fit, the one that lacks least. */
static void print_nearest(const Sweep *s)
{
    int64_t nearest = -1;
    char what[512], needs[32], has[32];
    for (int64_t i = 0; i < s->space.count; i++) {
        const SweepRow *row = &s->row[i];
        if (row->state != SWEEP_TOO_LARGE) continue;
        if (nearest < 0 || row->memory / row->capacity < s->row[nearest].memory / s->row[nearest].capacity)
            nearest = i;
    }
    if (nearest < 0 || s->best >= 0) return;
    space_describe(&s->space, nearest, what, sizeof what);
    words_bytes(s->row[nearest].memory, needs, sizeof needs);
    words_bytes(s->row[nearest].capacity, has, sizeof has);
    printf("  none fits; nearest to it comes %s, which needs %s of %s\n\n", what, needs, has);
}

static void print_groups(const Sweep *s)
{
    int groups;
    SweepGroup *group = sweep_groups(s, &groups, NULL);
    int64_t rest = 0;
    for (int i = 0; i < groups; i++) {
        const char *reason = s->reason[group[i].reason], *hint = strstr(reason, "; try");
        if (i < GROUPS)
            printf("  %8lld  %.*s\n", (long long)group[i].count,
                   hint ? (int)(hint - reason) : (int)strlen(reason), reason);
        else
            rest += group[i].count;
    }
    if (rest) printf("  %8lld  for other reasons: --csv tells each\n", (long long)rest);
    free(group);
}

void sweep_count_states(const Sweep *s, char *text, unsigned long size)
{
    long long fit = (long long)s->states[SWEEP_FITS], large = (long long)s->states[SWEEP_TOO_LARGE],
              refused = (long long)s->states[SWEEP_REFUSED];
    text[0] = '\0';
    words_append(text, size, "Of %lld combinations %lld fit%s", (long long)s->space.count, fit,
                 fit == 1 ? "s" : "");
    if (large)
        words_append(text, size, ", %lld %s too large for the memory", large, large == 1 ? "is" : "are");
    if (refused) words_append(text, size, ", %lld %s refused", refused, refused == 1 ? "is" : "are");
}

void sweep_print(const Sweep *s, bool all)
{
    char counts[256];
    sweep_count_states(s, counts, sizeof counts);
    printf("  %s\n\n", counts);
    print_best(s, all);
    print_nearest(s);
    if (!s->states[SWEEP_REFUSED]) return;
    printf("  refused, and why the first of each kind:\n");
    print_groups(s);
    printf("\n");
}

/* ---- CSV ---- */

static void csv_number(double value)
{
    putchar(',');
    if (!isnan(value)) printf("%.17g", value);
}

static void csv_count(int32_t value)
{
    putchar(',');
    if (value) printf("%d", value);
}

void sweep_csv(const Sweep *s)
{
    const Space *space = &s->space;
    bool ranks = space_find(space, "ranks") < 0;
    printf("combination,place");
    for (int k = 0; k < space->keys; k++) {
        putchar(',');
        csv_text(space->key[k].name);
    }
    printf(
        "%s,replicas,microbatches,step_time_s,tokens_per_second,tokens_per_second_device,mfu_ratio,hfu_ratio,"
        "bubble_ratio,memory_peak_bytes,memory_capacity_bytes,state,reason\n",
        ranks ? ",ranks" : "");
    for (int64_t i = 0; i < space->count; i++) {
        const SweepRow *row = &s->row[i];
        printf("%lld", (long long)i);
        csv_count(row->place);
        for (int k = 0; k < space->keys; k++) {
            putchar(',');
            csv_text(space_value(space, i, k));
        }
        if (ranks) csv_count(row->ranks);
        csv_count(row->replicas);
        csv_count(row->microbatches);
        const double numbers[] = {
            row->step_time, row->tokens_per_second, row->a_device, row->mfu, row->hfu, row->bubble,
            row->memory,    row->capacity};
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) csv_number(numbers[n]);
        printf(",%s,", sweep_state_names[row->state]);
        csv_text(row->reason >= 0 ? s->reason[row->reason] : "");
        putchar('\n');
    }
}
