/* attention.h - how wide attention is, by kind: what its formulas of bytes and of memory share; inside the theory only.
 *
 * Multi-head attention: q, k, v of the input, h wide. Latent attention (DeepSeek-AI 2405.04434, section 2.1, whose
 * letters these are): d'_c of queries, d_c of keys and values, d_h^R of the key that all heads share. */
#ifndef SIM_THEORY_ATTENTION_H
#define SIM_THEORY_ATTENTION_H
#include "models/layers/gpt_shape.h"

enum { ATTENTION_ENTERS = 3, ATTENTION_UNCUT = 8 }; /* at most */

/* Values a token, on one of t ranks that cut it. */
typedef struct AttentionWidths {
    double enters[ATTENTION_ENTERS];        /* a tensor each that enters the region; 0: none */
    double again;                           /* of them, entering again for the weights' gradients */
    double outside, inside;                 /* kept between the branch's norm and its result */
    double outside_halfway, inside_halfway; /* between the halves of backward, likewise */
} AttentionWidths;
AttentionWidths theory_attention_widths(const GptShape *shape, int64_t t);
double theory_attention_enters(const AttentionWidths *widths); /* all together */

/* Parameters, without the branch's norm: of what is not cut each tensor, and one rank's of all. */
typedef struct AttentionParameters {
    double uncut[ATTENTION_UNCUT];
    int uncuts, tensors;
    double held;
    double matrices; /* of them, those of products */
    double gains;    /* of uncut, those of norms of its own */
} AttentionParameters;
AttentionParameters theory_attention_parameters(const GptShape *shape, int64_t t);
#endif
