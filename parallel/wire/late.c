/* late.c - counting the messages of a link. */
#include "parallel/wire/late.h"

double late_reserve(Late *l, int64_t messages, int64_t *number)
{
    *number = l->messages;
    if (!l->holds) return 0;
    l->messages += messages;
    int64_t late = l->messages / l->link.every - *number / l->link.every;
    l->late += late;
    return (double)late * l->link.seconds;
}

double late_reserved(const Late *l, int64_t *number)
{
    return l->holds && ++*number % l->link.every == 0 ? l->link.seconds : 0;
}

double late_next(Late *l)
{
    int64_t number;
    return late_reserve(l, 1, &number);
}
