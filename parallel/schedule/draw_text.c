/* draw_text.c - the walk of a schedule drawn as text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/notation.h"

static int digits(int number)
{
    return snprintf(NULL, 0, "%d", number);
}

/* One rank's slots, `width` characters each; `shown` of them. */
static void draw_rank(const Plan *plan, const Timeline *timeline, int rank, int width, int shown, char *row)
{
    const Schedule *list = &plan->list[rank];
    memset(row, ' ', (size_t)shown * width);
    for (int slot = 0; slot < shown; slot++) row[slot * width] = '.';
    for (int i = 0; i < list->count; i++) {
        Action a = list->action[i];
        Span span = timeline->rank[rank].span[i];
        int first = (int)lround(span.start), last = (int)lround(span.end);
        if (a.kind != ACTION_FORWARD && a.kind != ACTION_BACKWARD && a.kind != ACTION_INPUT &&
            a.kind != ACTION_WEIGHT)
            continue;
        char label[64];
        action_text(a, label, sizeof label);
        const char *shortest = plan->shape.v > 1 ? label : label + digits(a.stage);
        int length = (int)strlen(shortest);
        for (int column = first * width; column < last * width - 1 && column < shown * width; column++) {
            int k = column - first * width;
            row[column] = k < length ? shortest[k] : last - first > 1 ? '-' : ' ';
        }
    }
    int used = shown * width;
    while (used > 0 && row[used - 1] == ' ') used--;
    row[used] = 0;
}

void notation_grid(const Plan *plan, const Timeline *timeline, int columns, FILE *out)
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
