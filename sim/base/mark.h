/* mark.h - how a file tells that it is as sim wrote it: it ends with a number made of all that stands before. Who edits
 * it, or draws it again, makes it their own, and sim puts nothing over it. */
#ifndef SIM_BASE_MARK_H
#define SIM_BASE_MARK_H
#include <stdbool.h>
#include "models/machine/error.h"
#include "sim/base/draft.h"

/* Puts the mark behind what is in the draft, in a form that no reader of such a file minds: a comment in .gp, .svg,
 * .html and .pdf, a text chunk in .png. Then the draft goes to its path, in place of a file with its mark; any other
 * there is kept (draft_renew). Any other ending is a bug. */
bool mark_and_place(Draft *draft, Error *error);

/* Whether the file at `path` is as sim wrote it. */
bool mark_holds(const char *path);

/* Says on stdout what a placed draft has kept, if anything: "WHAT   PATH was not as sim wrote it; ...". */
void mark_tell(const char *what, const Draft *draft);
#endif
