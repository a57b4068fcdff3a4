/* meeting.c - the meetings under way, in a table of chains. */
#include "parallel/wire/meeting.h"
#include <stdint.h>
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/wire/hash.h"

static Meeting **chain_of(const Meetings *all, MeetingKey key)
{
    return &all->chain[hash_of(key.channel, key.first, key.tag) & (all->chains - 1)];
}

/* Where it is, or would be. */
static Meeting **place_of(const Meetings *all, MeetingKey key)
{
    Meeting **at = chain_of(all, key);
    while (*at &&
           ((*at)->key.tag != key.tag || (*at)->key.first != key.first || (*at)->key.channel != key.channel))
        at = &(*at)->next;
    return at;
}

static void make_room(Meetings *all)
{
    size_t old_chains = all->chains;
    Meeting **old = all->chain;
    if (all->count < all->chains) return;
    all->chains = old_chains ? 2 * old_chains : 16;
    all->chain = allocate_zeroed(all->chains, sizeof *all->chain);
    for (size_t i = 0; i < old_chains; i++)
        for (Meeting *m = old[i], *next; m; m = next) {
            Meeting **at = chain_of(all, m->key);
            next = m->next;
            m->next = *at;
            *at = m;
        }
    free(old);
}

static Meeting *begin(Meetings *all, MeetingKey key, int members, double moment)
{
    Meeting *m = all->spare;
    if (m)
        all->spare = m->next;
    else
        m = allocate(sizeof *m);
    make_room(all);
    Meeting **at = chain_of(all, key);
    *m = (Meeting){.key = key, .members = members, .latest = moment, .waiting = -1, .next = *at};
    *at = m;
    all->count++;
    return m;
}

Meeting *meeting_come(Meetings *all, MeetingKey key, int members, double moment)
{
    Meeting *m = meeting_find(all, key);
    if (!m) m = begin(all, key, members, moment);
    if (moment > m->latest) m->latest = moment;
    m->came++;
    return m;
}

Meeting *meeting_find(const Meetings *all, MeetingKey key)
{
    return all->count ? *place_of(all, key) : NULL;
}

double meeting_leave(Meetings *all, Meeting *meeting)
{
    double latest = meeting->latest;
    if (++meeting->left < meeting->members) return latest;
    *place_of(all, meeting->key) = meeting->next;
    meeting->next = all->spare;
    all->spare = meeting;
    all->count--;
    return latest;
}

static void free_chain(Meeting *meeting)
{
    for (Meeting *next; meeting; meeting = next) {
        next = meeting->next;
        free(meeting);
    }
}

void meetings_free(Meetings *all)
{
    for (size_t i = 0; i < all->chains; i++) free_chain(all->chain[i]);
    free_chain(all->spare);
    free(all->chain);
    *all = (Meetings){0};
}
