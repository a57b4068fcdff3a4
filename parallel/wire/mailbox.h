/* mailbox.h - what has been sent to a virtual rank and not yet received. */
#ifndef PARALLEL_WIRE_MAILBOX_H
#define PARALLEL_WIRE_MAILBOX_H
#include "parallel/wire/comm.h"

/* What a receive matches, as in MPI. */
typedef struct Address {
    int channel, from, tag; /* from: world rank */
} Address;

typedef struct Letter {
    size_t bytes;
    Stamp stamp;
    void *data; /* NULL: only the size travels */
    struct Letter *next;
} Letter;

/* Letters that one receive cannot tell apart, in the order they were sent. */
typedef struct Line {
    Address address;
    Letter *first, *last; /* NULL: none any more */
    struct Line *next;    /* of those that hash alike */
} Line;

typedef struct Mailbox {
    Line **chain; /* (chains), a power of two */
    size_t chains, lines, letters;
} Mailbox;

/* Read, for the next ones of all mailboxes. */
typedef struct MailboxSpares {
    Letter *letters;
    Line *lines;
} MailboxSpares;

bool address_equal(const Address *a, const Address *b);
/* One more, for the sender to write: its bytes, stamp and data, which become its taker's. */
Letter *mailbox_post(Mailbox *box, MailboxSpares *spares, const Address *address);
/* The first letter that matches, to be read before the next is posted; NULL: there is none. */
const Letter *mailbox_take(Mailbox *box, MailboxSpares *spares, const Address *address);
/* When the first of its letters was sent, simulated, if that was before `moment`; else that. */
double mailbox_earliest(const Mailbox *box, double moment);
void mailbox_free(Mailbox *box);
void mailbox_spares_free(MailboxSpares *spares);
#endif
