/* result.c - rows ranked, reasons each once, and refusals in groups. */
#include "sim/sweep/result.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/hash.h"
#include "sim/base/words.h"

const char *const sweep_state_names[SWEEP_STATES] = {[SWEEP_UNTRIED] = "untried",
                                                     [SWEEP_FITS] = "fits",
                                                     [SWEEP_TOO_LARGE] = "too large",
                                                     [SWEEP_REFUSED] = "refused"};

SweepRow sweep_refused(int ranks)
{
    const double none = (double)NAN;
    return (SweepRow){.step_time = none,
                      .tokens_per_second = none,
                      .a_device = none,
                      .mfu = none,
                      .hfu = none,
                      .bubble = none,
                      .memory = none,
                      .capacity = none,
                      .ranks = ranks,
                      .state = SWEEP_REFUSED,
                      .reason = -1};
}

/* ---- texts, each once ---- */

struct SweepTexts {
    char **text;
    int count, room;
    int *slot; /* (slots) open addressing: which text, -1: none */
    int slots; /* a power of two */
};

/* The slot that has the text, or would. */
static int slot_of(const SweepTexts *t, const char *text)
{
    int at = (int)(hash_add(HASH_BEGIN, text, strlen(text)) & (uint64_t)(t->slots - 1));
    while (t->slot[at] >= 0 && strcmp(t->text[t->slot[at]], text) != 0) at = (at + 1) & (t->slots - 1);
    return at;
}

static void make_room(SweepTexts *t)
{
    int slots = t->slots ? 2 * t->slots : 64;
    char **text = allocate((size_t)slots / 2 * sizeof *text);
    if (t->count) memcpy(text, t->text, (size_t)t->count * sizeof *text);
    free(t->text);
    free(t->slot);
    *t = (SweepTexts){.text = text, .count = t->count, .room = slots / 2, .slots = slots};
    t->slot = allocate((size_t)slots * sizeof *t->slot);
    for (int i = 0; i < slots; i++) t->slot[i] = -1;
    for (int i = 0; i < t->count; i++) t->slot[slot_of(t, text[i])] = i;
}

SweepTexts *sweep_texts_new(void)
{
    SweepTexts *t = allocate_zeroed(1, sizeof *t);
    make_room(t);
    return t;
}

int32_t sweep_texts_add(SweepTexts *t, const char *why)
{
    int at = slot_of(t, why);
    if (t->slot[at] >= 0) return t->slot[at];
    if (t->count == t->room) {
        make_room(t);
        at = slot_of(t, why);
    }
    t->text[t->count] = words_copy(why);
    return t->slot[at] = t->count++;
}

void sweep_texts_free(SweepTexts *t)
{
    for (int i = 0; i < t->count; i++) free(t->text[i]);
    free(t->text);
    free(t->slot);
    free(t);
}

/* Whoever was first to tell them, they are numbered by the combinations. */
static void number_reasons(Sweep *s, SweepTexts *t)
{
    int32_t *number = allocate((size_t)t->count * sizeof *number + 1);
    for (int i = 0; i < t->count; i++) number[i] = -1;
    s->reason = allocate((size_t)t->count * sizeof *s->reason + 1);
    s->reasons = 0;
    for (int64_t i = 0; i < s->space.count; i++) {
        int32_t *reason = &s->row[i].reason;
        if (*reason < 0) continue;
        if (number[*reason] < 0) {
            number[*reason] = s->reasons;
            s->reason[s->reasons++] = t->text[*reason];
        }
        *reason = number[*reason];
    }
    free(number);
    t->count = 0; /* the texts are the sweep's now */
    sweep_texts_free(t);
}

/* ---- which is best ---- */

typedef struct Ranked {
    const SweepRow *row;
    int64_t index;
} Ranked;

/* Of equal speed the one that holds less, then the first. */
static int by_speed(const void *left, const void *right)
{
    const Ranked *a = left, *b = right;
    if (a->row->a_device != b->row->a_device) return a->row->a_device > b->row->a_device ? -1 : 1;
    if (a->row->memory != b->row->memory) return a->row->memory < b->row->memory ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

int64_t *sweep_ranking(const Sweep *s, bool all, int64_t *count)
{
    Ranked *ranked = allocate((size_t)s->space.count * sizeof *ranked);
    int64_t *index = allocate((size_t)s->space.count * sizeof *index);
    *count = 0;
    for (int64_t i = 0; i < s->space.count; i++) {
        bool shown = s->row[i].state == SWEEP_FITS || (all && s->row[i].state == SWEEP_TOO_LARGE);
        if (shown) ranked[(*count)++] = (Ranked){&s->row[i], i};
    }
    qsort(ranked, (size_t)*count, sizeof *ranked, by_speed);
    for (int64_t i = 0; i < *count; i++) index[i] = ranked[i].index;
    free(ranked);
    return index;
}

void sweep_finish(Sweep *s, SweepTexts *texts)
{
    int64_t fit, *ranking;
    number_reasons(s, texts);
    memset(s->states, 0, sizeof s->states);
    for (int64_t i = 0; i < s->space.count; i++) s->states[s->row[i].state]++;
    ranking = sweep_ranking(s, false, &fit);
    for (int64_t i = 0; i < fit; i++) s->row[ranking[i]].place = (int32_t)i + 1;
    s->best = fit ? ranking[0] : -1;
    free(ranking);
}

void sweep_free(Sweep *s)
{
    for (int i = 0; i < s->reasons; i++) free(s->reason[i]);
    free(s->reason);
    free(s->row);
    free(s->ini);
    free(s->config);
    free(s->command_line);
    space_free(&s->space);
    *s = (Sweep){.best = -1};
}

/* ---- refusals in groups ---- */

/* What a reason says but for its numbers, what stands in parentheses, and what to try. */
static char *without_numbers(const char *reason)
{
    char *kind = words_copy(reason), *to = kind, *rest = strstr(kind, "; try");
    int depth = 0;
    if (rest) *rest = '\0';
    for (const char *from = kind; *from; from++) {
        depth += *from == '(';
        bool digit = isdigit((unsigned char)*from), again = digit && to > kind && to[-1] == '#';
        if (depth == 0 && !again) *to++ = digit ? '#' : *from;
        depth -= *from == ')' && depth > 0;
    }
    *to = '\0';
    return kind;
}

static int by_count(const void *left, const void *right)
{
    const SweepGroup *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return a->reason < b->reason ? -1 : a->reason > b->reason;
}

SweepGroup *sweep_groups(const Sweep *s, int *groups, int *group_of)
{
    SweepTexts *kinds = sweep_texts_new();
    SweepGroup *group = allocate_zeroed((size_t)s->reasons, sizeof *group);
    int32_t *kind_of = allocate((size_t)s->reasons * sizeof *kind_of + 1);
    for (int i = 0; i < s->reasons; i++) {
        char *kind = without_numbers(s->reason[i]);
        int before = kinds->count;
        kind_of[i] = sweep_texts_add(kinds, kind);
        if (kinds->count > before) group[kind_of[i]].reason = i;
        free(kind);
    }
    for (int64_t i = 0; i < s->space.count; i++)
        if (s->row[i].reason >= 0) group[kind_of[s->row[i].reason]].count++;
    *groups = kinds->count;
    qsort(group, (size_t)*groups, sizeof *group, by_count);
    for (int i = 0; group_of && i < s->reasons; i++)
        for (int k = 0; k < *groups; k++)
            if (kind_of[group[k].reason] == kind_of[i]) group_of[i] = k;
    sweep_texts_free(kinds);
    free(kind_of);
    return group;
}
