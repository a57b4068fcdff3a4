/* heat.c - what sweep.gp draws: the values across and up, and each cell's colour and words. */
#include "sim/sweep/heat.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/posix.h"
#include "sim/base/units.h"
#include "sim/base/words.h"
#include "sim/plot/single.h"
#include "sim/plot/text.h"
#include "sim/sweep/print.h"

enum { ACROSS_MOST = 24, UP_MOST = 32, NOTES = 6, LABEL = 28, NOTE = 112, NOTE_LINES = 3, OTHERS_MOST = 3 };
/* What a note begins with, its line, and the dots behind one that was cut. */
enum { NOTE_ROOM = sizeof "     " + NOTE + sizeof "..." - 1 };

/* ---- which keys ---- */

static bool find_axis(const Space *space, const char *name, int *key, Error *error)
{
    char all[512] = "", shown[100];
    *key = space_find(space, name);
    for (int k = 0; k < space->keys && *key < 0; k++)
        if (!strcmp(sweep_short_name(space, k), name)) *key = k;
    if (*key >= 0) return true;
    for (int k = 0; k < space->keys; k++)
        words_append(all, sizeof all, "%s%s", k ? ", " : "", space->key[k].name);
    words_show(shown, sizeof shown, name);
    return error_set(error, "--axes: %s is no key that is swept; there are %s", shown, all);
}

bool heat_axes(const Space *space, const char *const axes[2], int key[2], Error *error)
{
    if (axes[0])
        return find_axis(space, axes[0], &key[0], error) && find_axis(space, axes[1], &key[1], error) &&
               (key[0] != key[1] || error_set(error, "--axes: %s twice; try two keys", axes[0]));
    key[0] = key[1] = -1;
    for (int a = 0; a < 2; a++)
        for (int k = 0; k < space->keys; k++)
            if (k != key[0] && (key[a] < 0 || space->key[k].count > space->key[key[a]].count)) key[a] = k;
    return true;
}

/* ---- the cells ---- */

/* Of all combinations with one value of each axis. */
typedef struct Cell {
    SweepState state;  /* fits, where any does; else too large, where any is; else refused */
    int64_t best;      /* of those that fit the fastest, else the one that lacks least memory; -1: refused */
    int *group, count; /* (groups) how often each refusal */
} Cell;

typedef struct Heat {
    const Sweep *sweep;
    const int *key;
    int across, up;
    Cell *cell; /* (up, across) */
    SweepGroup *group;
    int groups, *group_of;
    double low, high;       /* of the cells that fit */
    int note[NOTES], notes; /* groups that have a letter */
} Heat;

static void look(Heat *h, int64_t index)
{
    const Sweep *s = h->sweep;
    const SweepRow *row = &s->row[index];
    int x = space_choice(&s->space, index, h->key[0]);
    int y = h->key[1] < 0 ? 0 : space_choice(&s->space, index, h->key[1]);
    Cell *c = &h->cell[y * h->across + x];
    if (row->state == SWEEP_REFUSED) {
        c->group[h->group_of[row->reason]]++;
        return;
    }
    const SweepRow *best = c->best < 0 ? NULL : &s->row[c->best];
    bool fits = row->state == SWEEP_FITS, first = !best || (fits && best->state != SWEEP_FITS);
    bool better = best && row->state == (int32_t)best->state &&
                  (fits ? row->a_device > best->a_device : row->memory < best->memory);
    if (!first && !better) return;
    c->best = index;
    c->state = (SweepState)row->state;
}

static void fill(Heat *h)
{
    const Sweep *s = h->sweep;
    h->across = s->space.key[h->key[0]].count;
    h->up = h->key[1] < 0 ? 1 : s->space.key[h->key[1]].count;
    h->group_of = allocate_zeroed((size_t)s->reasons, sizeof *h->group_of);
    h->group = sweep_groups(s, &h->groups, h->group_of);
    h->cell = allocate_zeroed((size_t)(h->across * h->up), sizeof *h->cell);
    for (int i = 0; i < h->across * h->up; i++) {
        h->cell[i].state = SWEEP_REFUSED;
        h->cell[i].best = -1;
        h->cell[i].group = allocate_zeroed((size_t)h->groups, sizeof *h->cell[i].group);
    }
    for (int64_t i = 0; i < s->space.count; i++) look(h, i);
    h->low = INFINITY;
    for (int i = 0; i < h->across * h->up; i++) {
        if (h->cell[i].state != SWEEP_FITS) continue;
        h->low = fmin(h->low, s->row[h->cell[i].best].a_device);
        h->high = fmax(h->high, s->row[h->cell[i].best].a_device);
    }
}

static void empty(Heat *h)
{
    for (int i = 0; i < h->across * h->up; i++) free(h->cell[i].group);
    free(h->cell);
    free(h->group);
    free(h->group_of);
}

/* The letter of what most combinations of a cell are refused for; 0: there are too many kinds. */
static char letter_of(Heat *h, const Cell *c)
{
    int most = 0;
    for (int g = 1; g < h->groups; g++)
        if (c->group[g] > c->group[most]) most = g;
    for (int n = 0; n < h->notes; n++)
        if (h->note[n] == most) return (char)('a' + n);
    if (h->notes == NOTES) return 0;
    h->note[h->notes] = most;
    return (char)('a' + h->notes++);
}

/* ---- the script's data ---- */

static bool is_axis(const Heat *h, int key)
{
    return key == h->key[0] || key == h->key[1];
}

static void quote_item(FILE *out, const char *array, int item, const char *text)
{
    fprintf(out, "%s[%d] = ", array, item);
    plot_quote(out, text);
    fputc('\n', out);
}

/* The values of the other keys. */
static void describe_others(const Heat *h, int64_t index, char *text, size_t size)
{
    const Space *space = &h->sweep->space;
    text[0] = '\0';
    for (int k = 0; k < space->keys; k++) {
        char shown[LABEL];
        if (is_axis(h, k)) continue;
        words_show(shown, sizeof shown, space_value(space, index, k));
        words_append(text, size, "%s%s", text[0] ? ", " : "", shown);
    }
}

static void write_cell(FILE *out, Heat *h, int i)
{
    const Cell *c = &h->cell[i];
    const SweepRow *best = c->best < 0 ? NULL : &h->sweep->row[c->best];
    char one[64] = "", two[64] = "", three[128] = "";
    int others = h->sweep->space.keys - 1 - (h->key[1] >= 0);
    if (c->state == SWEEP_FITS) {
        snprintf(one, sizeof one, best->a_device >= 1000 ? "%.0f tokens/s" : "%#.4g tokens/s",
                 best->a_device);
        unit_show(two, sizeof two, best->step_time, unit_of_seconds);
        if (others <= OTHERS_MOST) describe_others(h, c->best, three, sizeof three);
    } else if (c->state == SWEEP_TOO_LARGE) {
        snprintf(one, sizeof one, "does not fit");
        char needs[32];
        unit_show(needs, sizeof needs, best->memory, unit_of_bytes);
        snprintf(two, sizeof two, "needs %s", needs);
    } else {
        char letter = letter_of(h, c);
        snprintf(one, sizeof one, letter ? "refused (%c)" : "refused", letter);
    }
    quote_item(out, "ONE", i + 1, one);
    quote_item(out, "TWO", i + 1, two);
    quote_item(out, "THREE", i + 1, three);
}

static double shade_of(const Heat *h, const Cell *c)
{
    if (c->state != SWEEP_FITS) return 0;
    return h->high > h->low ? (h->sweep->row[c->best].a_device - h->low) / (h->high - h->low) : 1;
}

/* Texts before numbers: letters are given as cells are written. */
static void write_cells(FILE *out, Heat *h)
{
    int cells = h->across * h->up;
    fprintf(out, "array ONE[%d]\narray TWO[%d]\narray THREE[%d]\n", cells, cells, cells);
    for (int i = 0; i < cells; i++) write_cell(out, h, i);
    fputs("$D << EOD\n", out);
    for (int i = 0; i < cells; i++) {
        const Cell *c = &h->cell[i];
        bool best = h->sweep->best >= 0 && c->best == h->sweep->best;
        fprintf(out, "%d %d %d %.4f %d\n", i % h->across + 1, i / h->across + 1, (int)c->state - SWEEP_FITS,
                shade_of(h, c), best);
    }
    fputs("EOD\n", out);
}

/* A tic's label is to gnuplot the format of its number. */
static void label_of(const char *value, char label[2 * LABEL])
{
    char shown[LABEL], *end = label;
    words_show(shown, sizeof shown, value);
    for (const char *c = shown; *c; c++) {
        if (*c == '%') *end++ = '%';
        *end++ = *c;
    }
    *end = '\0';
}

static void write_axis(FILE *out, const char *prefix, const Space *space, int key)
{
    char array[16], label[2 * LABEL];
    int count = key < 0 ? 1 : space->key[key].count;
    snprintf(array, sizeof array, "%sVALUE", prefix);
    fprintf(out, "%sCOUNT = %d\narray %s[%d]\n", prefix, count, array, count);
    for (int i = 0; i < count; i++) {
        label_of(key < 0 ? "" : space->key[key].value[i], label);
        quote_item(out, array, i + 1, key < 0 ? "" : label);
    }
    snprintf(array, sizeof array, "%sKEY", prefix);
    plot_set_text(out, array, key < 0 ? "" : space->key[key].name);
}

/* How many bytes of `text` are a line of a note: all, or as many words as there is room for, a longer word cut by
 * whole letters. */
static size_t line_length(const char *text)
{
    const size_t all = strlen(text);
    size_t length = NOTE;
    if (all <= length) return all;
    while (length > 0 && text[length] != ' ') length--;
    if (length > 0) return length;
    for (length = NOTE; ((unsigned char)text[length] & 0xc0) == 0x80;) length--;
    return length;
}

/* Adds what a group's first reason says, without where it was given, in as many lines as it needs, up to NOTE_LINES; of
 * one that needs more the last has dots at its end. */
static void note_lines(const Heat *h, int n, char line[][NOTE_ROOM], int *lines)
{
    const char *reason = h->sweep->reason[h->group[h->note[n]].reason], *said = strstr(reason, ": ");
    char *shown = words_shown(said ? said + 2 : reason), *hint = strstr(shown, "; try"), *rest = shown;
    if (hint > shown) *hint = '\0';
    for (int i = 0; i < NOTE_LINES && *rest; i++) {
        const size_t length = line_length(rest);
        char begins[8] = "     ";
        if (i == 0) snprintf(begins, sizeof begins, "%c: ", 'a' + n);
        const bool cut = i == NOTE_LINES - 1 && rest[length];
        snprintf(line[(*lines)++], NOTE_ROOM, "%s%.*s%s", begins, (int)length, rest, cut ? "..." : "");
        rest += length;
        while (*rest == ' ') rest++;
    }
    free(shown);
}

static void write_notes(FILE *out, const Heat *h)
{
    char line[NOTES * NOTE_LINES][NOTE_ROOM];
    int lines = 0;
    for (int n = 0; n < h->notes; n++) note_lines(h, n, line, &lines);
    fprintf(out, "NOTES = %d\narray NOTE[%d]\n", lines, lines + 1);
    for (int i = 0; i < lines; i++) quote_item(out, "NOTE", i + 1, line[i]);
}

static void write_titles(FILE *out, const Heat *h)
{
    const Sweep *s = h->sweep;
    char title[256], first[512], second[256], others[256] = "";
    int64_t in_a_cell = s->space.count / (h->across * h->up);
    for (int k = 0; k < s->space.keys; k++)
        if (!is_axis(h, k))
            words_append(others, sizeof others, "%s%s", others[0] ? ", " : "",
                         sweep_short_name(&s->space, k));
    snprintf(title, sizeof title, "Tokens a second and device, time of a step: %s", files_name(s->config));
    if (s->space.ranks)
        words_append(title, sizeof title, " on %d rank%s", s->space.ranks, words_s(s->space.ranks));
    if (in_a_cell > 1)
        snprintf(first, sizeof first, "In each cell the best of %lld combinations of %s",
                 (long long)in_a_cell, others);
    else
        snprintf(first, sizeof first, "A combination a cell");
    sweep_count_states(s, second, sizeof second);
    plot_set_text(out, "NAME", "sweep");
    plot_set_text(out, "TITLE", title);
    plot_set_text(out, "SUBTITLE1", first);
    plot_set_text(out, "SUBTITLE2", second);
}

static void write_data(FILE *out, void *context)
{
    Heat *h = context;
    int others = h->sweep->space.keys - 1 - (h->key[1] >= 0);
    write_titles(out, h);
    write_axis(out, "X", &h->sweep->space, h->key[0]);
    write_axis(out, "Y", &h->sweep->space, h->key[1]);
    fprintf(out, "LINES = %d\n", others > 0 && others <= OTHERS_MOST ? 3 : 2);
    write_cells(out, h);
    write_notes(out, h);
}

/* ---- drawn ---- */

bool heat_draw(const Sweep *s, const int key[2], const char *program_directory, const char *folder,
               char *left_out, unsigned long size, Error *error)
{
    left_out[0] = '\0';
    for (int a = 0; a < 2; a++) {
        int most = a ? UP_MOST : ACROSS_MOST;
        if (key[a] < 0 || s->space.key[key[a]].count <= most) continue;
        snprintf(left_out, size, "%s has %d values, more than the %d of an axis; try --axes KEY,KEY",
                 s->space.key[key[a]].name, s->space.key[key[a]].count, most);
        return true;
    }
    Heat heat = {.sweep = s, .key = key};
    fill(&heat);
    const PlotSingle chart = {"sweep", write_data, &heat};
    bool good = plot_single(&chart, program_directory, folder, error);
    empty(&heat);
    return good;
}
