/* test_units.c - the tables of a model's units, layers and parameters: a unit
 * is one range, a layer's units are its own, and what is told once for all that
 * are alike is what each alone would be told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/split_model.h"

/* A unit's parameters lie one after the other. */
static void tiles(const GptShape *shape, SplitModel *s)
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
    split_model_each(tiles);
}

/* Of each of its branches' tables, what the parameter of that name is. */
static void finds(const GptShape *shape, SplitModel *s)
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
    split_model_each(finds);
}

/* Every unit is one layer's, but for a tied embedding without a copy, which the head has too; a stage's units are its
 * layers'. */
static void every_unit_has_its_layer(void **state)
{
    (void)state;
    for (int stages = 1; stages <= 3; stages++)
        for (int i = 0; i < SPLIT_SHAPES; i++) {
            GptShape shape = SPLIT_SHAPE[i];
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
        for (int i = 0; i < SPLIT_SHAPES + 1; i++) {
            GptShape shape = SPLIT_SHAPE[i % SPLIT_SHAPES];
            shape.layers = 5;
            if (i == SPLIT_SHAPES)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_one_range),
        cmocka_unit_test(a_block_finds_its_tensors),
        cmocka_unit_test(every_unit_has_its_layer),
        cmocka_unit_test(one_like_another_is_as_by_itself),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
