/* show.h - what a file holds, as a screen of text. */
#ifndef SIM_INSPECT_SHOW_H
#define SIM_INSPECT_SHOW_H
#include "sim/inspect/held.h"

/* False where a value cannot be read: then less is printed. */
bool show(const Held *held, Error *error);
/* In a line: "run.h5: zero3 on 8 ranks, complete". */
void show_title(const Held *held);
#endif
