/* data.c - a synthetic language with a known entropy, and text read as bytes.
 *
 * markov: each token has four possible successors, of probability 1/2, 1/4,
 * 1/8, 1/8. They are taken from one random permutation of the vocabulary at
 * four different shifts, so for each k "the k-th successor" is a permutation:
 * the chain is doubly stochastic, its stationary distribution is uniform, and
 * its entropy rate is exactly that of (1/2, 1/4, 1/8, 1/8): 1.75 bits, 1.2130
 * nats. The first token of a sample is drawn from the stationary distribution. */
#include "models/training/data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/random.h"

enum { BRANCHES = 4 };

struct Data {
    DataConfig config;
    int64_t vocab, sequence;
    const Text *text;       /* NULL: markov */
    unsigned char *bytes;   /* of a text's sample */
    int32_t *order, *place; /* markov: the permutation and its inverse */
    int64_t shift[BRANCHES];
};

bool data_is_markov(const DataConfig *config)
{
    return strcmp(config->source, "markov") == 0;
}

/* When the first sample is drawn: who needs none, as a dry run, has no table of its vocabulary. */
void data_prepare(Data *data, void (*seen)(void *context, int64_t done), void *context)
{
    enum { PIECE = 1 << 16 };
    if (data->text || data->order) return;
    int64_t V = data->vocab, seed = data->config.seed;
    data->order = allocate((size_t)V * sizeof *data->order);
    data->place = allocate((size_t)V * sizeof *data->place);
    for (int64_t i = 0; i < V; i++) data->order[i] = (int32_t)i;
    for (int64_t i = V - 1; i > 0; i--) { /* Fisher-Yates */
        int64_t j = (int64_t)random_below(seed, STREAM_MARKOV_TABLE, 0, (uint64_t)i, (uint64_t)i + 1);
        int32_t swap = data->order[i];
        data->order[i] = data->order[j];
        data->order[j] = swap;
        if (seen && i % PIECE == 0) seen(context, V - i);
    }
    for (int64_t i = 0; i < V; i++) {
        data->place[data->order[i]] = (int32_t)i;
        if (seen && i % PIECE == 0) seen(context, V + i);
    }
    if (seen) seen(context, 2 * V);
    for (int k = 0; k < BRANCHES; k++) { /* distinct shifts: distinct successors */
        uint64_t attempt = 0;
        bool taken;
        do {
            data->shift[k] =
                (int64_t)random_below(seed, STREAM_MARKOV_TABLE, 1 + (uint64_t)k, attempt++, (uint64_t)V);
            taken = false;
            for (int j = 0; j < k; j++) taken |= data->shift[j] == data->shift[k];
        } while (taken);
    }
}

Data *data_open(const DataConfig *config, int64_t vocab, int64_t sequence, const Text *text, Error *error)
{
    bool markov = data_is_markov(config);
    if (markov && vocab < BRANCHES) {
        error_set(error, "model.vocab = %lld is too small for the markov source; try %d or more",
                  (long long)vocab, BRANCHES);
        return NULL;
    }
    if (!markov && vocab < 256) {
        error_set(error, "model.vocab = %lld cannot hold bytes; try 256", (long long)vocab);
        return NULL;
    }
    if (!markov && text->bytes <= sequence) {
        error_set(error,
                  "the text has %lld byte%s, fewer than model.sequence + 1 = %lld; try a longer text or a "
                  "shorter sequence",
                  (long long)text->bytes, text->bytes == 1 ? "" : "s", (long long)sequence + 1);
        return NULL;
    }
    Data *data = allocate_zeroed(1, sizeof *data);
    *data = (Data){.config = *config, .vocab = vocab, .sequence = sequence, .text = text};
    return data;
}

void data_close(Data *data)
{
    if (!data) return;
    free(data->bytes);
    free(data->order);
    free(data->place);
    free(data);
}

static void markov_sample(Data *data, int64_t sample, int32_t *tokens)
{
    int64_t V = data->vocab, seed = data->config.seed;
    uint64_t n = (uint64_t)sample;
    data_prepare(data, NULL, NULL);
    tokens[0] = (int32_t)random_below(seed, STREAM_MARKOV_SAMPLE, n, 0, (uint64_t)V);
    for (int64_t t = 1; t <= data->sequence; t++) {
        int eighth = (int)random_below(seed, STREAM_MARKOV_SAMPLE, n, (uint64_t)t, 8);
        int k = eighth < 4 ? 0 : eighth < 6 ? 1 : eighth < 7 ? 2 : 3;
        tokens[t] = data->order[(data->place[tokens[t - 1]] + data->shift[k]) % V];
    }
}

/* `count` bytes from `start` on, and after the last the first again. */
static void text_sample(Data *data, int64_t start, int64_t count, int32_t *tokens)
{
    const Text *text = data->text;
    int64_t left = text->bytes - start, whole = count < left ? count : left;
    if (!data->bytes) data->bytes = allocate((size_t)count);
    text_read(text, start, whole, data->bytes);
    if (whole < count) text_read(text, 0, count - whole, data->bytes + whole);
    for (int64_t t = 0; t < count; t++) tokens[t] = data->bytes[t];
}

void data_sample(Data *data, int64_t sample, int32_t *tokens)
{
    if (!data->text) {
        markov_sample(data, sample, tokens);
        return;
    }
    int64_t bytes = data->text->bytes, start;
    if (data->config.order == ORDER_SEQUENTIAL)
        start = sample % bytes * (data->sequence % bytes) % bytes;
    else
        start = (int64_t)random_below(data->config.seed, STREAM_TEXT_ORDER, (uint64_t)sample, 0,
                                      (uint64_t)(bytes - data->sequence));
    text_sample(data, start, data->sequence + 1, tokens);
}

uint64_t data_mark(const Data *data)
{
    return data->text ? text_mark(data->text) : 0;
}

double data_entropy(const Data *data)
{
    return data->text ? (double)NAN : 1.75 * log(2);
}
