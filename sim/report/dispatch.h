/* dispatch.h - of replicas that share experts, what they send each other beside the formula. */
#ifndef SIM_REPORT_DISPATCH_H
#define SIM_REPORT_DISPATCH_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* What tokens choose no formula foretells: of the rows that went to other ranks by the router's count (/moe/moved) it has the
 * bytes, which are held against those counted at the wire, step by step; and beside them stands what they would be if
 * all experts were chosen alike. Nothing of a run whose replicas share none, that gathers all tokens, or
 * whose rows may go in two hops. */
bool report_dispatch(const RunFile *run, Sheet *sheet, Error *error);
#endif
