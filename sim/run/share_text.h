/* share_text.h - one text for all ranks: each process reads the file itself (models/training/text.h), and what it finds
 * there is held against what rank 0 has.
 *
 * Sent through MPI a text would lie in memory once a rank, or once a node in memory the ranks share, all of it before
 * the first step, and end at 2 GB; read by each, none of it does. What it asks for is that every node sees the file under
 * that path, as it does the folder a cluster's job runs in; where one does not, or sees another, the run is refused and
 * the node named. */
#ifndef SIM_RUN_SHARE_TEXT_H
#define SIM_RUN_SHARE_TEXT_H
#include <stdio.h>
#include "parallel/wire/comm.h"
#include "sim/config/config.h"

/* A process's, once for all virtual ranks in it. */
typedef struct SharedText {
    Text text;
    FILE *file; /* NULL: not open */
} SharedText;

/* All ranks of `world` call it, with a config whose data.source is a path; false on all of them where one cannot use it:
 * rank 0's error says who and why. */
bool share_text(Group *world, const Config *config, SharedText *shared, Error *error);
void share_text_end(SharedText *shared);
#endif
