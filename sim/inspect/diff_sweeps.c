/* diff_sweeps.c - keys, then columns. */
#include "sim/inspect/diff_sweeps.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"
#include "sim/inspect/apart_columns.h"

enum { TEXT = 512 };

static void values_text(const Space *space, int key, char text[TEXT])
{
    text[0] = '\0';
    for (int i = 0; key >= 0 && i < space->key[key].count; i++)
        words_append(text, TEXT, "%s%s", i ? ", " : "", space->key[key].value[i]);
    if (key < 0) snprintf(text, TEXT, "not swept");
}

/* Whether both have the same values of the same keys, in the same order: then combinations are numbered alike. */
static bool same_spaces(const Space *a, const Space *b)
{
    bool same = a->keys == b->keys;
    for (int k = 0; same && k < a->keys; k++) {
        same = strcmp(a->key[k].name, b->key[k].name) == 0 && a->key[k].count == b->key[k].count;
        for (int i = 0; same && i < a->key[k].count; i++)
            same = strcmp(a->key[k].value[i], b->key[k].value[i]) == 0;
    }
    return same;
}

static void tell_key(Columns *c, const Space *a, const Space *b, const char *name)
{
    char in_a[TEXT], in_b[TEXT];
    values_text(a, space_find(a, name), in_a);
    values_text(b, space_find(b, name), in_b);
    if (strcmp(in_a, in_b) == 0) return;
    columns_row(c, "%s", name);
    columns_cell(c, "%s", in_a);
    columns_cell(c, "%s", in_b);
}

static void tell_spaces(const Space *a, const Space *b)
{
    Columns c = {.rows = 0};
    columns_row(&c, "key");
    columns_cell(&c, "values in A");
    columns_cell(&c, "in B");
    for (int k = 0; k < a->keys; k++) tell_key(&c, a, b, a->key[k].name);
    for (int k = 0; k < b->keys; k++)
        if (space_find(a, b->key[k].name) < 0) tell_key(&c, a, b, b->key[k].name);
    columns_print(&c);
    printf("\n  of other keys, values or orders: combinations are not compared\n");
}

/* Columns of a combination's numbers. */
static bool tell_columns(const Held *a, const Held *b, const DiffOptions *options, size_t *apart,
                         Error *error)
{
    Columns c = {.rows = 0};
    bool ok = true;
    apart_head(&c, "column");
    for (size_t i = 0; ok && i < a->arrays.count; i++) {
        const Array *one = &a->arrays.array[i], *other = arrays_find(&b->arrays, one->path);
        Apart x = {0};
        if (!one->tensor || strrchr(one->path, '/') != one->path || !other || !arrays_alike(one, other))
            continue;
        size_t count = array_values(one);
        double *values = allocate(2 * count * sizeof *values);
        ok = h5_read(a->file, one->path, H5_F64, values, error) &&
             h5_read(b->file, one->path, H5_F64, values + count, error);
        if (ok) apart_add(&x, 0, values, values + count, count);
        free(values);
        if (!ok || !(options->all || apart_is(&x, options))) continue;
        *apart += apart_is(&x, options);
        char where[TEXT];
        space_describe(&a->sweep.space, (int64_t)x.at, where, sizeof where);
        columns_row(&c, "%s", one->path);
        apart_cells(&c, &x, where);
    }
    columns_print(&c);
    return ok;
}

/* Combinations that came out otherwise: fits, too large, refused. */
static int64_t tell_states(const Sweep *a, const Sweep *b, const DiffOptions *options)
{
    Columns c = {.rows = 0};
    int64_t apart = 0;
    columns_row(&c, "combination");
    columns_cell(&c, "in A");
    columns_cell(&c, "in B");
    for (int64_t i = 0; i < a->space.count; i++) {
        if (a->row[i].state == b->row[i].state) continue;
        if (apart++ >= DIFF_ROWS && !options->all) continue;
        char which[TEXT];
        space_describe(&a->space, i, which, sizeof which);
        columns_row(&c, "%s", which);
        columns_cell(&c, "%s", sweep_state_names[a->row[i].state]);
        columns_cell(&c, "%s", sweep_state_names[b->row[i].state]);
    }
    columns_print(&c);
    printf("\n  %" PRId64 " of %" PRId64 " combinations fit, are too large or refused in one alone\n", apart,
           a->space.count);
    return apart;
}

bool diff_sweeps(const Held *a, const Held *b, const DiffOptions *options, bool *differ, Error *error)
{
    size_t columns = 0;
    if (!same_spaces(&a->sweep.space, &b->sweep.space)) {
        tell_spaces(&a->sweep.space, &b->sweep.space);
        *differ = true;
        return true;
    }
    if (!tell_columns(a, b, options, &columns, error)) return false;
    *differ |= columns > 0;
    *differ |= tell_states(&a->sweep, &b->sweep, options) > 0;
    if (a->sweep.best == b->sweep.best || a->sweep.best < 0 || b->sweep.best < 0) return true;
    char best[2][TEXT];
    space_describe(&a->sweep.space, a->sweep.best, best[0], TEXT);
    space_describe(&b->sweep.space, b->sweep.best, best[1], TEXT);
    printf("  the best: %s in A, %s in B\n", best[0], best[1]);
    return true;
}
