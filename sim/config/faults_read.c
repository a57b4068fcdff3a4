/* faults_read.c - a small grammar, one entry after the other:
 *
 *   slow   RANK xFACTOR [from STEP] [to STEP], ...
 *   die    RANK at STEP
 *   late   RANK->RANK every N by NUMBER us|ms|s [from STEP] [to STEP], ...
 */
#include "sim/config/faults_read.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY = 64 };
static const int64_t STEPS_MOST = 1000000000;
static const double LATE_MOST = 3600;

/* ---- words ---- */

/* Each takes what it reads off the text, and nothing where it is something else. */
static bool take_word(const char **text, const char *word)
{
    const char *at = *text + strspn(*text, " \t");
    size_t length = strlen(word);
    if (strncmp(at, word, length) != 0) return false;
    *text = at + length;
    return true;
}

static bool take_whole(const char **text, int64_t least, int64_t most, int64_t *number)
{
    const char *at = *text + strspn(*text, " \t");
    char *end;
    if (!isdigit((unsigned char)*at)) return false;
    long long read = strtoll(at, &end, 10);
    if (read < least || read > most) return false;
    *number = read;
    *text = end;
    return true;
}

static bool take_rank(const char **text, int *rank)
{
    int64_t number;
    if (!take_whole(text, 0, 1000000000, &number)) return false;
    *rank = (int)number;
    return true;
}

/* Above `low`, up to `high`. */
static bool take_number(const char **text, double low, double high, double *number)
{
    const char *at = *text + strspn(*text, " \t");
    char *end;
    if (!isdigit((unsigned char)*at) && *at != '.') return false;
    if (at[0] == '0' && (at[1] | 32) == 'x') return false; /* strtod would take a hexadecimal */
    *number = strtod(at, &end);
    *text = end;
    return end > at && *number > low && *number <= high;
}

static bool take_steps(const char **text, FaultSteps *steps)
{
    *steps = (FaultSteps){1, INT64_MAX};
    if (take_word(text, "from") && !take_whole(text, 1, STEPS_MOST, &steps->first)) return false;
    if (take_word(text, "to") && !take_whole(text, steps->first, STEPS_MOST, &steps->last)) return false;
    return true;
}

/* ---- entries ---- */

static bool take_slow(const char **text, Faults *faults)
{
    SlowRank slow;
    bool read = take_rank(text, &slow.rank) && take_word(text, "x") &&
                take_number(text, 1, 1000, &slow.factor) && take_steps(text, &slow.steps);
    if (read) faults->slow[faults->slows++] = slow;
    return read;
}

static bool take_death(const char **text, Faults *faults)
{
    return take_rank(text, &faults->die_rank) && take_word(text, "at") &&
           take_whole(text, 1, STEPS_MOST, &faults->die_step);
}

static bool take_seconds(const char **text, double *seconds)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    if (!take_number(text, 0, 1e9, seconds)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (take_word(text, units[i].name)) {
            *seconds *= units[i].seconds;
            return *seconds <= LATE_MOST;
        }
    return false;
}

static bool take_late(const char **text, Faults *faults)
{
    LateLink late;
    FaultSteps steps;
    bool read = take_rank(text, &late.from) && take_word(text, "->") && take_rank(text, &late.to) &&
                late.from != late.to && take_word(text, "every") &&
                take_whole(text, 1, STEPS_MOST, &late.every) && take_word(text, "by") &&
                take_seconds(text, &late.seconds) && take_steps(text, &steps);
    if (!read) return false;
    faults->late[faults->lates] = late;
    faults->late_steps[faults->lates++] = steps;
    return true;
}

/* A key: its entries, at most so many, each of this form. */
typedef struct Kind {
    const char *key, *form, *example;
    bool (*take)(const char **text, Faults *faults);
    int most;
} Kind;

static const Kind kinds[] = {
    {"faults.slow", "RANK xFACTOR [from STEP] [to STEP], with a factor above 1 and up to 1000",
     "3 x1.2 from 5", take_slow, FAULTS_MOST},
    {"faults.die", "RANK at STEP, one of them", "2 at 12", take_death, 1},
    {"faults.late",
     "RANK->RANK every N by NUMBER us, ms or s [from STEP] [to STEP], up to an hour, of two ranks",
     "0->1 every 50 by 2 ms", take_late, FAULTS_MOST},
};

static bool read_entries(const Kind *kind, const char *text, Faults *faults, char *why, size_t size)
{
    static const char blanks[] = " \t";
    for (int count = 0; text[strspn(text, blanks)]; count++) {
        const char *entry = text + strspn(text, blanks);
        bool read = count < kind->most && kind->take(&text, faults);
        text += strspn(text, blanks);
        if (read && !*text) return true;
        if (read && *text == ',' && text[1 + strspn(text + 1, blanks)]) {
            text++;
            continue;
        }
        if (count == kind->most && count > 1)
            snprintf(why, size, "more than the %d there is room for; try fewer", kind->most);
        else
            snprintf(why, size, "\"%.*s\" is not %s; try %s", ENTRY, entry, kind->form, kind->example);
        return false;
    }
    return true;
}

bool faults_read(const FaultTexts *texts, Faults *faults, const char **key, char *why, size_t size)
{
    const char *const text[] = {texts->slow, texts->die, texts->late};
    *faults = (Faults){.slows = 0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        *key = kinds[i].key;
        if (!read_entries(&kinds[i], text[i], faults, why, size)) return false;
    }
    faults->full_step = texts->disk_full;
    return true;
}
