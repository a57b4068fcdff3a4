/* draw_text.c - the walk of a schedule drawn as text. */
#include "parallel/schedule/draw_text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int digits(int number)
{
    return snprintf(NULL, 0, "%d", number);
}

/* What a cell of the grid says: "F3", "2F3" where ranks hold several stages, "(F3;B1)" of a pair. */
static void label_of(const Plan *plan, Action a, const Action *with, char *label, size_t size)
{
    char first[64], second[64] = "";
    bool stage = plan->shape.v > 1;
    action_text(a, first, sizeof first);
    if (with) action_text(*with, second, sizeof second);
    const char *one = stage ? first : first + digits(a.stage),
               *two = stage || !with ? second : second + digits(with->stage);
    snprintf(label, size, with ? "(%s;%s)" : "%s", one, two);
}

/* One rank's slots, `width` characters each; `shown` of them. A pair is drawn as one unless a wait parts it. */
static void draw_rank(const Plan *plan, const Timeline *timeline, int rank, int width, int shown, char *row)
{
    const Schedule *list = &plan->list[rank];
    const Span *span = timeline->rank[rank].span;
    memset(row, ' ', (size_t)shown * width);
    for (int slot = 0; slot < shown; slot++) row[slot * width] = '.';
    for (int i = 0; i < list->count; i++) {
        if (!action_computes(list->action[i].kind)) continue;
        int from = i, to = schedule_overlapped_with(list, i);
        if (lround(span[to].start) > lround(span[from].end)) to = from;
        char label[160];
        label_of(plan, list->action[from], to > from ? &list->action[to] : NULL, label, sizeof label);
        int first = (int)lround(span[from].start), last = (int)lround(span[to].end),
            length = (int)strlen(label);
        for (int column = first * width; column < last * width - 1 && column < shown * width; column++) {
            int k = column - first * width;
            row[column] = k < length ? label[k] : last - first > 1 ? '-' : ' ';
        }
        i = to;
    }
    int used = shown * width;
    while (used > 0 && row[used - 1] == ' ') used--;
    row[used] = 0;
}

void draw_text(const Plan *plan, const Timeline *timeline, int columns, FILE *out)
{
    int slots = (int)lround(timeline->end), name = digits(plan->shape.p - 1);
    int width = digits(plan->shape.m - 1) + 2 + (plan->shape.v > 1 ? digits(plan->stages - 1) : 0);
    int before = (int)strlen("rank ") + name + 2, shown = (columns - before + 1) / width;
    if (shown < 1) shown = 1;
    if (shown > slots) shown = slots;
    char *row = allocate((size_t)shown * width + 1);
    for (int rank = 0; rank < plan->shape.p; rank++) {
        draw_rank(plan, timeline, rank, width, shown, row);
        fprintf(out, "rank %*d  %s\n", name, rank, row);
    }
    if (shown < slots)
        fprintf(out, "%d of %d slots shown; the other %d need %d columns\n", shown, slots, slots - shown,
                before + slots * width - 1);
    free(row);
}
