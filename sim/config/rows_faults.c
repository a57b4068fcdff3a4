/* rows_faults.c - [faults]: what goes wrong, and when. */
#include "sim/config/row_field.h"

const ConfigRow rows_of_faults[] = {
    {"faults", "slow", ROW_TEXT, ALWAYS, FIELD(faults.slow), "", .example = "3 x1.2 from 5",
     .help = "stragglers, as RANK xFACTOR [from STEP] [to STEP]",
     .more =
         "Computing takes this rank FACTOR times as long, in the steps from the one to the other, both among "
         "them; steps count from 1, ranks from 0. Several stand between commas: 3 x1.2 from 5, 0 x2 from 8 "
         "to 10. In simulated time each kernel takes so much longer; a real run keeps a core busy so much "
         "longer after each stretch of computing, before anything is sent. Communication takes what it took, "
         "and numbers are the same to the last bit. A dry run then walks every rank, and all of train.steps. "
         "The report has a step's time with and without, and who waits.\n"},
    {"faults", "die", ROW_TEXT, ALWAYS, FIELD(faults.die), "", .example = "2 at 12",
     .help = "a death, as RANK at STEP",
     .more =
         "The rank is killed (SIGKILL) as its device would start the step's first kernel, and with it the "
         "job. The run file has the steps before, and --resume goes on from the last checkpoint; a run "
         "that goes on is not killed again. A dry run ends before that step, and tells what is lost.\n"},
    {"faults", "late", ROW_TEXT, ALWAYS, FIELD(faults.late), "", .example = "0->1 every 50 by 2 ms",
     .help = "late messages, as RANK->RANK every N by TIME [from STEP] [to STEP]",
     .more =
         "Of the messages of training from the one rank to the other each N-th is held back so long, in "
         "simulated time and, between processes, for real; they are counted from the run's beginning, in "
         "the steps named. What waits for it waits longer: a stage for its microbatch; a ring or a tree of "
         "them is over so much later for all its ranks. A link is of two ranks that differ along one axis "
         "(pp, dp or tp). Bytes and numbers are the same. The report has how many were late.\n"},
    {"faults", "disk_full", ROW_INTEGER, ALWAYS, FIELD(faults.disk_full), "0", 0, 1e9, .example = "12",
     .help = "step that finds no room in the run file; 0: none",
     .more = "What rank 0 writes of that step is refused as a full disk refuses it, and the run ends with "
             "status 1: the file has the steps before. A run that goes on from a checkpoint finds room "
             "again.\n"},
};
