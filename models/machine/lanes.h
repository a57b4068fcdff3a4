/* lanes.h - the simulated time of one rank: its compute lane, and what its seconds went into.
 *
 * The lane advances by computing and by waiting, and every second of it counts
 * as one Part: the parts sum to `now`. Computing comes from one of two sources:
 * measured, the CPU time of this thread as it passes, or told, by
 * lanes_compute(): of an action as a whole or, by the device, of each kernel,
 * which a host launches before it starts, so that small ones wait for it.
 * Inside communication the lane is paused: what moving and adding bytes costs
 * this machine is not the simulated machine's compute.
 * Waiting ends when a message arrives; its clock came with it (parallel/wire/comm.h). */
#ifndef MODELS_MACHINE_LANES_H
#define MODELS_MACHINE_LANES_H
#include <stdbool.h>
#include <stddef.h>

/* What a second went into. The names are the columns of /breakdown. */
typedef enum {
    PART_COMPUTE,
    PART_RECOMPUTE,  /* forward again, for backward */
    PART_TP_EXPOSED, /* waiting for what a tensor, data or expert parallel group sends: idle and wire both */
    PART_DP_EXPOSED,
    PART_EP_EXPOSED,
    PART_PP_WIRE, /* the neighbouring stage has sent and nothing has arrived */
    PART_PP_IDLE, /* it had not sent yet: the bubble */
    PART_OPTIMIZER,
    PARTS
} Part;
extern const char *const part_name[PARTS];

/* What the lane was told of one kernel: seconds computed, of that part, and (launched) that it was launched before; or that
 * the host waited for the device. */
typedef struct LaneStep {
    double seconds;
    Part part;
    bool launched, met;
} LaneStep;

typedef struct Lanes {
    bool reads_clock; /* not on a dry device: there is nothing to measure */
    bool measured;    /* what the clock says advances the lane; else lanes_compute() does */
    double
        slower; /* by this share computing takes longer than it would: 0.2 of a straggler at 1.2; 0: it does not */
    Part part;        /* what computing counts as now */
    double now;       /* simulated seconds since the step began */
    double launch[2]; /* seconds the host takes to launch a kernel of a forward pass, of a backward pass */
    bool backward;    /* the pass under way */
    double host;      /* when the host has launched what it was told to */
    double spent[PARTS];
    double waited;        /* of `now` */
    double hidden[PARTS]; /* seconds of communication beside computing, by what waiting would have been */
    double cpu; /* seconds really computed, whatever the source, up to the last pause; to 10 us a pause */
    double clock, wall; /* the CPU clock when last looked at, and the wall's */
    int pauses;         /* now open */
    /* hears of what is told, as it is: seconds computed, or a launch, or that the host met the device; or NULL */
    void (*told)(void *context, const LaneStep *step);
    void *told_context;
} Lanes;

/* CPU seconds of this thread, so that what else the machine does is not counted. */
double lanes_cpu_clock(void);
/* Whether it goes on now. If so, to be asked before: brings what is counted up to it; or begins to count from it. */
static inline bool lanes_is_followed(const Lanes *lanes)
{
    return lanes->reads_clock && !lanes->pauses;
}
void lanes_follow_clock(Lanes *lanes);
void lanes_look_at_clock(Lanes *lanes);
/* Back to 0 and paused; reads_clock, measured, slower and launch stay. */
void lanes_begin_step(Lanes *lanes);
/* Told: so many seconds were computed, which took a straggler longer. */
void lanes_compute(Lanes *lanes, double seconds);
/* A kernel or a collective is launched by the host, which goes ahead of the device; what it has not launched waits. */
void lanes_launch(Lanes *lanes);
/* All of them again, one after the other: to the last bit as telling each. */
void lanes_replay(Lanes *lanes, const LaneStep *step, int count);
/* The host waits for the device: at the ends of passes, where results are sent, received or looked at. */
static inline void lanes_meet(Lanes *lanes)
{
    if (lanes->told) lanes->told(lanes->told_context, &(LaneStep){.part = lanes->part, .met = true});
    if (lanes->host < lanes->now) lanes->host = lanes->now;
}
/* From here on computing counts as `part`; returns what it counted as. */
Part lanes_part(Lanes *lanes, Part part);
/* Communication that comes to its end. */
typedef struct Arrival {
    double sent, arrives; /* the moments; either may have passed */
    double alone;         /* seconds that it is under way by itself, */
    double beside;        /* and this lane computed meanwhile, at most */
    double taken;         /* share of computing that it takes beside it */
} Arrival;
/* Seconds more, of that part: for this file and its source. */
static inline void lanes_spend(Lanes *lanes, Part part, double seconds)
{
    lanes->now += seconds;
    lanes->spent[part] += seconds;
}

static inline double lanes_wait_until(Lanes *lanes, double moment, Part part)
{
    const double seconds = moment - lanes->now;
    if (!(seconds > 0)) return 0;
    lanes_spend(lanes, part, seconds);
    lanes->waited += seconds;
    return seconds;
}

/* Waits for it. What went on beside computing, and so was not waited for, is hidden, and made that longer by its
 * share: less than waiting would have. */
static inline void lanes_wait(Lanes *lanes, const Arrival *a, Part idle, Part wire)
{
    const double passed = lanes->now - a->sent; /* none: it was waited for, all of it, to the last bit */
    lanes_wait_until(lanes, a->sent, idle);
    double hidden = a->alone - lanes_wait_until(lanes, a->arrives, wire);
    if (hidden > a->beside) hidden = a->beside;
    if (!(passed > 0 && hidden > 0)) return;
    lanes->hidden[wire] += hidden;
    lanes_spend(lanes, wire, a->taken * hidden);
}

/* Between these the CPU clock is not followed. They nest; a NULL is nobody's time. */
static inline void lanes_pause(Lanes *lanes)
{
    if (!lanes) return;
    if (lanes_is_followed(lanes)) lanes_follow_clock(lanes);
    lanes->pauses++;
}

static inline void lanes_resume(Lanes *lanes)
{
    if (!lanes || --lanes->pauses) return;
    if (lanes->reads_clock) lanes_look_at_clock(lanes);
}
#endif
