/* data.h - batches as a function of the global sample index alone, so that
 * every split of a run sees the same samples. */
#ifndef MODELS_TRAINING_DATA_H
#define MODELS_TRAINING_DATA_H
#include <stdint.h>
#include "models/machine/error.h"
#include "models/training/text.h"

typedef enum { ORDER_SEQUENTIAL, ORDER_RANDOM } DataOrder;
typedef struct DataConfig {
    char source[512]; /* "markov", or the path of a file read as bytes */
    int order;        /* DataOrder; for text */
    int64_t seed;
} DataConfig;

bool data_is_markov(const DataConfig *config);

typedef struct Data Data;

/* `text`: the file when source is a path (data keeps the pointer), else NULL. Samples have sequence + 1 tokens
 * below `vocab`. */
Data *data_open(const DataConfig *config, int64_t vocab, int64_t sequence, const Text *text, Error *error);
void data_close(Data *data);

/* Makes what samples are drawn from, as the first would: of a vocabulary of millions that takes its time. `seen` (NULL:
 * nobody) is told now and then how many of the tokens are done, twice each. */
void data_prepare(Data *data, void (*seen)(void *context, int64_t done), void *context);

/* tokens: (sequence + 1). Position t is the input, t + 1 what it must predict. */
void data_sample(Data *data, int64_t sample, int32_t *tokens);

/* What tells its text from another (text_mark); 0 of markov. */
uint64_t data_mark(const Data *data);

/* The least loss any model can reach, nats a token; NaN where unknown (text).
 * For `markov` it is the chain's entropy rate (Cover & Thomas, eq. 4.27). */
double data_entropy(const Data *data);
#endif
