/* rows.h - which rank each row of a run's file is of, and whose report it is made of. */
#ifndef SIM_RUN_ROWS_H
#define SIM_RUN_ROWS_H
#include "parallel/wire/comm.h"

/* A row for each rank of the world that is walked. Where those after rank 0 are not, they do what it does, but that
 * their reports to it are messages: so rank 1 has a row, too, and is the second. */
size_t rows_of(const Group *world);
int rows_rank(const Group *world, size_t row);
/* Which of the walked ranks reports for a row. */
size_t rows_report(const Group *world, size_t row);
/* Whether that is rank 0 for rank 1. */
bool rows_is_second(const Group *world, size_t row);
/* For how many ranks one of the walked stands: those after it, up to the next. */
int rows_stand_for(const Group *world, size_t report);
#endif
