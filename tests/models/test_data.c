/* test_data.c - random numbers and samples are functions of their index alone,
 * and have the statistics they claim. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/random.h"
#include "models/training/data.h"
#include "tests/support/check.h"
#include "tests/support/written_text.h"
#include "tests/support/probe.h"

/* ---- random numbers ---- */

/* Random123's own known answers for philox4x32-10 (kat_vectors in its source):
 * counter 0 and key 0, all bits set, and the digits of pi. */
static void philox_known_answers(void **state)
{
    (void)state;
    assert_true(random_bits(0, (RandomStream)0, 0, 0) == 0xe169c58d6627e8d5);
    double u = (0x6627e8d5 + 0.5) / 4294967296, v = (0xe169c58d + 0.5) / 4294967296; /* Box & Muller 1958 */
    assert_below(fabs(random_normal(0, (RandomStream)0, 0, 0) - sqrt(-2 * log(u)) * cos(2 * acos(-1) * v)),
                 1e-14);
    assert_true(random_bits(-1, (RandomStream)0, UINT64_MAX, UINT64_MAX) == 0x41c83b0e408f276d);
    int64_t seed = 0x299f31d0a4093822;
    uint64_t major = 0x85a308d3243f6a88, minor = 0x0370734413198a2e;
    assert_true(random_bits(seed, (RandomStream)0, major, minor) == 0x94fdccebd16cfe09);
    /* a stream is 8 bits of the key, so the key can be had through any of them */
    int64_t other = seed ^ (int64_t)((uint64_t)STREAM_TEXT_ORDER << 56);
    assert_true(random_bits(other, STREAM_TEXT_ORDER, major, minor) == 0x94fdccebd16cfe09);
    assert_true(random_bits(seed, STREAM_TEXT_ORDER, major, minor) != 0x94fdccebd16cfe09);
}

/* In a row, from the middle of one and of more than are drawn at once: to the bit those drawn alone. */
static void normals_in_a_row(void **state)
{
    (void)state;
    enum { MOST = 200 };
    double normals[MOST];
    for (int64_t count = 0; count <= MOST; count += count < 6 ? 1 : 61) {
        normals[0] = 7;
        random_normals(3, STREAM_WEIGHTS, 5, 11, normals, count);
        assert_true(count > 0 || normals[0] == 7);
        for (int64_t i = 0; i < count; i++)
            assert_true(normals[i] == random_normal(3, STREAM_WEIGHTS, 5, 11 + (uint64_t)i));
    }
}

static void normal_moments(void **state)
{
    (void)state;
    enum { DRAWS = 400000 };
    double mean = 0, square = 0, cube = 0, fourth = 0, neighbours = 0, before = 0, beyond = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = random_normal(3, STREAM_WEIGHTS, 5, (uint64_t)i);
        mean += x / DRAWS, square += x * x / DRAWS, cube += x * x * x / DRAWS,
            fourth += x * x * x * x / DRAWS;
        neighbours += x * before / DRAWS;
        beyond += fabs(x) > 1.959963985;
        before = x;
    }
    /* five standard errors each */
    double error = 5 / sqrt(DRAWS);
    assert_below(fabs(mean), error);
    assert_below(fabs(square - 1), error * sqrt(2));
    assert_below(fabs(cube), error * sqrt(15));
    assert_below(fabs(fourth - 3), error * sqrt(96));
    assert_below(fabs(neighbours), error);
    assert_below(fabs(beyond / DRAWS - 0.05), error * sqrt(0.05 * 0.95));
}

static void uniform_below(void **state)
{
    (void)state;
    enum { BINS = 7, DRAWS = 70000 };
    int count[BINS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = random_below(3, STREAM_TEXT_ORDER, (uint64_t)i, 0, BINS);
        assert_true(x < BINS);
        count[x]++;
    }
    for (int b = 0; b < BINS; b++)
        assert_below(fabs(count[b] - DRAWS / (double)BINS), 5 * sqrt(DRAWS / (double)BINS));
}

/* ---- text ---- */

enum { BYTES = 23, SEQUENCE = 5 };

static Data *open_text(const Text *text, int64_t sequence, DataOrder order, int64_t seed)
{
    DataConfig config = {.source = "a.txt", .order = (int)order, .seed = seed};
    Error error;
    Data *data = data_open(&config, 256, sequence, text, &error);
    assert_non_null(data);
    assert_true(isnan(data_entropy(data)));
    return data;
}

static void text_in_sequence(void **state)
{
    (void)state;
    unsigned char text[BYTES];
    for (int i = 0; i < BYTES; i++) text[i] = (unsigned char)(200 + i);
    WrittenText written = write_text(text, BYTES);
    Data *data = open_text(&written.text, SEQUENCE, ORDER_SEQUENTIAL, 1);
    int32_t tokens[SEQUENCE + 1];
    for (int64_t sample = 0; sample < 50; sample++) {
        data_sample(data, sample, tokens);
        for (int t = 0; t <= SEQUENCE; t++)
            assert_int_equal(tokens[t], 200 + (sample * SEQUENCE + t) % BYTES);
    }
    int32_t far[SEQUENCE + 1]; /* no overflow: 23 samples of 5 bytes are five times the text */
    data_sample(data, 3, tokens);
    data_sample(data, 3 + BYTES * (INT64_MAX / BYTES / 2), far);
    assert_memory_equal(far, tokens, sizeof far);
    data_close(data);
    written_text_free(&written);
}

static void text_in_random_order(void **state)
{
    (void)state;
    unsigned char text[BYTES];
    for (int i = 0; i < BYTES; i++) text[i] = (unsigned char)(200 + i);
    WrittenText written = write_text(text, BYTES);
    Data *data = open_text(&written.text, SEQUENCE, ORDER_RANDOM, 1);
    Data *again = open_text(&written.text, SEQUENCE, ORDER_RANDOM, 1),
         *other = open_text(&written.text, SEQUENCE, ORDER_RANDOM, 2);
    enum { SAMPLES = 3600, STARTS = BYTES - SEQUENCE };
    int32_t tokens[SEQUENCE + 1], same[SEQUENCE + 1];
    int starts[STARTS] = {0}, differ = 0;
    for (int sample = SAMPLES - 1; sample >= 0; sample--) { /* in any order */
        data_sample(data, sample, tokens);
        int start = tokens[0] - 200;
        assert_in_range(start, 0, STARTS - 1); /* the last one ends with the text's last byte */
        starts[start]++;
        for (int t = 0; t <= SEQUENCE; t++) assert_int_equal(tokens[t], 200 + start + t);
        data_sample(again, sample, same);
        assert_memory_equal(same, tokens, sizeof same);
        data_sample(other, sample, same);
        differ += memcmp(same, tokens, sizeof same) != 0;
    }
    for (int s = 0; s < STARTS; s++)
        assert_below(fabs(starts[s] - SAMPLES / (double)STARTS), 5 * sqrt(SAMPLES / (double)STARTS));
    assert_true(differ > SAMPLES / 2); /* the seed matters */
    data_close(data);
    data_close(again);
    data_close(other);
    written_text_free(&written);
}

static void the_shortest_text(void **state)
{
    (void)state;
    static const unsigned char text[] = {7, 8, 9, 250};
    WrittenText written = write_text(text, 4);
    Data *data = open_text(&written.text, 3, ORDER_RANDOM, 1);
    int32_t tokens[4];
    for (int sample = 0; sample < 20; sample++) {
        data_sample(data, sample, tokens);
        for (int t = 0; t < 4; t++) assert_int_equal(tokens[t], text[t]);
    }
    data_close(data);
    written_text_free(&written);
}

/* ---- markov ---- */

static Data *open_markov(int64_t vocab, int64_t sequence, int64_t seed)
{
    DataConfig config = {.source = "markov", .seed = seed};
    Error error;
    Data *data = data_open(&config, vocab, sequence, NULL, &error);
    assert_non_null(data);
    assert_below(fabs(data_entropy(data) - 1.2130075659799042), 1e-15); /* 7/4 ln 2 nats */
    return data;
}

static int descending(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

/* Each token has four successors, of 1/2, 1/4, 1/8, 1/8, and four predecessors; all tokens are as frequent. */
static void check_chain(int64_t vocab, int64_t seed)
{
    enum { LENGTH = 33, SAMPLES = 8000, MOST = 19 };
    static int pairs[MOST][MOST];
    static const double probability[4] = {0.5, 0.25, 0.125, 0.125};
    int first[MOST] = {0}, predecessors[MOST] = {0};
    memset(pairs, 0, sizeof pairs);
    Data *data = open_markov(vocab, LENGTH, seed);
    int32_t tokens[LENGTH + 1];
    for (int sample = 0; sample < SAMPLES; sample++) {
        data_sample(data, sample, tokens);
        first[tokens[0]]++;
        for (int t = 0; t < LENGTH; t++) {
            assert_in_range(tokens[t + 1], 0, vocab - 1);
            pairs[tokens[t]][tokens[t + 1]]++;
        }
    }
    double all = (double)SAMPLES * LENGTH, entropy = 0, uniform = all / (double)vocab;
    for (int64_t i = 0; i < vocab; i++) {
        int sum = 0, successors = 0;
        for (int64_t j = 0; j < vocab; j++) {
            sum += pairs[i][j];
            successors += pairs[i][j] > 0;
            predecessors[j] += pairs[i][j] > 0;
        }
        assert_int_equal(successors, 4);
        for (int64_t j = 0; j < vocab; j++)
            if (pairs[i][j] > 0) entropy -= pairs[i][j] / all * log2((double)pairs[i][j] / sum);
        qsort(pairs[i], (size_t)vocab, sizeof **pairs, descending);
        for (int k = 0; k < 4; k++)
            assert_below(fabs(pairs[i][k] - sum * probability[k]), 5 * sqrt(sum * probability[k]));
        assert_below(fabs(sum - uniform),
                     10 * sqrt(uniform)); /* neighbours are not independent: a wider band */
        assert_below(fabs(first[i] - SAMPLES / (double)vocab), 5 * sqrt(SAMPLES / (double)vocab));
    }
    for (int64_t j = 0; j < vocab; j++) assert_int_equal(predecessors[j], 4);
    assert_below(fabs(entropy - 1.75), 0.01);
    data_close(data);
}

static void markov_chain(void **state)
{
    (void)state;
    for (int64_t seed = 1; seed <= 3; seed++) check_chain(19, seed);
    check_chain(4, 1); /* the smallest */
}

static void markov_samples_by_index_alone(void **state)
{
    (void)state;
    Data *a = open_markov(50, 40, 1), *b = open_markov(50, 40, 1), *other = open_markov(50, 40, 2);
    int32_t x[41], y[41], z[41], last[41] = {0};
    for (int64_t sample = 0; sample < 100; sample++) {
        data_sample(a, sample, x);
        data_sample(b, 99 - sample, y);
        data_sample(b, sample, y);
        assert_memory_equal(x, y, sizeof x);
        data_sample(other, sample, z);
        assert_memory_not_equal(x, z, sizeof x);    /* another seed */
        assert_memory_not_equal(x, last, sizeof x); /* another sample */
        memcpy(last, x, sizeof x);
    }
    data_close(a);
    data_close(b);
    data_close(other);
}

static void refusals_say_numbers(void **state)
{
    (void)state;
    WrittenText text = write_text("0123456789", 10);
    Error error;
    DataConfig markov = {.source = "markov"}, file = {.source = "corpus.txt"};
    assert_null(data_open(&markov, 3, 8, NULL, &error));
    assert_non_null(strstr(error.text, "model.vocab = 3 is too small"));
    assert_non_null(strstr(error.text, "try 4"));
    assert_null(data_open(&file, 255, 8, &text.text, &error));
    assert_non_null(strstr(error.text, "model.vocab = 255"));
    assert_non_null(strstr(error.text, "try 256"));
    assert_null(data_open(&file, 256, 10, &text.text, &error)); /* 10 bytes hold no 10 + 1 tokens */
    assert_non_null(strstr(error.text, "10 bytes"));
    assert_non_null(strstr(error.text, "11"));
    Data *data = data_open(&file, 256, 9, &text.text, &error);
    assert_non_null(data);
    data_close(data);
    written_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(normals_in_a_row),
        cmocka_unit_test(normal_moments),
        cmocka_unit_test(uniform_below),
        cmocka_unit_test(text_in_sequence),
        cmocka_unit_test(text_in_random_order),
        cmocka_unit_test(the_shortest_text),
        cmocka_unit_test(markov_chain),
        cmocka_unit_test(markov_samples_by_index_alone),
        cmocka_unit_test(refusals_say_numbers),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
