/* links.h - what messages and rings between these ranks really take: MPI, its copies, and the additions of a ring. */
#ifndef SIM_CALIBRATE_LINKS_H
#define SIM_CALIBRATE_LINKS_H
#include "parallel/network/node.h"
#include "parallel/wire/comm.h"

typedef enum { LINK_MESSAGE, LINK_ALL_GATHER, LINK_ALL_REDUCE, LINK_KINDS } LinkKind;
extern const char *const link_kind_name[LINK_KINDS];

enum { LINK_SIZES = 6, LINK_TIMES = 256 };
typedef struct LinkTiming {
    LinkKind kind;
    int steps;    /* of a ring over all ranks; of a message 1 */
    size_t bytes; /* of a step */
    double seen[LINK_TIMES];
    int times;
    double seconds; /* their lower quartile: a rank that waits for a core would make the link slow */
} LinkTiming;

typedef struct LinkTimings {
    LinkTiming timing[LINK_KINDS * LINK_SIZES];
    int count; /* 0: one rank has nobody to send to */
} LinkTimings;

/* On the ranks of the group, none of them done. */
void links_begin(LinkTimings *links, const Group *world);
/* Collective: each a few times more. */
void links_do(LinkTimings *links, Group *world);
void links_settle(LinkTimings *links);

/* What the model of a node with these links says, in seconds. */
double link_foretold(const LinkTiming *link, const NetworkNode *node);
#endif
