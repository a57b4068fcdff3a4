/* test_parameters.c - how parameters are cut over the ranks of a region: any
 * split covers the whole exactly once, heads and gated columns by their parts,
 * and is initialised as the whole is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt.h"
#include "models/layers/gpt_initialise.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

enum { SEED = 5, RANKS_MAX = 4 };

/* vocab divides over none; kv_heads and ffn over all */
#define SIZES(kv) \
    .layers = 2, .hidden = 16, .heads = 8, .kv_heads = (kv), .ffn = 12, .vocab = 11, .sequence = 3
#define GATED .activation = ACTIVATION_SWIGLU
#define LATENTS                                                                                       \
    .attention_kind = ATTENTION_MLA, .kv_lora_rank = 6, .qk_nope_head_dim = 3, .qk_rope_head_dim = 2, \
    .v_head_dim = 5
static const GptShape SHAPES[] = {
    {SIZES(8), .bias = true, .tie_embeddings = true},
    {SIZES(4), .bias = true, .tie_embeddings = true, GATED},
    {SIZES(4), .norm = NORM_RMSNORM, .position = POSITION_ROPE, GATED},
    {SIZES(4), .post_norm = true, .position = POSITION_SINUSOIDAL},
    {SIZES(8), .position = POSITION_ROPE, .bias = true, LATENTS, .q_lora_rank = 5},
    {SIZES(8), .norm = NORM_RMSNORM, .position = POSITION_ROPE, GATED, LATENTS},
};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

/* Every rank's view of a model, from a region that never moves anything. */
typedef struct Split {
    Device device;
    int ranks;
    Gpt *gpt[RANKS_MAX];
} Split;

static Split *split_new(const GptShape *shape, int ranks)
{
    Split *s = calloc(1, sizeof *s);
    s->ranks = ranks;
    for (int r = 0; r < ranks; r++)
        s->gpt[r] = gpt_new(&(GptOptions){
            .shape = shape, .region = &(Region){.size = ranks, .rank = r}, .device = &s->device});
    return s;
}

static void split_free(Split *s)
{
    for (int r = 0; r < s->ranks; r++) gpt_free(s->gpt[r]);
    assert_true(s->device.total == 0);
    free(s);
}

static void everywhere(void (*body)(const GptShape *shape, Split *s))
{
    for (int i = 0; i < SHAPE_COUNT; i++)
        for (int ranks = 1; ranks <= RANKS_MAX; ranks *= 2) {
            Split *s = split_new(&SHAPES[i], ranks);
            body(&SHAPES[i], s);
            split_free(s);
        }
}

/* ---- once ---- */

static void covers(const GptShape *shape, Split *s)
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
    everywhere(covers);
}

/* ---- rectangles ---- */

/* Also where ranks share heads of keys and values. */
static void everywhere_shared(void (*body)(const GptShape *shape, Split *s))
{
    static const GptShape shared[] = {{SIZES(1), .bias = true}, {SIZES(2), .norm = NORM_RMSNORM, GATED}};
    everywhere(body);
    for (int i = 0; i < 2; i++) {
        Split *s = split_new(&shared[i], RANKS_MAX);
        body(&shared[i], s);
        split_free(s);
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
static void cut_by_ranges(const GptShape *shape, Split *s)
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
static void first_of_all(const GptShape *shape, Split *s)
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

static void parts_of(const GptShape *shape, Split *s)
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
    everywhere(parts_of);
}

/* A unit's parameters lie one after the other. */
static void tiles(const GptShape *shape, Split *s)
{
    const Gpt *gpt = s->gpt[0];
    (void)shape;
    for (int u = 0; u < gpt->units; u++) {
        int64_t offset = 0;
        for (int i = gpt->unit[u].first; i < gpt->unit[u].first + gpt->unit[u].parameters; i++) {
            assert_int_equal(gpt->parameter[i].offset, offset);
            assert_int_equal(gpt->parameter[i].unit, u);
            offset += parameter_count(&gpt->parameter[i]);
        }
        assert_int_equal(offset, gpt->unit[u].count);
    }
}

static void a_unit_is_one_range(void **state)
{
    (void)state;
    everywhere(tiles);
}

/* Of each of its branches' tables, what the parameter of that name is. */
static void finds(const GptShape *shape, Split *s)
{
    const Gpt *gpt = s->gpt[0];
    for (int layer = 1; layer <= shape->layers; layer++) {
        const BlockLayout *layout = gpt->layer[layer].layout;
        const Block *block = layout->block;
        const Unit *u = &gpt->unit[gpt->layer[layer].unit[0]];
        Tensor flat = tensor_new(&s->device, MEM_PARAMETERS, REAL, u->count);
        BlockParameters found = block_parameters(layout, (Tensor[BLOCK_UNITS]){flat});
        const Parameter *p = &gpt->parameter[u->first];
        assert_int_equal(layout->values[BLOCK_OWN], u->count);
        for (int b = 0; b < block->branches; b++)
            for (int i = 0; i < block->branch[b]->tensors; i++) {
                char name[64];
                if (found.branch[b][i].count == 0) continue;
                snprintf(name, sizeof name, "h.%d.%s", layer - 1, block->branch[b]->tensor[i].name);
                assert_string_equal(p->name, name);
                assert_ptr_equal(found.branch[b][i].data, reals(flat) + p->offset);
                assert_int_equal(found.branch[b][i].count, parameter_count(p));
                p++;
            }
        assert_ptr_equal(p, &gpt->parameter[u->first + u->parameters]);
        tensor_free(&flat);
    }
}

static void a_block_finds_its_tensors(void **state)
{
    (void)state;
    everywhere(finds);
}

/* Every unit is one layer's, but for a tied embedding without a copy, which the head has too; a stage's units are its
 * layers'. */
static void every_unit_has_its_layer(void **state)
{
    (void)state;
    for (int stages = 1; stages <= 3; stages++)
        for (int i = 0; i < SHAPE_COUNT; i++) {
            GptShape shape = SHAPES[i];
            shape.layers = 5;
            Device device = {.dry = true};
            Gpt *gpt = gpt_new(
                &(GptOptions){.shape = &shape, .stages = &(GptStages){.count = stages}, .device = &device});
            int *times = calloc((size_t)gpt->units, sizeof *times), k = 0;
            for (int layer = 0; layer <= shape.layers + 1; layer++) {
                if (layer > gpt->stage[k].last) k++;
                for (int j = 0; j < gpt->layer[layer].units; j++) {
                    times[gpt->layer[layer].unit[j]]++;
                    assert_int_equal(gpt->unit[gpt->layer[layer].unit[j]].stage, k);
                }
            }
            for (int u = 0; u < gpt->units; u++)
                assert_int_equal(times[u], u == UNIT_WTE && shape.tie_embeddings && stages == 1 ? 2 : 1);
            assert_int_equal(k, stages - 1);
            free(times);
            gpt_free(gpt);
        }
}

static void same_table(const Gpt *a, const Gpt *b)
{
    assert_true(a->units == b->units && a->parameters == b->parameters && a->buffers == b->buffers &&
                a->numbers == b->numbers && a->stages == b->stages && a->head_embedding == b->head_embedding);
    for (int i = 0; i < a->parameters; i++) {
        const Parameter *p = &a->parameter[i], *q = &b->parameter[i];
        assert_string_equal(p->name, q->name);
        assert_true(p->unit == q->unit && p->number == q->number && p->offset == q->offset);
        assert_true(parameter_count(p) == parameter_count(q) && !p->copy_of == !q->copy_of);
    }
    for (int u = 0; u < a->units; u++) {
        const Unit *p = &a->unit[u], *q = &b->unit[u];
        assert_true(p->count == q->count && p->first == q->first && p->parameters == q->parameters);
        assert_true(p->number == q->number && p->stage == q->stage && p->held == q->held);
        assert_true(p->domain == 0 && q->domain == 0);
    }
    for (int64_t layer = 0; layer <= a->shape.layers + 1; layer++) {
        const GptLayer *p = &a->layer[layer], *q = &b->layer[layer];
        assert_true(p->units == q->units && !memcmp(p->unit, q->unit, sizeof p->unit) &&
                    p->buffer == q->buffer);
        assert_true(!p->layout == !q->layout);
        assert_true(!p->layout || p->layout - a->layout == q->layout - b->layout);
    }
    assert_memory_equal(a->layout, b->layout, sizeof a->layout);
    assert_memory_equal(a->stage, b->stage, (size_t)a->stages * sizeof *a->stage);
}

/* What one is made like it need not tell: the same parameters of whichever stages. One with other experts has its own. */
static void one_like_another_is_as_by_itself(void **state)
{
    (void)state;
    enum { RANKS = 2, E = 4 };
    Device device = {.dry = true};
    const int rank_of[] = {0, 1, 2};
    for (int stages = 1; stages <= 3; stages += 2)
        for (int i = 0; i < SHAPE_COUNT + 1; i++) {
            GptShape shape = SHAPES[i % SHAPE_COUNT];
            shape.layers = 5;
            if (i == SHAPE_COUNT)
                shape.experts =
                    (ExpertsShape){.count = E, .top_k = 1, .ffn = 4, .every = 1, .balance = BALANCE_BIAS};
            const Region region = {.size = RANKS, .rank = 1};
            GptStages at = {.count = stages, .rank_of = rank_of};
            Dispatch dispatch = {.size = RANKS};
            GptOptions options = {
                .shape = &shape, .region = &region, .dispatch = &dispatch, .stages = &at, .device = &device};
            Gpt *like = gpt_new(&options);
            like->unit[like->layer[1].unit[BLOCK_OWN]].domain = 1;
            for (at.rank = 0; at.rank < stages; at.rank++)
                for (dispatch.rank = 0; dispatch.rank < RANKS; dispatch.rank++) {
                    options.like = NULL;
                    Gpt *alone = gpt_new(&options);
                    options.like = like;
                    Gpt *alike = gpt_new(&options);
                    same_table(alone, alike);
                    assert_true((alike->parameter == like->parameter) == (dispatch.rank == 0));
                    gpt_free(alone);
                    gpt_free(alike);
                }
            gpt_free(like);
        }
}

/* ---- initialised ---- */

static void initialised(const GptShape *shape, Split *s)
{
    Split *one = split_new(shape, 1);
    for (int u = 0; u < one->gpt[0]->units; u++) {
        Tensor whole = tensor_new(&one->device, MEM_PARAMETERS, REAL, one->gpt[0]->unit[u].count);
        gpt_initialise(one->gpt[0], u, 0, SEED, whole);
        for (int r = 0; r < s->ranks; r++) {
            const Gpt *gpt = s->gpt[r];
            /* in ranges that meet inside parameters, and end past the unit */
            int64_t range = gpt->unit[u].count / 3 + 1;
            Tensor part = constant(&s->device, 3 * range, NAN);
            for (int k = 0; k < 3; k++)
                gpt_initialise(gpt, u, k * range, SEED, tensor_view(part, k * range, range));
            for (int i = gpt->unit[u].first; i < gpt->unit[u].first + gpt->unit[u].parameters; i++) {
                const Parameter *p = &gpt->parameter[i];
                for (int64_t k = 0; k < parameter_count(p); k++) {
                    int64_t place = parameter_place(p, s->ranks, r, k);
                    real expected = place < 0 ? 0 : reals(whole)[one->gpt[0]->parameter[i].offset + place];
                    assert_true(reals(part)[p->offset + k] == expected);
                }
            }
            for (int64_t k = gpt->unit[u].count; k < part.count; k++) assert_true(reals(part)[k] == 0);
            tensor_free(&part);
        }
        tensor_free(&whole);
    }
    split_free(one);
}

static void splits_are_initialised_as_the_whole(void **state)
{
    (void)state;
    everywhere(initialised);
}

/* Of a parameter of the whole model as it begins, all its values. */
static Tensor begun(const Gpt *gpt, Device *device, const Parameter *p)
{
    Tensor x = tensor_new(device, MEM_PARAMETERS, REAL, parameter_count(p));
    gpt_initialise(gpt, p->unit, p->offset, SEED, x);
    return x;
}

/* Each of the ranks that share experts has its own, by their names and as they begin in the whole; of all the rest all. */
static void experts_are_those_of_the_whole(void **state)
{
    (void)state;
    enum { E = 12, LAYERS = 4 };
    GptShape shape = {SIZES(8), .tie_embeddings = true, .experts = {.count = E, .top_k = 1, .ffn = 4}};
    shape.layers = LAYERS, shape.experts.first_dense = 1, shape.experts.every = 2;
    GptStages stages = {.count = 2};
    Device device = {.dry = false};
    Gpt *whole = gpt_new(&(GptOptions){.shape = &shape, .stages = &stages, .device = &device});
    int *times = calloc((size_t)whole->parameters, sizeof *times);
    for (int ranks = 1; ranks <= 4; ranks++) {
        memset(times, 0, (size_t)whole->parameters * sizeof *times);
        for (int rank = 0; rank < ranks; rank++) {
            Dispatch dispatch = {.size = ranks, .rank = rank};
            Gpt *gpt = gpt_new(
                &(GptOptions){.shape = &shape, .dispatch = &dispatch, .stages = &stages, .device = &device});
            assert_true(gpt->numbers == whole->parameters && gpt->units == whole->units);
            for (int i = 0; i < gpt->parameters; i++) {
                const Parameter *p = &gpt->parameter[i], *same = &whole->parameter[p->number];
                assert_string_equal(p->name, same->name);
                assert_int_equal(p->unit, same->unit);
                Tensor here = begun(gpt, &device, p), there = begun(whole, &device, same);
                assert_int_equal(here.count, there.count);
                assert_memory_equal(here.data, there.data, tensor_bytes(here));
                give_back((Tensor[]){here, there}, 2);
                times[p->number]++;
            }
            gpt_free(gpt);
        }
        for (int i = 0; i < whole->parameters; i++)
            assert_int_equal(times[i], strstr(whole->parameter[i].name, "experts.") ? 1 : ranks);
    }
    free(times);
    gpt_free(whole);
    assert_true(device.total == 0);
}

/* Radford et al. 2019, section 2.3: 0.02, and residual projections less by the root of their number, 2 L. */
static void weights_as_gpt_2(void **state)
{
    (void)state;
    GptShape shape = {
        .layers = 8, .hidden = 64, .heads = 8, .kv_heads = 2, .ffn = 96, .vocab = 64, .sequence = 16};
    shape.bias = true, shape.activation = ACTIVATION_SWIGLU;
    Split *s = split_new(&shape, 1);
    real first = 0;
    for (int i = 0; i < s->gpt[0]->parameters; i++) {
        const Parameter *p = &s->gpt[0]->parameter[i];
        int64_t count = parameter_count(p);
        Tensor x = tensor_new(&s->device, MEM_PARAMETERS, REAL, count);
        gpt_initialise(s->gpt[0], p->unit, p->offset, SEED, x);
        double mean = 0, squares = 0;
        for (int64_t k = 0; k < count; k++) mean += (double)reals(x)[k] / (double)count;
        for (int64_t k = 0; k < count; k++) squares += pow((double)reals(x)[k] - mean, 2) / (double)count;
        bool norm = strstr(p->name, "ln_"), bias = strstr(p->name, ".bias");
        double deviation = strstr(p->name, "c_proj") ? 0.02 / 4 : 0.02; /* sqrt(2 L) = 4 */
        if (norm || bias) {
            assert_true(mean == (norm && !bias) && squares == 0);
        } else {
            assert_true(reals(x)[0] != first); /* no two begin alike */
            assert_below(fabs(mean), 5 * deviation / sqrt((double)count));
            assert_below(fabs(sqrt(squares) / deviation - 1), 5 / sqrt(2 * (double)count));
        }
        first = reals(x)[0];
        tensor_free(&x);
    }
    split_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_covers_the_whole),
        cmocka_unit_test(rectangles_are_the_places),
        cmocka_unit_test(each_element_has_one_first),
        cmocka_unit_test(heads_and_gates_are_cut_by_their_parts),
        cmocka_unit_test(a_unit_is_one_range),
        cmocka_unit_test(a_block_finds_its_tensors),
        cmocka_unit_test(every_unit_has_its_layer),
        cmocka_unit_test(one_like_another_is_as_by_itself),
        cmocka_unit_test(splits_are_initialised_as_the_whole),
        cmocka_unit_test(experts_are_those_of_the_whole),
        cmocka_unit_test(weights_as_gpt_2),
    };
    return cmocka_run_group_tests_name("parameters", tests, NULL, NULL);
}
