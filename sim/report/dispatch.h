/* dispatch.h - of replicas that share experts, what they send each other beside the formula. */
#ifndef SIM_REPORT_DISPATCH_H
#define SIM_REPORT_DISPATCH_H
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* What tokens choose no formula foretells: of the rows that experts took by the router's count (/moe/rows) it has the
 * bytes of every rank, straight or in two hops, which are held against those counted at the wire, step by step; of a file
 * without them, or with a schedule of the user's own, of those that went to other ranks (/moe/moved) the bytes of all,
 * where none can hop. Beside them stands what they would be if all experts were chosen alike. Nothing of a run whose
 * replicas share none, or that gathers all tokens. */
bool report_dispatch(const RunFile *run, Sheet *sheet, Error *error);
#endif
