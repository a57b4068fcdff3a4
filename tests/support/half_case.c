/* half_case.c - all mixtures of types, one after the other, on a device and on a dry one. */
#include "tests/support/half_case.h"
#include <string.h>
#include "models/machine/tensor_values.h"
#include "tests/support/check.h"
#include "tests/support/probe.h"

/* Noise that fits 16 bits exactly, in the type asked for; around 2, for statistics have to be positive. */
static Tensor argument(Device *device, DType format, DType dtype, int64_t count, int which)
{
    Tensor t = tensor_new(device, MEM_ACTIVATIONS, dtype, count);
    if (device->dry) return t;
    Device aside = {0};
    Tensor values = noise(&aside, count, (uint64_t)which, 0.3), half = tensor_new(&aside, 0, format, count);
    for (int64_t i = 0; i < count; i++) reals(values)[i] += 2;
    tensor_convert(half, values);
    tensor_convert(t, half);
    give_back((Tensor[]){values, half}, 2);
    return t;
}

/* Runs a case with those arguments in 16 bits whose bit is set; leaves them in t. */
static double run(const HalfCase *c, Device *device, DType format, int halves, Tensor t[HALF_ARGUMENTS])
{
    for (int i = 0; i < HALF_ARGUMENTS && c->counts[i]; i++)
        t[i] = argument(device, format, halves >> i & 1 ? format : REAL, c->counts[i], i);
    Device aside = {0};
    Tensor tokens = some_tokens(&aside, HALF_TOKENS, 5, HALF_VOCAB);
    size_t held = device->total;
    memset(device->done, 0, sizeof device->done);
    device->peak[MEM_WORKSPACE] = 0;
    double result = c->run(t, tokens);
    assert_int_equal(device->total, held);
    assert_int_equal(device->current[MEM_WORKSPACE], 0);
    tensor_free(&tokens);
    return result;
}

void assert_rounded_once(const HalfCase *c, DType format)
{
    Device device = {0}, dry = {.dry = true};
    Tensor t[HALF_ARGUMENTS] = {{0}}, expected[HALF_ARGUMENTS] = {{0}}, none[HALF_ARGUMENTS] = {{0}};
    int arguments = 0;
    while (arguments < HALF_ARGUMENTS && c->counts[arguments]) arguments++;
    double result = run(c, &device, format, 0, expected);
    const size_t scratch = (size_t)c->scratch * sizeof(real);
    assert_int_equal(device.peak[MEM_WORKSPACE], scratch);
    for (int halves = 1; halves < 1 << arguments; halves++) {
        if (halves & c->reals_only) continue;
        double value = run(c, &device, format, halves, t);
        assert_memory_equal(&value, &result, sizeof value);
        for (int i = 0; i < arguments; i++) {
            Tensor once = tensor_new(&device, MEM_ACTIVATIONS, t[i].dtype, t[i].count);
            tensor_convert(once, expected[i]);
            if (memcmp(once.data, t[i].data, tensor_bytes(once)) != 0)
                print_error("%s, format %d, halves %x: argument %d differs\n", c->name, format, halves, i);
            assert_memory_equal(once.data, t[i].data, tensor_bytes(once));
            tensor_free(&once);
        }
        assert_int_equal(device.peak[MEM_WORKSPACE], scratch);
        run(c, &device, format, halves, none); /* the work, before the comparisons above */
        WorkDone done[WORK_KINDS];
        memcpy(done, device.done, sizeof done);
        give_back(none, arguments);
        assert_true(run(c, &dry, format, halves, none) == 0);
        assert_int_equal(dry.peak[MEM_WORKSPACE], scratch);
        assert_memory_equal(dry.done, done, sizeof done);
        give_back(none, arguments);
        give_back(t, arguments);
    }
    give_back(expected, arguments);
    assert_int_equal(device.total + dry.total, 0);
}
