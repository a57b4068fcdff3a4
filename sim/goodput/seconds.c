/* seconds.c - three digits below a minute, words above. */
#include "sim/goodput/seconds.h"
#include "sim/base/units.h"
#include "sim/base/words.h"

void goodput_seconds(double seconds, char *text, size_t size)
{
    if (seconds < 60)
        unit_show(text, size, seconds, unit_of_seconds);
    else
        words_duration(seconds, text, size);
}
