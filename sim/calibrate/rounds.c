/* rounds.c - the slowest beside the fastest. */
#include "sim/calibrate/rounds.h"
#include <math.h>
#include <stdio.h>
#include "sim/base/words.h"

enum { APART_MOST = 20 }; /* percent: two quiet cores stay within 16 */

void rounds_add(Rounds *rounds, double seconds)
{
    rounds->least = rounds->count ? fmin(rounds->least, seconds) : seconds;
    rounds->most = fmax(rounds->most, seconds);
    rounds->count++;
}

static double percent_apart(const Rounds *rounds)
{
    return 100 * (rounds->most / rounds->least - 1);
}

void rounds_describe(const Rounds *rounds, char *text, size_t size)
{
    snprintf(text, size, "%d round%s", rounds->count, words_s(rounds->count));
    if (rounds->count > 1)
        words_append(text, size, ", the slowest %.0f %% above the fastest", percent_apart(rounds));
}

bool rounds_warn(const Rounds *rounds, double asked, char *text, size_t size)
{
    if (rounds->count == 1)
        snprintf(text, size,
                 "a round took %.3g s, and there was time for one, which cannot say if it was disturbed; try "
                 "--seconds %.0f",
                 rounds->most, fmin(fmax(8, ceil(4 * rounds->most)), CALIBRATE_SECONDS_MOST));
    else if (rounds->count > 1 && percent_apart(rounds) > APART_MOST)
        snprintf(text, size,
                 "the slowest of %d rounds took %.0f %% longer than the fastest: something else had these "
                 "cores meanwhile, and what this foretells may be off; try it again while the machine does "
                 "nothing else, or --seconds %.0f, of whose rounds few may be disturbed",
                 rounds->count, percent_apart(rounds), fmin(ceil(4 * asked), CALIBRATE_SECONDS_MOST));
    else
        return false;
    return true;
}
