/* strip.c - where strips of a factor are. */
#include "models/kernels/strip.h"

Strips strips(Factor f, bool columns, int64_t first, int64_t count, int64_t k_first, int64_t k)
{
    bool in_turn = f.transposed == columns; /* as it lies, k runs along a row */
    int64_t next = in_turn ? f.ld : 1, along = in_turn ? 1 : f.ld;
    return (Strips){values_on(f.at, f.type, first * next + k_first * along), f.type, next, along, count, k};
}

Strips read_strip(const Read *r, int64_t first, bool again)
{
    DType type = r->tiles->packed;
    if (first >= r->packed_from || (r->kept && again))
        return (Strips){.at = values_on(r->packed, type, first * r->k),
                        .type = type,
                        .next = type == REAL ? 1 : r->k,
                        .along = type == REAL ? r->width : 1,
                        .count = r->width,
                        .k = r->k};
    Strips s = r->lying;
    s.at = values_on(s.at, s.type, first * s.next);
    return s;
}

float *read_keeps(const Read *r, int64_t first)
{
    return r->kept && first < r->packed_from ? (float *)r->packed + first * r->k : NULL;
}

void read_pack(const Read *r, int64_t first, int64_t end)
{
    Strips some = r->lying;
    some.count = least(some.count, end);
    if (first < r->packed_from) first = r->packed_from;
    if (first < some.count) r->pack(r->tiles, &some, first, r->packed);
}

Soon read_soon(const Read *r, int64_t first, int64_t parts)
{
    const Strips *s = &r->lying;
    int64_t count = least(r->width, s->count - first), bytes = is_half(s->type) ? 2 : 4;
    if (count <= 0) return (Soon){0};
    bool in_rows = s->along == 1;
    int64_t rows = in_rows ? count : s->k;
    return (Soon){.at = values_on(s->at, s->type, first * s->next),
                  .rows = (rows + parts - 1) / parts,
                  .bytes = bytes * (in_rows ? s->k : count),
                  .apart = bytes * (in_rows ? s->next : s->along)};
}
