/* utc.c - ISO 8601, to the second. */
#include "sim/base/utc.h"

void utc_text(time_t moment, char text[UTC_TEXT])
{
    struct tm utc;
    strftime(text, UTC_TEXT, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&moment, &utc));
}

void utc_now(char text[UTC_TEXT])
{
    utc_text(time(NULL), text);
}
