/* test_initialise.c - a model as it begins: any split of it as the whole, and
 * with the deviations that were published. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/layers/gpt.h"
#include "models/layers/gpt_initialise.h"
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"
#include "tests/support/split_model.h"

enum { SEED = 5 };

static void initialised(const GptShape *shape, SplitModel *s)
{
    SplitModel *one = split_model_new(shape, 1);
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
    split_model_free(one);
}

static void splits_are_initialised_as_the_whole(void **state)
{
    (void)state;
    split_model_each(initialised);
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
    GptShape shape = {SPLIT_SIZES(8), .tie_embeddings = true, .experts = {.count = E, .top_k = 1, .ffn = 4}};
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
    SplitModel *s = split_model_new(&shape, 1);
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
    split_model_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_are_initialised_as_the_whole),
        cmocka_unit_test(experts_are_those_of_the_whole),
        cmocka_unit_test(weights_as_gpt_2),
    };
    return cmocka_run_group_tests_name("initialise", tests, NULL, NULL);
}
