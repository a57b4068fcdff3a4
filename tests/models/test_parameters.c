/* test_parameters.c - how parameters are cut over the ranks of a region: any
 * split covers the whole exactly once, heads and gated columns by their parts. */
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt.h"
#include "tests/support/check.h"
#include "tests/support/split_model.h"

/* ---- once ---- */

static void covers(const GptShape *shape, SplitModel *s)
{
    (void)shape;
    for (int i = 0; i < s->gpt[0]->parameters; i++) {
        const Parameter *p = &s->gpt[0]->parameter[i];
        int64_t count = parameter_whole_count(p), padding = 0;
        int *times = calloc((size_t)count, sizeof *times);
        for (int r = 0; r < s->ranks; r++)
            for (int64_t k = 0; k < parameter_count(p); k++) {
                int64_t place = parameter_place(&s->gpt[r]->parameter[i], s->ranks, r, k);
                assert_true(place >= -1 && place < count);
                if (place < 0)
                    padding++;
                else
                    times[place]++;
            }
        for (int64_t k = 0; k < count; k++) assert_int_equal(times[k], p->cut == CUT_NONE ? s->ranks : 1);
        if (padding) assert_non_null(strstr("wte.weight lm_head.weight", p->name));
        assert_int_equal(padding, p->cut == CUT_NONE ? 0 : s->ranks * parameter_count(p) - count);
        free(times);
    }
}

static void any_split_covers_the_whole(void **state)
{
    (void)state;
    split_model_each(covers);
}

/* ---- rectangles ---- */

/* Also where ranks share heads of keys and values. */
static void everywhere_shared(void (*body)(const GptShape *shape, SplitModel *s))
{
    static const GptShape shared[] = {
        {SPLIT_SIZES(1), .bias = true},
        {SPLIT_SIZES(2), .norm = NORM_RMSNORM, .activation = ACTIVATION_SWIGLU}};
    split_model_each(body);
    for (int i = 0; i < 2; i++) {
        SplitModel *s = split_model_new(&shared[i], SPLIT_RANKS_MAX);
        body(&shared[i], s);
        split_model_free(s);
    }
}

/* Of a range every element once, where it lies in the whole. */
static void check_slabs(const Parameter *p, int ranks, int rank, int64_t first, int64_t count)
{
    ParameterSlab slab[PARAMETER_SLABS];
    int *times = calloc((size_t)count, sizeof *times),
        slabs = parameter_slabs(p, ranks, rank, first, count, slab);
    assert_true(slabs <= PARAMETER_SLABS);
    for (int s = 0; s < slabs; s++)
        for (int64_t i = 0; i < slab[s].rows; i++)
            for (int64_t j = 0; j < slab[s].columns; j++) {
                int64_t at = slab[s].from + i * slab[s].stride + j;
                assert_in_range(at, 0, count - 1);
                times[at]++;
                assert_int_equal(parameter_place(p, ranks, rank, first + at),
                                 (slab[s].row + i) * p->whole_columns + slab[s].column + j);
            }
    for (int64_t k = 0; k < count; k++)
        assert_int_equal(times[k], parameter_place(p, ranks, rank, first + k) >= 0);
    free(times);
}

/* One value, a piece of a row, the end of one and the beginning of the next, a block as replicas have it, all. */
static void cut_by_ranges(const GptShape *shape, SplitModel *s)
{
    (void)shape;
    for (int r = 0; r < s->ranks; r++)
        for (int i = 0; i < s->gpt[r]->parameters; i++) {
            const Parameter *p = &s->gpt[r]->parameter[i];
            int64_t n = parameter_count(p), third = (n + 2) / 3, w = p->columns;
            const int64_t ranges[][2] = {{0, n},
                                         {n / 2, 1},
                                         {0, third},
                                         {third, third},
                                         {2 * third, n - 2 * third},
                                         {w / 2, w < n ? w : n - w / 2},
                                         {1, n - 1}};
            for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++)
                if (ranges[k][1] > 0) check_slabs(p, s->ranks, r, ranges[k][0], ranges[k][1]);
        }
}

static void rectangles_are_the_places(void **state)
{
    (void)state;
    everywhere_shared(cut_by_ranges);
}

/* Where several ranks hold an element, the first alone says that it is. */
static void first_of_all(const GptShape *shape, SplitModel *s)
{
    (void)shape;
    ParameterSlab slab[PARAMETER_SLABS];
    for (int i = 0; i < s->gpt[0]->parameters; i++) {
        const Parameter *p = &s->gpt[0]->parameter[i];
        int64_t covered = 0;
        for (int r = 0; r < s->ranks; r++) {
            int slabs = parameter_slabs(&s->gpt[r]->parameter[i], s->ranks, r, 0, parameter_count(p), slab);
            for (int k = 0; k < slabs; k++) covered += slab[k].first ? slab[k].rows * slab[k].columns : 0;
        }
        assert_int_equal(covered, parameter_whole_count(p));
    }
}

static void each_element_has_one_first(void **state)
{
    (void)state;
    everywhere_shared(first_of_all);
}

/* ---- where ---- */

/* Of the whole's consecutive parts of these widths each rank has its slice, one after the other. */
static void assert_parts(const Parameter *p, int ranks, int rank, const int64_t widths[], int parts)
{
    int64_t own = 0, whole = 0;
    for (int i = 0; i < parts; whole += widths[i++])
        for (int64_t j = 0; j < widths[i] / ranks; j++, own++)
            for (int64_t row = 0; row < (p->rows ? p->rows : 1); row++)
                assert_int_equal(parameter_place(p, ranks, rank, row * p->columns + own),
                                 row * p->whole_columns + whole + widths[i] / ranks * rank + j);
    assert_int_equal(own, p->columns);
    assert_int_equal(whole, p->whole_columns);
}

static void parts_of(const GptShape *shape, SplitModel *s)
{
    int64_t kv = shape->hidden / shape->heads * shape->kv_heads;
    const int64_t qkv[] = {shape->hidden, kv, kv}, q[] = {shape->heads * key_width(shape)},
                  keys_values[] = {shape->heads * (shape->qk_nope_head_dim + shape->v_head_dim)},
                  inner[] = {shape->ffn, shape->ffn};
    int found = 0;
    for (int r = 0; r < s->ranks; r++)
        for (int i = 0; i < s->gpt[r]->parameters; i++) {
            const Parameter *p = &s->gpt[r]->parameter[i];
            bool attention = strstr(p->name, "c_attn"), mlp = strstr(p->name, "c_fc");
            if (attention) assert_parts(p, s->ranks, r, qkv, 3);
            if (mlp) assert_parts(p, s->ranks, r, inner, is_gated(shape) ? 2 : 1);
            bool queries = strstr(p->name, shape->q_lora_rank ? "q_b_proj" : "attn.q_proj"),
                 both = strstr(p->name, "kv_b_proj");
            if (queries) assert_parts(p, s->ranks, r, q, 1);
            if (both) assert_parts(p, s->ranks, r, keys_values, 1);
            found += attention || mlp || queries || both;
        }
    assert_int_equal(found, s->ranks * shape->layers * (is_latent(shape) ? 3 : 2) * (shape->bias ? 2 : 1));
}

static void heads_and_gates_are_cut_by_their_parts(void **state)
{
    (void)state;
    split_model_each(parts_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_covers_the_whole),
        cmocka_unit_test(rectangles_are_the_places),
        cmocka_unit_test(each_element_has_one_first),
        cmocka_unit_test(heads_and_gates_are_cut_by_their_parts),
    };
    return cmocka_run_group_tests_name("parameters", tests, NULL, NULL);
}
