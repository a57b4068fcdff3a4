/* mailbox.c - lines of letters, in a table of chains. */
#include "parallel/wire/mailbox.h"
#include <stdlib.h>
#include "models/machine/error.h"
#include "parallel/wire/hash.h"

bool address_equal(const Address *a, const Address *b)
{
    return a->channel == b->channel && a->from == b->from && a->tag == b->tag;
}

static Line **chain_of(const Mailbox *box, const Address *a)
{
    return &box->chain[hash_of(a->channel, a->from, a->tag) & (box->chains - 1)];
}

/* Where the line is, or would be. */
static Line **find(const Mailbox *box, const Address *address)
{
    Line **at = chain_of(box, address);
    while (*at && !address_equal(&(*at)->address, address)) at = &(*at)->next;
    return at;
}

static void make_room(Mailbox *box)
{
    size_t old_chains = box->chains;
    Line **old = box->chain;
    if (box->lines < box->chains) return;
    box->chains = old_chains ? 2 * old_chains : 16;
    box->chain = allocate_zeroed(box->chains, sizeof *box->chain);
    for (size_t i = 0; i < old_chains; i++)
        for (Line *line = old[i], *next; line; line = next) {
            Line **at = chain_of(box, &line->address);
            next = line->next;
            line->next = *at;
            *at = line;
        }
    free(old);
}

static Line *line_new(Mailbox *box, MailboxSpares *spares, const Address *address)
{
    Line *line = spares->lines, **at;
    if (line)
        spares->lines = line->next;
    else
        line = allocate(sizeof *line);
    make_room(box);
    at = chain_of(box, address);
    *line = (Line){.address = *address, .next = *at};
    *at = line;
    box->lines++;
    return line;
}

Letter *mailbox_post(Mailbox *box, MailboxSpares *spares, const Address *address)
{
    Line *line = box->lines ? *find(box, address) : NULL;
    Letter *letter = spares->letters;
    if (!line) line = line_new(box, spares, address);
    if (letter)
        spares->letters = letter->next;
    else
        letter = allocate(sizeof *letter);
    letter->next = NULL;
    *(line->first ? &line->last->next : &line->first) = letter;
    line->last = letter;
    box->letters++;
    return letter;
}

const Letter *mailbox_take(Mailbox *box, MailboxSpares *spares, const Address *address)
{
    Line **at = box->lines ? find(box, address) : NULL, *line = at ? *at : NULL;
    if (!line) return NULL;
    Letter *first = line->first;
    line->first = first->next;
    first->next = spares->letters;
    spares->letters = first;
    box->letters--;
    if (line->first) return first;
    *at = line->next; /* with its last letter the line is gone */
    line->next = spares->lines;
    spares->lines = line;
    box->lines--;
    return first;
}

double mailbox_earliest(const Mailbox *box, double moment)
{
    for (size_t i = 0; i < box->chains && box->letters > 0; i++)
        for (const Line *line = box->chain[i]; line; line = line->next)
            for (const Letter *letter = line->first; letter; letter = letter->next)
                if (letter->stamp.sent < moment) moment = letter->stamp.sent;
    return moment;
}

/* `read`: whose data are their takers'. */
static void free_letters(Letter *letter, bool read)
{
    for (Letter *next; letter; letter = next) {
        next = letter->next;
        if (!read) free(letter->data);
        free(letter);
    }
}

static void free_lines(Line *line)
{
    for (Line *next; line; line = next) {
        next = line->next;
        free_letters(line->first, false);
        free(line);
    }
}

void mailbox_free(Mailbox *box)
{
    for (size_t i = 0; i < box->chains; i++) free_lines(box->chain[i]);
    free(box->chain);
    *box = (Mailbox){0};
}

void mailbox_spares_free(MailboxSpares *spares)
{
    free_letters(spares->letters, true);
    free_lines(spares->lines);
    *spares = (MailboxSpares){0};
}
