/* utc.h - a moment in words. */
#ifndef SIM_BASE_UTC_H
#define SIM_BASE_UTC_H
#include <time.h>

enum { UTC_TEXT = 32 };

/* "2026-05-04T03:02:01Z" (ISO 8601); as texts these sort as the moments do. */
void utc_text(time_t moment, char text[UTC_TEXT]);
/* The same of now. */
void utc_now(char text[UTC_TEXT]);
#endif
