/* rows_model.c - [model], [data]: what a model is, and what it learns from. */
#include "sim/config/presets.h"
#include "sim/config/row_field.h"

static const char *const norms[] = {[NORM_LAYERNORM] = "layernorm", [NORM_RMSNORM] = "rmsnorm", NULL};
static const char *const activations[] = {[ACTIVATION_GELU] = "gelu",
                                          [ACTIVATION_RELU] = "relu",
                                          [ACTIVATION_SILU] = "silu",
                                          [ACTIVATION_SWIGLU] = "swiglu",
                                          NULL};
static const char *const positions[] = {
    [POSITION_LEARNED] = "learned", [POSITION_SINUSOIDAL] = "sinusoidal", [POSITION_ROPE] = "rope", NULL};
static const char *const attentions[] = {[ATTENTION_PLAIN] = "plain", [ATTENTION_FLASH] = "flash", NULL};
static const char *const kinds[] = {[ATTENTION_MHA] = "mha", [ATTENTION_MLA] = "mla", NULL};
static const char *const orders[] = {[ORDER_SEQUENTIAL] = "sequential", [ORDER_RANDOM] = "random", NULL};

const ConfigRow rows_of_model[] = {
    {"model", "preset", ROW_CHOICE, ALWAYS, FIELD(model.preset), "toy", .choices = preset_names,
     .example = "small", .help = "a model with a name",
     .more = "A preset gives the keys layers to rope_base of [model], and of [moe] what experts are and "
             "which layers have them; nothing else. A key that stands in the file overrides it, above or "
             "below the preset. A preset given by --set overrides the file's keys too: after --set "
             "model.preset=gpt2-124m the model is GPT-2, whatever the file's [model] says. What its [moe] "
             "says of experts a preset that has some overrides likewise; one that has none leaves it, and so "
             "is given them: --set moe.experts=0 leaves them out.\n"},
    {"model", "layers", ROW_INTEGER, ALWAYS, FIELD(model.shape.layers), NULL, 1, 1e6, .example = "12",
     .help = "transformer blocks"},
    {"model", "hidden", ROW_INTEGER, ALWAYS, FIELD(model.shape.hidden), NULL, 1, 1e7, .example = "768",
     .help = "width of a token's vector; a multiple of heads",
     .more = "A block of GPT-2's kind has 12 hidden^2 + 13 hidden parameters (with ffn = 4 hidden).\n"},
    {"model", "heads", ROW_INTEGER, ALWAYS, FIELD(model.shape.heads), NULL, 1, 1e6, .example = "12",
     .help = "attention heads; of mha hidden / heads wide each"},
    {"model", "attention_kind", ROW_CHOICE, ALWAYS, FIELD(model.shape.attention_kind), NULL, .choices = kinds,
     .example = "mla", .help = "mla: keys and values of a latent, as DeepSeek-V2 has them",
     .more = "mla: Multi-head Latent Attention (DeepSeek-V2, arXiv 2405.04434, section 2.1). Of a token's "
             "keys and values a narrow latent is made, normed and made wide again for the heads; RoPE turns "
             "numbers of their own, of queries the last of each head, of keys one key that all heads share. "
             "A cache at inference need hold the latent and that key alone. Tensor parallelism cuts heads; "
             "latents are alike on all ranks.\n"},
    {"model", "q_lora_rank", ROW_INTEGER, WITH_LATENTS, FIELD(model.shape.q_lora_rank), NULL, 0, 1e7,
     .example = "1536", .help = "width of the queries' latent; 0: there is none"},
    {"model", "kv_lora_rank", ROW_INTEGER, WITH_LATENTS, FIELD(model.shape.kv_lora_rank), NULL, 0, 1e7,
     .example = "512", .help = "width of the latent of keys and values; 0: 4 hidden / heads"},
    {"model", "qk_nope_head_dim", ROW_INTEGER, WITH_LATENTS, FIELD(model.shape.qk_nope_head_dim), NULL, 0,
     1e7, .example = "128", .help = "numbers of a key without a place; 0: hidden / heads"},
    {"model", "qk_rope_head_dim", ROW_INTEGER, WITH_LATENTS, FIELD(model.shape.qk_rope_head_dim), NULL, 0,
     1e7, .example = "64", .help = "numbers of a key that rope turns, even; 0: half as many",
     .more = "Half of hidden / heads, made even. Of a token they are one key, shared by all heads. Pairs are "
             "numbers 2j and 2j + 1, as in Hugging Face's DeepSeek.\n"},
    {"model", "v_head_dim", ROW_INTEGER, WITH_LATENTS, FIELD(model.shape.v_head_dim), NULL, 0, 1e7,
     .example = "128", .help = "numbers of a head's value; 0: hidden / heads"},
    {"model", "kv_heads", ROW_INTEGER, WITH_HEADS_ALONE, FIELD(model.shape.kv_heads), NULL, 0, 1e6,
     .example = "4", .help = "heads of keys and values; 0 is as many as heads",
     .more = "Fewer than heads: grouped queries (Ainslie et al., arXiv 2305.13245); 1: multi-query. Divides "
             "heads. parallel.tp divides it or is a multiple of it: then several ranks hold a head alike, "
             "and add up its gradients.\n"},
    {"model", "ffn", ROW_INTEGER, ALWAYS, FIELD(model.shape.ffn), NULL, 0, 1e8, .example = "3072",
     .help = "inner width of the MLP; 0 is four times hidden",
     .more = "With swiglu there are two such halves, the gate and what it gates.\n"},
    {"model", "vocab", ROW_INTEGER, ALWAYS, FIELD(model.shape.vocab), NULL, 2, 2147483647, .example = "256",
     .help = "different tokens; a text read as bytes needs 256",
     .more = "The data has tokens 0 to vocab - 1. The markov source needs 4 or more, a text 256 or "
             "more.\n"},
    {"model", "sequence", ROW_INTEGER, ALWAYS, FIELD(model.shape.sequence), NULL, 1, 1e7, .example = "1024",
     .help = "tokens in a sample",
     .more = "Where positions are learned this is also the number of rows of wpe.weight.\n"},
    {"model", "tie_embeddings", ROW_SWITCH, ALWAYS, FIELD(model.shape.tie_embeddings), NULL, .example = "yes",
     .help = "the head uses the embedding's matrix, as GPT-2 does",
     .more = "Press & Wolf, arXiv 1608.05859. With no, the head has vocab x hidden parameters of its "
             "own.\n"},
    {"model", "bias", ROW_SWITCH, ALWAYS, FIELD(model.shape.bias), NULL, .example = "no",
     .help = "linear layers add one; GPT-2's do, Llama's do not"},
    {"model", "norm", ROW_CHOICE, ALWAYS, FIELD(model.shape.norm), NULL, .choices = norms,
     .example = "rmsnorm", .help = "how a block's input is normed",
     .more = "LayerNorm: Ba et al., arXiv 1607.06450; RMSNorm, which has a gain and no bias: Zhang & "
             "Sennrich, arXiv 1910.07467.\n"},
    {"model", "post_norm", ROW_SWITCH, ALWAYS, FIELD(model.shape.post_norm), NULL, .example = "no",
     .help = "norm after each residual sum, as first published, not before",
     .more = "Vaswani et al., arXiv 1706.03762. GPT-2 and Llama norm what goes into a branch and leave the "
             "sum alone.\n"},
    {"model", "activation", ROW_CHOICE, ALWAYS, FIELD(model.shape.activation), NULL, .choices = activations,
     .example = "swiglu", .help = "inside the MLP",
     .more = "GELU in its tanh form and SiLU: Hendrycks & Gimpel, arXiv 1606.08415; SwiGLU, silu(gate) x up: "
             "Shazeer, arXiv 2002.05202.\n"},
    {"model", "position", ROW_CHOICE, ALWAYS, FIELD(model.shape.position), NULL, .choices = positions,
     .example = "rope", .help = "how a token knows its place",
     .more =
         "learned: a row of wpe.weight is added to the embedding; sinusoidal: sines and cosines are, to "
         "sqrt(hidden) times it (arXiv 1706.03762); rope: queries and keys are turned (Su et al., arXiv "
         "2104.09864), in Hugging Face Llama's convention, so hidden / heads is even. mla has no other.\n"},
    {"model", "rope_base", ROW_NUMBER, WITH_ROPE, FIELD(model.shape.rope_base), NULL, 1, 1e12,
     .example = "500000", .help = "rope: what wavelengths are powers of; Llama 3 has 500000"},
    {"model", "attention", ROW_CHOICE, ALWAYS, FIELD(model.shape.attention), "plain", .choices = attentions,
     .example = "flash", .help = "flash: without the matrix of scores",
     .more = "FlashAttention (Dao et al., arXiv 2205.14135): tile by tile with a running softmax, computed "
             "again in backward. The same to rounding; a layer keeps a number of each row of s scores.\n"},
    {"model", "dropout", ROW_NUMBER, ALWAYS, FIELD(model.shape.dropout), "0", 0, 1, .high_out = true,
     .example = "0.1", .help = "share of values set to zero in training",
     .more = "Of the embedding, the attention's probabilities and both branches' results (Srivastava et al., "
             "JMLR 15, 2014). Drawn from train.seed by step, layer and place in the unsplit model, so every "
             "split drops the same; the share is rounded to a multiple of 1/65536. A mask takes one byte a "
             "value.\n"},
    {"model", "init", ROW_TEXT, ALWAYS, FIELD(model.init), "", .example = "weights.h5",
     .help = "HDF5 file of weights to start from; empty: random ones",
     .more =
         "Tensors have the names and layouts of Hugging Face's GPT-2: wte.weight, h.0.attn.c_attn.weight as "
         "[in, out], and so on, or, as a GPT2LMHeadModel has them, with transformer. before each but "
         "lm_head.weight. Those of a model of Llama's family (norm rmsnorm without post_norm, activation "
         "swiglu, position rope, no bias) have the names and layouts of its Llama: "
         "model.embed_tokens.weight, model.layers.0.self_attn.q_proj.weight as [out, in], or, as a bare "
         "LlamaModel has them, embed_tokens.weight and so on; with attention_kind mla those of its "
         "DeepSeek-V2 and V3, q_a_proj, kv_a_proj_with_mqa and so on. Files that output.weights wrote fit, "
         "whatever the split they were trained under; those of a 16-bit run are rounded to 16 bits, and what "
         "a later run's optimizer holds in 32 begins there. Values are floating point of any width, all of "
         "them finite in train.precision; a head in a file for a tied model must be the embedding, bit for "
         "bit. Random weights are GPT-2's: normal, deviation 0.02, divided by sqrt(2 layers) for the two "
         "projections that end a block's halves, drawn from train.seed.\n"},
};

const ConfigRow rows_of_data[] = {
    {"data", "source", ROW_TEXT, ALWAYS, FIELD(data.source), "markov", .required = true,
     .example = "book.txt", .help = "markov, or the path of a text, read as bytes",
     .more = "markov is a language of which the best possible loss is known: after each token one of "
             "four can follow, with probabilities 1/2, 1/4, 1/8 and 1/8. Its entropy rate is 1.75 bits, "
             "so no model can have a loss below 1.75 ln 2 = 1.2130 nats a token, and a good one comes "
             "close.\n"
             "Any other value is the path of a file; each of its bytes is a token, and model.vocab must "
             "be 256 or more. It is read as samples need it, never held whole, by every node itself, and "
             "may not be written to while the run lasts.\n"},
    {"data", "order", ROW_CHOICE, WITH_A_TEXT, FIELD(data.order), "sequential", .choices = orders,
     .example = "random", .help = "which part of a text a sample reads",
     .more = "sequential: sample i of the run reads bytes i sequence to i sequence + sequence - 1, from "
             "the beginning again at the end, and predicts the byte after each. random: each sample "
             "starts anywhere, drawn from data.seed. The markov source has no order.\n"},
    {"data", "seed", ROW_INTEGER, WITH_DRAWN_SAMPLES, FIELD(data.seed), "1", .example = "7",
     .help = "of the markov language and of the random order",
     .more = "A sample depends on this seed and its own number alone, so every split of a run sees the "
             "same ones.\n"},
};
