/* meeting.h - where virtual ranks of a group learn when the last of them came. */
#ifndef PARALLEL_WIRE_MEETING_H
#define PARALLEL_WIRE_MEETING_H
#include <stddef.h>

/* A group is known by its channel and its first member, one of its meetings by a tag. */
typedef struct MeetingKey {
    int channel, first, tag;
} MeetingKey;

typedef struct Meeting {
    MeetingKey key;
    int members, came, left;
    double latest;        /* of the moments they came at */
    int waiting;          /* a rank that waits for the others, the first of a chain; -1: none */
    struct Meeting *next; /* of those that hash alike */
} Meeting;

/* All that are under way; zero is none. */
typedef struct Meetings {
    Meeting **chain; /* (chains), a power of two */
    size_t chains, count;
    Meeting *spare; /* over, for the next ones */
} Meetings;

/* One of `members` comes; the meeting begins with the first. */
Meeting *meeting_come(Meetings *all, MeetingKey key, int members, double moment);
/* One that has come; NULL: nobody has yet. */
Meeting *meeting_find(const Meetings *all, MeetingKey key);
/* One goes, as all have come; with the last to go the meeting is over. Returns its `latest`. */
double meeting_leave(Meetings *all, Meeting *meeting);
void meetings_free(Meetings *all);
#endif
