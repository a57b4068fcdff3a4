/* stall.h - what a rank waits for, in words; and what becomes of ranks that wait too long.
 *
 * Of real ranks nobody can be asked why a message does not come: who is stopped or lost answers nothing. So a rank that
 * has waited too long tells all others what it waits for, and so does each that is told while it waits itself, in
 * messages that nobody has to take. After a grace, in which those that wait answer, the lowest rank that told prints
 * who waits for whom and who did not answer, and ends the job. */
#ifndef PARALLEL_WIRE_STALL_H
#define PARALLEL_WIRE_STALL_H
#include "parallel/wire/comm.h"

enum { STALL_LINE = 256 };

/* One rank's waiting, as it is told to the others. */
typedef struct Waits {
    bool waits;     /* it does; false: it has not told */
    int rank, peer; /* of the world; peer -1: all of them are to come to their end */
    int channel, tag;
    Purpose purpose;
    bool receives; /* or the other is to take what this one sends */
    size_t bytes;
    double seconds; /* so far; 0: nobody has counted */
    char at[80];    /* "at RECV_F of stage 1, microbatch 0 of step 7", or "" */
} Waits;

void waits_of(const Request *request, double seconds, Waits *waits);
/* Where the rank is, as Comm.at says; "" where nobody knows. */
const char *waits_at(const Comm *comm, char *text, size_t size);
/* "rank 1 waits at RECV_F of stage 1, microbatch 0 of step 7 for 4096 bytes of pp.send_forward from rank 0 (channel 4,
 * tag 0), for 60 s" into text. */
const char *waits_text(const Waits *waits, char *text, size_t size);

/* How ranks reach each other without waiting, and the wall clock. */
typedef struct StallDoor {
    void (*tell)(int rank, const Waits *mine);
    bool (*hear)(Waits *told); /* what has come next, from any rank; false: nothing */
    double (*now)(void);       /* seconds */
    void (*where)(int rank, char *text,
                  size_t size); /* "process 4711 on node2", to look for one that is silent */
} StallDoor;

/* Of one wait; all 0 as it begins. */
typedef struct Patience {
    double waited, looked; /* seconds; the clock at the last look */
} Patience;

/* Now and then while a rank waits for `request`. Does not return once it has waited for the comm's stall_timeout, or
 * another rank has told that it did. Time in which the process itself was stopped does not count: between two looks a
 * second at most. */
void stall_look(Patience *patience, const Request *request, const StallDoor *door);
#endif
