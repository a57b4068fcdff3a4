/* run_record_private.h - what the files of a run's record share. */
#ifndef SIM_RUN_RUN_RECORD_PRIVATE_H
#define SIM_RUN_RUN_RECORD_PRIVATE_H
#include <stddef.h>
#include "models/machine/error.h"

struct Record;

/* How many ranks report. */
size_t record_reports(const struct Record *r);
/* A line on what takes more than two seconds. */
void record_tell_if_many(const struct Record *r, const char *what);
/* The file keeps the steps it has; a copy of it that was being made goes. Ends the job. */
_Noreturn void record_lose(struct Record *r, const Error *error);
#endif
