/* exchange.h - rows between ranks that share experts, exchange by exchange: straight, or in two hops over nodes; inside the
 * theory only. */
#ifndef SIM_THEORY_EXCHANGE_H
#define SIM_THEORY_EXCHANGE_H
#include "parallel/network/network.h"
#include "sim/theory/share.h"

/* One way of one, as one of n members knows it. */
typedef struct Exchange {
    Network network;
    int *member; /* (n): their ranks */
    int n, self;
    int inside; /* members a node, where rows may go in two hops (hardware.all_to_all): as many, two or more, in each of
                 * several nodes; else 0 */
    double row; /* bytes */
    bool back;
    double *rows; /* (n, n): what each member has for the experts of each, its own too; or of all alike (n) */
    bool alike;
} Exchange;

/* Calls `each` for all exchanges of a step's forwards that the rank is in, both ways: under an even load, `times` of them
 * at once; or of rows as experts took them, as theory_dispatched() has them, one by one. */
void theory_exchanges(const Config *config, const Plan *plan, const Share *share, const int32_t *taken,
                      void (*each)(const Exchange *x, double times, void *context), void *context);

/* Rows that the rank sends, by route: Hwang et al. 2206.03382, section 3.3; in two hops first inside the node those for
 * members of other places of all nodes, then across what its node has for its own place in others. */
void theory_exchange_sends(const Exchange *x, double rows[ROUTES]);
/* And those that it has room for besides what it sends and gets: none but in two hops. Then what it packs for the first,
 * what that brings, with what it has for its own place itself, and of this what it passes on. */
double theory_exchange_room(const Exchange *x);

/* Of a step's forwards, to experts and to tokens; `taken` as there. */
typedef struct RowsSent {
    double rows[2][ROUTES];
} RowsSent;
RowsSent theory_rows_sent(const Config *config, const Plan *plan, const Share *share, const int32_t *taken);
#endif
