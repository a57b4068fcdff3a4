/* rows.c - the table: every key there is, with its type, default, range and help. */
#include "sim/config/rows.h"
#include <stddef.h>
#include "sim/config/presets.h"

static const char *const norms[] = {[NORM_LAYERNORM] = "layernorm", [NORM_RMSNORM] = "rmsnorm", NULL};
static const char *const activations[] = {[ACTIVATION_GELU] = "gelu",
                                          [ACTIVATION_RELU] = "relu",
                                          [ACTIVATION_SILU] = "silu",
                                          [ACTIVATION_SWIGLU] = "swiglu",
                                          NULL};
static const char *const positions[] = {
    [POSITION_LEARNED] = "learned", [POSITION_SINUSOIDAL] = "sinusoidal", [POSITION_ROPE] = "rope", NULL};
static const char *const attentions[] = {[ATTENTION_PLAIN] = "plain", [ATTENTION_FLASH] = "flash", NULL};
static const char *const orders[] = {[ORDER_SEQUENTIAL] = "sequential", [ORDER_RANDOM] = "random", NULL};
static const char *const optimizers[] = {[OPTIMIZER_SGD] = "sgd",
                                         [OPTIMIZER_MOMENTUM] = "momentum",
                                         [OPTIMIZER_ADAM] = "adam",
                                         [OPTIMIZER_ADAMW] = "adamw",
                                         [OPTIMIZER_RMSPROP] = "rmsprop",
                                         [OPTIMIZER_ADAGRAD] = "adagrad",
                                         NULL};
static const char *const decays[] = {[DECAY_CONSTANT] = "constant", [DECAY_COSINE] = "cosine", NULL};
static const char *const recomputes[] = {
    [RECOMPUTE_NONE] = "none", [RECOMPUTE_SELECTIVE] = "selective", [RECOMPUTE_FULL] = "full", NULL};
static const char *const reduce_moments[] = {
    [REDUCE_AUTO] = "auto", [REDUCE_MICROBATCH] = "microbatch", [REDUCE_STEP] = "step", NULL};
static const char *const gather_moments[] = {[GATHER_STEP] = "step", [GATHER_FORWARD] = "forward", NULL};
static const char *const quantizations[] = {[QUANTIZE_NONE] = "none",
                                            [QUANTIZE_PARAMETERS] = "parameters",
                                            [QUANTIZE_GRADIENTS] = "gradients",
                                            [QUANTIZE_BOTH] = "both",
                                            NULL};
static const char *const gradient_types[] = {
    [GRADIENTS_AUTO] = "auto", [GRADIENTS_FP32] = "fp32", [GRADIENTS_SAME] = "same", NULL};

static const char *const rank_orders[] = {[ORDER_TP_DP_PP] = "tp-dp-pp",
                                          [ORDER_TP_PP_DP] = "tp-pp-dp",
                                          [ORDER_DP_TP_PP] = "dp-tp-pp",
                                          [ORDER_DP_PP_TP] = "dp-pp-tp",
                                          [ORDER_PP_TP_DP] = "pp-tp-dp",
                                          [ORDER_PP_DP_TP] = "pp-dp-tp",
                                          NULL};
static const char *const all_reduces[] = {[ALL_REDUCE_RING] = "ring",
                                          [ALL_REDUCE_HIERARCHICAL] = "hierarchical",
                                          [ALL_REDUCE_TREE] = "tree",
                                          [ALL_REDUCE_AUTO] = "auto",
                                          NULL};
static const char *const tensor_overlaps[] = {
    [REGION_WAITS] = "none", [REGION_BULK] = "bulk", [REGION_PIPELINED] = "pipelined", NULL};
static const char *const carriers[] = {[CARRIED_IDEALLY] = "ideal",
                                       [CARRIED_BY_NCCL_VOLTA] = "nccl-volta",
                                       [CARRIED_BY_NCCL_AMPERE] = "nccl-ampere",
                                       [CARRIED_BY_NCCL_HOPPER] = "nccl-hopper",
                                       NULL};

const ConfigSection config_sections[CONFIG_SECTIONS] = {
    {"model", "the transformer; what is not given comes from the preset"},
    {"data", "what it learns from"},
    {"train", "how it learns"},
    {"parallel", "how the work is split over the ranks"},
    {"hardware", "how simulated time passes"},
    {"chip", "the accelerator of a machine; the profile's file gives every number"},
    {"node", "how accelerators are joined, in a node and to others"},
    {"software", "what a training stack makes of it"},
    {"output", "what is kept"},
};

/* Where a row's value lives. */
#define FIELD(member) .offset = offsetof(Config, member), .size = sizeof(((Config *)NULL)->member)
#define CHIP(member) FIELD(machine.chip.member)
#define NODE(member) FIELD(node.member)
#define SOFTWARE(member) FIELD(machine.software.member)
#define VECTOR(kind) CHIP(vector_gflops[WORK_##kind])

#define VECTOR_MORE                                                                                    \
    "Operations as the kernels count them. An accelerator has more of these than its memory feeds; a " \
    "CPU may not, where there are exponentials, roots or sums along rows. `sim calibrate` measures it.\n"

const ConfigRow config_rows[CONFIG_ROWS] = {
    {"model", "preset", ROW_CHOICE, ALWAYS, FIELD(model.preset), "toy", .choices = preset_names,
     .example = "small", .help = "a model with a name",
     .more = "A preset gives the keys layers to rope_base of [model] and nothing else. A key that "
             "stands in the file overrides it, above or below the preset. A preset given by --set "
             "overrides the file's keys too: after --set model.preset=gpt2-124m the model is GPT-2, "
             "whatever the file says.\n"},
    {"model", "layers", ROW_INTEGER, ALWAYS, FIELD(model.shape.layers), NULL, 1, 1e6, .example = "12",
     .help = "transformer blocks"},
    {"model", "hidden", ROW_INTEGER, ALWAYS, FIELD(model.shape.hidden), NULL, 1, 1e7, .example = "768",
     .help = "width of a token's vector; a multiple of heads",
     .more = "A block of GPT-2's kind has 12 hidden^2 + 13 hidden parameters (with ffn = 4 hidden).\n"},
    {"model", "heads", ROW_INTEGER, ALWAYS, FIELD(model.shape.heads), NULL, 1, 1e6, .example = "12",
     .help = "attention heads, hidden / heads wide each"},
    {"model", "kv_heads", ROW_INTEGER, ALWAYS, FIELD(model.shape.kv_heads), NULL, 0, 1e6, .example = "4",
     .help = "heads of keys and values; 0 is as many as heads",
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
     .more = "learned: a row of wpe.weight is added to the embedding; sinusoidal: sines and cosines are, to "
             "sqrt(hidden) times it (arXiv 1706.03762); rope: queries and keys are turned (Su et al., arXiv "
             "2104.09864), in Hugging Face Llama's convention, so hidden / heads is even.\n"},
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
         "LlamaModel has them, embed_tokens.weight and so on. Files that output.weights wrote fit, whatever "
         "the split they were trained under; those of a 16-bit run are rounded to 16 bits, and what a later "
         "run's optimizer holds in 32 begins there. Values are floating point of any width, all of them "
         "finite in train.precision; a head in a file for a tied model must be the embedding, bit for bit. "
         "Random weights are GPT-2's: normal, deviation 0.02, divided by sqrt(2 layers) for the two "
         "projections that end a block's halves, drawn from train.seed.\n"},

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

    {"train", "steps", ROW_INTEGER, ALWAYS, FIELD(train.steps), "100", 0, 1e9, .example = "1000",
     .help = "updates of the weights; 0: only what [output] asks for"},
    {"train", "global_batch", ROW_INTEGER, ALWAYS, FIELD(train.global_batch), "24", 1, 1e9, .example = "48",
     .help = "samples a step, of all ranks together",
     .more =
         "A multiple of replicas x microbatch; a replica is a rank, or pp x tp of them. 24 divides over 1, "
         "2, 3, 4, 6, 8, 12 and 24 replicas.\n"},
    {"train", "microbatch", ROW_INTEGER, ALWAYS, FIELD(train.microbatch), "0", 0, 1e9, .example = "1",
     .help = "samples a rank runs at once; 0: all its share",
     .more =
         "A replica of the model (a rank, or pp x tp of them) runs global_batch / (replicas x microbatch) "
         "microbatches a step and adds up their gradients. Small ones save activation memory, and keep "
         "the stages of a pipeline busy. With 0 there is one microbatch, global_batch / replicas "
         "samples large; then ddp, zero1, zero2 and zero3 give the same weights to the last bit. With "
         "several, zero2 and zero3 send after each (see parallel.reduce), which adds in another order "
         "and moves more bytes.\n"},
    {"train", "optimizer", ROW_CHOICE, ALWAYS, FIELD(train.optimizer.kind), "adamw", .choices = optimizers,
     .example = "adamw", .help = "what turns gradients into updates",
     .more = "State, in values a parameter: sgd 0, momentum, rmsprop and adagrad 1, adam and adamw 2. This "
             "is what ZeRO's first stage shards. Adam: Kingma & Ba, arXiv 1412.6980; AdamW: Loshchilov & "
             "Hutter, arXiv 1711.05101.\n"},
    {"train", "learning_rate", ROW_NUMBER, ALWAYS, FIELD(train.learning_rate), "1e-3", 0, 1000,
     .example = "3e-4", .help = "the highest; after warm-up, before decay"},
    {"train", "warmup", ROW_INTEGER, ALWAYS, FIELD(train.warmup), "0", 0, 1e9, .example = "100",
     .help = "steps over which the rate rises from 0; at most steps",
     .more = "Update n of these has n/warmup of learning_rate. A step that fp16 skips is no update: "
             "the schedule of the rate waits for it, here and in decay.\n"},
    {"train", "decay", ROW_CHOICE, ALWAYS, FIELD(train.decay), "cosine", .choices = decays,
     .example = "constant", .help = "the rate after warm-up; cosine falls to a tenth",
     .more = "constant stays at learning_rate. cosine is half a period of a cosine from learning_rate, "
             "at the end of the warm-up, to a tenth of it at the last step; each that fp16 skips leaves it "
             "one short of that.\n"},
    {"train", "weight_decay", ROW_NUMBER, ALWAYS, FIELD(train.optimizer.weight_decay), "0.1", 0, 1000,
     .example = "0.01", .help = "pull towards 0, on matrices only",
     .more = "Biases and norms are left alone. adamw decays weights by learning_rate x weight_decay; "
             "the others add weight_decay x weight to the gradient, as PyTorch does.\n"},
    {"train", "beta1", ROW_NUMBER, WITH_ADAM, FIELD(train.optimizer.beta1), "0.9", 0, 1, .high_out = true,
     .example = "0.9", .help = "adam, adamw: memory of the mean gradient"},
    {"train", "beta2", ROW_NUMBER, WITH_ADAM, FIELD(train.optimizer.beta2), "0.95", 0, 1, .high_out = true,
     .example = "0.95", .help = "adam, adamw: memory of its square"},
    {"train", "epsilon", ROW_NUMBER, WITH_ROOTS, FIELD(train.optimizer.epsilon), "1e-8", 0, 1,
     .low_out = true, .example = "1e-8", .help = "all but sgd, momentum: added to the root of the square"},
    {"train", "momentum", ROW_NUMBER, WITH_MOMENTUM, FIELD(train.optimizer.momentum), "0.9", 0, 1,
     .high_out = true, .example = "0.9", .help = "momentum: memory of the update"},
    {"train", "alpha", ROW_NUMBER, WITH_RMSPROP, FIELD(train.optimizer.alpha), "0.99", 0, 1, .high_out = true,
     .example = "0.9", .help = "rmsprop: memory of the squared gradient"},
    {"train", "clip", ROW_NUMBER, ALWAYS, FIELD(train.clip), "1", 0, 1e9, .example = "1.0",
     .help = "longest gradient, as a norm over all parameters; 0: off",
     .more = "A longer gradient is scaled down to this norm (Pascanu et al., arXiv 1211.5063). Under "
             "ZeRO each rank squares and adds its shard; the sums travel, not the gradients.\n"},
    {"train", "precision", ROW_CHOICE, ALWAYS, FIELD(train.precision), "fp32",
     .choices = config_precision_names, .example = "fp32",
     .help = "what parameters, activations and gradients are kept in",
     .more =
         "Mixed precision (Micikevicius et al., arXiv 1710.03740): with bf16 and fp16 these are kept in 16 "
         "bits and computed with in 32; the optimizer holds the parameters and its state in 32, so adam "
         "needs 2 + 2 + 12 bytes a parameter, or 2 + 4 + 12 (see gradients). fp16 scales the loss up, so "
         "that small gradients are not lost; see loss_scale.\n"},
    {"train", "gradients", ROW_CHOICE, WITH_16_BITS, FIELD(train.gradients), "auto",
     .choices = gradient_types, .example = "fp32", .help = "bf16, fp16: what gradients are kept and added in",
     .more =
         "In 16 bits the sum over many microbatches loses what is small beside it: of 512 in bf16 several "
         "percent. fp32: they are kept, and travel between ranks, in 32 bits, as Megatron's are, 2 + 4 + 12 "
         "bytes a parameter with adam. same: in train.precision, 2 + 2 + 12. auto is fp32 where a step has "
         "several microbatches, and same where it has one.\n"},
    {"train", "loss_scale", ROW_NUMBER, WITH_FP16, FIELD(train.loss_scale), "65536", 1, 1e30,
     .example = "1024", .help = "fp16: what the loss is multiplied by at first",
     .more = "Where a gradient overflows on any rank, all skip the step, with the schedule of the learning "
             "rate held, and the scale is multiplied by loss_scale_backoff; after loss_scale_interval steps "
             "without, it is doubled. Where 2^-24 overflows too the run ends. Recorded as /steps/loss_scale "
             "and /steps/skipped.\n"},
    {"train", "loss_scale_backoff", ROW_NUMBER, WITH_FP16, FIELD(train.loss_scale_backoff), "0.5", 0, 1,
     .low_out = true, .high_out = true, .example = "0.5",
     .help = "fp16: what an overflow multiplies the scale by"},
    {"train", "loss_scale_interval", ROW_INTEGER, WITH_FP16, FIELD(train.loss_scale_interval), "2000", 1, 1e9,
     .example = "100", .help = "fp16: steps without overflow until the scale doubles"},
    {"train", "recompute", ROW_CHOICE, WITH_KEPT_SCORES, FIELD(train.recompute), "none",
     .choices = recomputes, .example = "selective", .help = "what backward computes again to save memory",
     .more =
         "Korthikanti et al., arXiv 2205.05198. none: all activations are kept from forward for backward. "
         "selective: the attention's probabilities, heads x sequence of them a position, are computed again "
         "from q and k. full: only each block's input is kept, and backward runs the block forward once more "
         "(with tp its communication, too). The numbers are the same.\n"},
    {"train", "seed", ROW_INTEGER, WITH_DRAWN_WEIGHTS, FIELD(train.seed), "1", .example = "7",
     .help = "of the random weights"},

    {"parallel", "data", ROW_CHOICE, ALWAYS, FIELD(parallel.kind), "ddp", .choices = config_data_names,
     .example = "zero3", .help = "what each rank holds, and what moves",
     .more = "Every rank has its own samples; they differ in who holds what. Bytes a parameter, fp32 "
             "with Adam, N ranks; and values a rank sends a step, in model sizes, with one microbatch:\n"
             "@           held by a rank                   sent by a rank\n"
             "@    dp     16 on rank 0, 8 on the others    a copy out to each, gradients back to rank 0\n"
             "@    ddp    4 + 4 + 8                        2 (N-1)/N   all-reduce\n"
             "@    zero1  4 + 4 + 8/N                      2 (N-1)/N   reduce-scatter, all-gather\n"
             "@    zero2  4 + 4/N + 8/N                    2 (N-1)/N   reduce-scatter, all-gather\n"
             "@    zero3  4/N + 4/N + 8/N                  3 (N-1)/N   two all-gathers, reduce-scatter\n"
             "The three terms are parameters, gradients and optimizer state. ZeRO: Rajbhandari et al., "
             "arXiv 1910.02054; DDP: Li et al., arXiv 2006.15704. Each has a file in configs/ that "
             "explains it.\n"},
    {"parallel", "reduce", ROW_CHOICE, WITH_SHARDED_GRADIENTS, FIELD(parallel.reduce), "auto",
     .choices = reduce_moments, .example = "step",
     .help = "zero2, zero3: when gradients are summed over the ranks",
     .more = "It matters where a step has several microbatches, m of them. microbatch: after each, so a rank "
             "holds 1/N of the gradients and sends them m times. step: once, after the last, so a rank holds "
             "whole gradients and sends them once. auto is microbatch for zero2 and zero3. dp, ddp and "
             "zero1 hold whole gradients in any case, and sum them once a step.\n"},
    {"parallel", "gather", ROW_CHOICE, WITH_WHOLE_PARAMETERS, FIELD(parallel.gather), "step",
     .choices = gather_moments, .example = "forward",
     .help = "zero1, zero2: when updated parameters reach all ranks",
     .more =
         "step: as the step ends, and all wait. forward: as the next step begins, bucket by bucket in the "
         "order "
         "in which its forward needs them, so that with overlap most of it goes on beside computing, or "
         "while a "
         "later stage waits for its first microbatch (Megatron-Core's overlap_param_gather). The numbers and "
         "the bytes are the same either way; the first step gathers, too. zero3 gathers before each use in "
         "any "
         "case.\n"},
    {"parallel", "bucket_mb", ROW_NUMBER, WITH_BUCKETS, FIELD(parallel.bucket_mb), "25", 0, 1e6,
     .example = "1", .help = "MB (1e6 bytes) of gradients sent together",
     .more = "ddp, zero1 and zero2. Backward fills a bucket unit by unit; it closes, and is sent, at "
             "the first unit boundary at or past this size. A unit is the embedding, one block, or the "
             "final norm and head; 0 sends each unit alone. Large buckets cost fewer messages, small "
             "ones start earlier. 25 is PyTorch's. zero3 moves unit by unit, dp all at once.\n"},
    {"parallel", "quantize", ROW_CHOICE, WITH_SENT_BLOCKS, FIELD(parallel.quantize), "none",
     .choices = quantizations, .example = "both", .help = "what travels between replicas in 8 bits",
     .more =
         "ZeRO++, Wang et al., arXiv 2306.10209: an int8 a value and a 32-bit scale, max|x| / 127, for each "
         "block of 256 values of a tensor: a quarter of the bytes of fp32, and every value within half its "
         "block's scale.\n"
         "parameters (qwZ): zero1 and zero2 after the step, zero3 before each use. All ranks compute with "
         "what arrived; what the optimizer updates stays exact, for which zero1 and zero2 keep 4/N bytes a "
         "parameter more. gradients (qgZ): each rank sends every other rank its block, rounded once, and "
         "the owner adds in 32 bits; ddp rounds the sums once more, on their way back. The training is "
         "another one: set it beside the unquantised run in sim plot.\n"},
    {"parallel", "reduce_fp32", ROW_SWITCH, WITH_ROUNDED_SUMS, FIELD(parallel.reduce_fp32), "no",
     .example = "yes", .help = "reduce 16-bit gradients in 32 bits over replicas",
     .more =
         "Gradients travel as they are kept (train.gradients); in 16 bits each addition of a ring rounds. "
         "With yes those are widened first and rounded once at the end, for twice the bytes. Quantised "
         "gradients are added in 32 bits in any case; with it zero2 and zero3 add those of several "
         "microbatches so, too.\n"},
    {"parallel", "overlap", ROW_SWITCH, WITH_RINGS, FIELD(parallel.overlap), "yes", .example = "no",
     .help = "communication goes on while the ranks compute",
     .more = "yes: messages are moved along between kernels. no: communication and computing take "
             "turns. The numbers are the same either way.\n"},

    {"parallel", "tp", ROW_INTEGER, ALWAYS, FIELD(tensor.size), "1", 1, 65536, .example = "2",
     .help = "ranks that share every matrix: tensor parallelism",
     .more =
         "Shoeybi et al., arXiv 1909.08053. Attention is split by heads, the MLP by columns then rows, the "
         "embedding and the head by vocabulary (padded to a multiple of tp). A block costs two all-reduces "
         "of the activations forward and two backward, for every microbatch. tp divides model.heads, "
         "model.ffn and the ranks; ranks / (pp tp) replicas of the model share the batch.\n"},
    {"parallel", "sequence_parallel", ROW_SWITCH, WITH_TENSOR_PARALLELISM, FIELD(tensor.sequence_parallel),
     "no", .example = "yes", .help = "with tp: norms and residuals on 1/tp of the sequence",
     .more =
         "Korthikanti et al., arXiv 2205.05198. The same bytes as all-gathers and reduce-scatters, 1/tp of "
         "the activations outside attention and MLP; backward gathers the norms' outputs once more. "
         "tp divides model.sequence.\n"},

    {"parallel", "tensor_overlap", ROW_CHOICE, WITH_TENSOR_OVERLAP, FIELD(tensor.overlap), "none",
     .choices = tensor_overlaps, .example = "bulk", .help = "with tp: what its communication goes on beside",
     .more =
         "none: the ranks wait for each. bulk: in backward the sum of a linear layer's input gradient goes "
         "on "
         "beside the product that makes its weights' gradient, and under sequence_parallel the input's "
         "second "
         "gathering beside the product that makes its own, as Megatron-LM does it (arXiv 2205.05198, section "
         "4.2.2). zb-h1 computes these products apart, so there is nothing to do it beside. The numbers are "
         "the same, bit for bit; a whole input and a whole gradient are held at once.\n"
         "pipelined, under sequence_parallel: that, and all else that enters a block's products or leaves "
         "them "
         "does so in tensor_pieces, as Megatron-Core with Transformer Engine does it (--tp-comm-overlap): a "
         "rank multiplies its own rows, then each piece of the others' as it comes; and sends a piece of a "
         "result when it is multiplied. As many bytes in more messages and more, smaller products, each of "
         "which takes whole waves of tiles; the numbers are the same to rounding. With zb-h1 only what goes "
         "by pieces is hidden.\n"},
    {"parallel", "tensor_pieces", ROW_INTEGER, WITH_PIECES, FIELD(tensor.pieces), "4", 1, REGION_PIECES,
     .example = "8", .help = "pipelined: that a rank's rows cross in",
     .more =
         "Of each sample's sequence / tp rows; no more than there are. Many small ones hide more of what is "
         "sent, and cost more launches and tiles that are not full.\n"},

    {"parallel", "scatter_messages", ROW_SWITCH, WITH_WHOLE_BORDERS, FIELD(tensor.scatter), "no",
     .example = "yes", .help = "with tp and pp: each rank sends 1/tp to the next stage",
     .more =
         "Narayanan et al., arXiv 2104.04473, section 4.1. All ranks of a tensor group hold the same at a "
         "border of stages. yes: each sends a part, and those of the next stage gather them, which is "
         "cheaper where a node's links are faster than what joins nodes. no: each sends all. Under "
         "sequence_parallel each holds a part in any case.\n"},

    {"parallel", "pp", ROW_INTEGER, ALWAYS, FIELD(pipeline.size), "1", 1, 65536, .example = "2",
     .help = "ranks that hold the layers one after the other",
     .more = "Pipeline parallelism: the layers are cut into pp x virtual_stages stages, as even as "
             "can be or as layers_per_stage says. A microbatch's activations go from stage to stage, "
             "and its gradients back; ranks that wait for them are the bubble. pp x tp divides the ranks; "
             "ranks / (pp tp) replicas of the model share the batch. `sim schedule --config FILE` draws who "
             "computes what, and when.\n"},
    {"parallel", "schedule", ROW_TEXT, WITH_AN_ORDER, FIELD(pipeline.schedule), "1f1b", .required = true,
     .example = "zb-h1", .help = "in which order the stages compute, or a file of it",
     .more = "Of p ranks with m microbatches, where a backward takes twice a forward:\n"
             "@                  bubble               held at most by rank r\n"
             "@    naive         (p-1)/p              1         one microbatch under way in all\n"
             "@    gpipe         (p-1)/(m+p-1)        m         all forward, then all backward\n"
             "@    1f1b          (p-1)/(m+p-1)        p - r     backward as soon as it can be\n"
             "@    interleaved   (p-1)/(v m+p-1)      2 (p-1-r) + (v-1) p + 1, each 1/v as large\n"
             "@    zb-h1         (p-1)/(3 m+p-1)      p         backward in two halves, I and W\n"
             "v is virtual_stages, and m is a multiple of p for interleaved. zb-h1's is for m of p or more. "
             "gpipe: Huang et al., arXiv 1811.06965; 1f1b: Narayanan et al., arXiv 2006.09503; interleaved: "
             "Narayanan et al., arXiv 2104.04473; zb-h1: Qi et al., arXiv 2401.10241.\n"
             "A value that ends in .csv is the path of a schedule of your own, in the notation of PyTorch's "
             "torch.distributed.pipelining: a line a rank, each cell a stage, one of F, B, I and W, and a "
             "microbatch, such as 0F0,0F1,0B0,0B1; or a forward and a backward that overlap, as DualPipeV's "
             "(0F7;7B3)OVERLAP_F_B, run one after the other. `sim schedule --csv` writes one to begin with. "
             "It is checked, and walked on paper for deadlocks, before anything runs.\n"},
    {"parallel", "virtual_stages", ROW_INTEGER, WITH_CHUNKS, FIELD(pipeline.virtual_stages), "1", 1, 65536,
     .example = "2", .help = "interleaved: stages a rank of the pipeline holds",
     .more =
         "Stage s is on rank s % pp, so a microbatch visits every rank virtual_stages times: the bubble is "
         "as many times smaller, and as many times more bytes go between ranks. At most layers / pp. A "
         "schedule from a file brings its own number.\n"},

    {"parallel", "layers_per_stage", ROW_LIST, WITH_STAGES, FIELD(pipeline.layers), "", 1, 1e6,
     .example = "7,8,8,9", .help = "transformer blocks of each stage; empty: as even as can be",
     .more =
         "One number for each of the pp x virtual_stages stages, in the order of the model, model.layers in "
         "all. Empty: where the layers do not divide, the first stages have one more; but they also hold the "
         "most microbatches, the first the embedding and the last the head, so 7,8,8,9 or 8,8,9,7 may fit "
         "better. The numbers that are trained are the same, and the ideal profile makes no difference "
         "between stages; bytes, memory and measured time follow the layers.\n"},

    {"hardware", "profile", ROW_TEXT, ALWAYS, FIELD(hardware.name), "ideal", .required = true,
     .example = "measured", .help = "where simulated time comes from: ideal, measured, given, or a machine",
     .more =
         "ideal: all stages are alike, however many layers they have, F takes 1 s, B 2 s, its halves I and W "
         "1 s each, and messages take no time: what the papers' bubbles count on. With v virtual stages a "
         "rank each takes 1/v of that. train.recompute = full makes B and I 1 s longer, selective by the "
         "share of a forward that QK^T is, s / (4 h + 2 ffn + 2 s) with sequence s and hidden h. given: the "
         "same with F, I, W and a message between stages of so many milliseconds. measured: computing takes "
         "the CPU time it took here, a message latency_us and its bytes over bandwidth_gb; ranks that share "
         "a core are then timed as if each had its own.\n"
         "Any other value is a machine: the name of a file in configs/hardware, or the path of one that ends "
         "in .ini. Every kernel of the step then takes what its shape takes on that chip. The file gives "
         "[chip], [node] and [software]; the config, and --set, outrank it.\n"
         "localhost is this machine: localhost.ini in the current folder, which `sim calibrate` measures and "
         "writes. A dry run then foretells what a real one takes here.\n"},
    {"hardware", "forward_ms", ROW_NUMBER, WITH_GIVEN, FIELD(hardware.forward_ms), "1", 0, 1e9,
     .low_out = true, .example = "18.5",
     .help = "given: milliseconds of F, a microbatch's forward on one rank"},
    {"hardware", "input_ms", ROW_NUMBER, WITH_GIVEN, FIELD(hardware.input_ms), "1", 0, 1e9, .low_out = true,
     .example = "18.1", .help = "given: of I, the input's half of a backward; B is I and W"},
    {"hardware", "weight_ms", ROW_NUMBER, WITH_GIVEN, FIELD(hardware.weight_ms), "1", 0, 1e9, .low_out = true,
     .example = "9.3", .help = "given: of W, the weights' half of a backward"},
    {"hardware", "message_ms", ROW_NUMBER, WITH_GIVEN, FIELD(hardware.message_ms), "0", 0, 1e9,
     .example = "0.6", .help = "given: from a stage's sending to its neighbour's receiving",
     .more = "Sending takes the sender no time. All else that is sent takes none.\n"},
    {"hardware", "latency_us", ROW_NUMBER, WITH_LINKS, FIELD(hardware.latency_us), "5", 0, 1e9,
     .example = "2", .help = "measured: microseconds before a message's first byte",
     .more = "Of a link between any two ranks. A machine's links are its node's: [node].\n"},
    {"hardware", "bandwidth_gb", ROW_NUMBER, WITH_LINKS, FIELD(hardware.bandwidth), "25", 0, 1e9,
     .low_out = true, .example = "50", .help = "measured: GB (1e9 bytes) a second of a link",
     .more = "In each direction, between any two ranks. 25 is 200 Gbit/s.\n"},
    {"hardware", "order", ROW_CHOICE, WITH_A_MACHINE, FIELD(hardware.order), "tp-dp-pp",
     .choices = rank_orders, .example = "tp-pp-dp",
     .help = "which ranks lie side by side in a node, from inside out",
     .more = "tp-dp-pp: the slices of a replica's stage, then the replicas, then the stages. What lies in a "
             "node talks "
             "over its links; what does not, over its part of the node's cards.\n"},
    {"hardware", "all_reduce", ROW_CHOICE, WITH_A_MACHINE, FIELD(hardware.all_reduce), "ring",
     .choices = all_reduces, .example = "hierarchical",
     .help = "how gradients and activations are summed over nodes",
     .more =
         "ring: one over all members. tree: over pairs of binary trees whose nodes are those of the machine, "
         "with a chain inside each (NCCL since 2.4): half of each pair's bytes over either tree, up to its "
         "root and down again. A step for each level instead of one for each rank: sooner for short messages "
         "over many nodes. Leaves send less than others; all together as much as on a ring. auto: where a "
         "group lies over several nodes, ring or tree, whichever takes less for that group and that many "
         "bytes (node.collectives says how they are carried); in one node, ring. hierarchical: where a group "
         "has as many members in each of its nodes, two or more, a reduce-scatter inside each node, "
         "an all-reduce of each block across, and an all-gather inside. A rank sends as much as on a ring; "
         "of "
         "g members a node 1/g of it leaves the node.\n"
         "Each adds in an order of its own, always the same, so losses differ in rounding; and ring alone "
         "adds "
         "in that of a reduce-scatter, so that ddp and zero1 are the same to the last bit. Published steps "
         "and all-reduces over two nodes with four cards took what a ring takes, up to twice what auto "
         "foretells.\n"},

    {"chip", "peak_16_tflops", ROW_NUMBER, WITH_A_MACHINE, CHIP(peak_16_tflops), "", 0, 1e9, .low_out = true,
     .example = "312", .help = "1e12 operations a second on bf16 and fp16, without sparsity",
     .more = "A multiplication and an addition are two. 312: A100 (NVIDIA's data sheet).\n"},
    {"chip", "peak_32_tflops", ROW_NUMBER, WITH_A_MACHINE, CHIP(peak_32_tflops), "", 0, 1e9, .low_out = true,
     .example = "19.5", .help = "1e12 operations a second on fp32"},
    {"chip", "processors", ROW_INTEGER, WITH_A_MACHINE, CHIP(processors), "", 1, 1e6, .example = "108",
     .help = "that a product's tiles are dealt to: streaming multiprocessors",
     .more = "A product of m x n is cut into tiles, and takes whole waves of them: one tile more than there "
             "are processors takes twice as long.\n"},
    {"chip", "sustained", ROW_NUMBER, WITH_A_MACHINE, CHIP(sustained), "", 0, 1, .low_out = true,
     .example = "0.88", .help = "share of the peak that the clock allows under power"},
    {"chip", "tile_traffic", ROW_NUMBER, WITH_A_MACHINE, CHIP(tile_traffic), "", 0, 1e6, .example = "6",
     .help = "what operands cost a tile of tm x tn: this (1/tm + 1/tn) of its time"},
    {"chip", "cut_tiles", ROW_SWITCH, WITH_A_MACHINE, CHIP(cut_tiles), "no", .example = "yes",
     .help = "a tile that ends where the product does takes as much less",
     .more = "no: what a tile has beyond the product is computed in vain, as on tensor cores. yes: a CPU's "
             "vectors compute what there is, and tile_traffic counts 1/k too, tile_us once a product.\n"},
    {"chip", "tile_us", ROW_NUMBER, WITH_A_MACHINE, CHIP(tile_us), "", 0, 1e6, .example = "1.2",
     .help = "microseconds to begin and end a tile"},
    {"chip", "misaligned", ROW_NUMBER, WITH_A_MACHINE, CHIP(misaligned), "", 0, 1, .low_out = true,
     .example = "0.5", .help = "share of a product's speed when m, n or k is no multiple of 8"},
    {"chip", "flash_forward", ROW_NUMBER, WITH_A_MACHINE, CHIP(flash_forward), "", 0, 1, .low_out = true,
     .example = "0.7", .help = "share of the sustained peak that flash attention reaches"},
    {"chip", "flash_backward", ROW_NUMBER, WITH_A_MACHINE, CHIP(flash_backward), "", 0, 1, .low_out = true,
     .example = "0.55", .help = "and its backward"},
    {"chip", "memory_gb", ROW_NUMBER, WITH_A_MACHINE, CHIP(memory_gb), "", 0, 1e9, .low_out = true,
     .example = "80", .help = "GB (1e9 bytes) of memory"},
    {"chip", "bandwidth_gb", ROW_NUMBER, WITH_A_MACHINE, CHIP(bandwidth_gb), "", 0, 1e9, .low_out = true,
     .example = "2039", .help = "GB (1e9 bytes) a second of memory"},
    {"chip", "stream", ROW_NUMBER, WITH_A_MACHINE, CHIP(stream), "", 0, 1, .low_out = true, .example = "0.88",
     .help = "share of that in long runs over parameters: the optimizer's"},
    {"chip", "elementwise", ROW_NUMBER, WITH_A_MACHINE, CHIP(elementwise), "", 0, 1, .low_out = true,
     .example = "0.64", .help = "share of that in kernels over activations"},
    {"chip", "gap_us", ROW_NUMBER, WITH_A_MACHINE, CHIP(gap_us), "", 0, 1e6, .example = "1.15",
     .help = "microseconds to start and drain a kernel"},
    {"chip", "softmax_gflops", ROW_NUMBER, WITH_A_MACHINE, VECTOR(SOFTMAX), "0", 0, 1e9, .example = "2",
     .help = "1e9 operations a second of attention's softmax; 0: memory bounds it", .more = VECTOR_MORE},
    {"chip", "norm_gflops", ROW_NUMBER, WITH_A_MACHINE, VECTOR(NORM), "0", 0, 1e9, .example = "5",
     .help = "of norms; 0: memory bounds them", .more = VECTOR_MORE},
    {"chip", "activation_gflops", ROW_NUMBER, WITH_A_MACHINE, VECTOR(ACTIVATION), "0", 0, 1e9,
     .example = "12", .help = "of activations; 0: memory bounds them", .more = VECTOR_MORE},
    {"chip", "loss_gflops", ROW_NUMBER, WITH_A_MACHINE, VECTOR(CROSS_ENTROPY), "0", 0, 1e9, .example = "1",
     .help = "of the loss; 0: memory bounds it", .more = VECTOR_MORE},
    {"chip", "squares_gflops", ROW_NUMBER, WITH_A_MACHINE, VECTOR(SQUARES), "0", 0, 1e9, .example = "5",
     .help = "of the gradients' norm; 0: memory bounds it", .more = VECTOR_MORE},
    {"chip", "draws_g", ROW_NUMBER, WITH_A_MACHINE, VECTOR(DROPOUT), "0", 0, 1e9, .example = "0.7",
     .help = "1e9 numbers a second that dropout draws; 0: memory bounds it", .more = VECTOR_MORE},

    {"node", "host", ROW_TEXT, WITH_A_MACHINE, NODE(host), "", .example = "vm-1, Xeon",
     .help = "the machine these numbers were measured on; empty: none that runs sim",
     .more = "Its name and its processor, as `sim calibrate` writes them. A real run there reports its step "
             "as foretold beside the one it measured.\n"},
    {"node", "devices", ROW_INTEGER, WITH_A_MACHINE, NODE(devices), "", 1, 1e6, .example = "8",
     .help = "accelerators in a node; ranks fill node after node"},
    {"node", "link_gb", ROW_NUMBER, WITH_A_MACHINE, NODE(link_gb), "", 0, 1e9, .low_out = true,
     .example = "300", .help = "GB (1e9 bytes) a second of one's links inside, in each direction",
     .more =
         "All of a device's links together. NVIDIA's data sheets add up both directions: half of that.\n"},
    {"node", "link_share", ROW_NUMBER, WITH_A_MACHINE, NODE(link_share), "1", 0, 1, .low_out = true,
     .example = "0.77", .help = "share of that which a collective or a message reaches"},
    {"node", "pair_share", ROW_NUMBER, WITH_A_MACHINE, NODE(pair_share), "1", 0, 1, .low_out = true,
     .example = "0.333", .help = "share of a device's links that lead to one other",
     .more = "1: all lead to a switch, through which a device reaches any other with all of them. Of four "
             "devices joined "
             "directly each has a third of its links to each other one.\n"},
    {"node", "link_us", ROW_NUMBER, WITH_A_MACHINE, NODE(link_us), "0", 0, 1e9, .example = "2",
     .help = "microseconds before the first byte, inside"},
    {"node", "cards", ROW_INTEGER, WITH_A_MACHINE, NODE(cards), "", 0, 1e6, .example = "8",
     .help = "of a node to the network; 0: none, and ranks must fit one node",
     .more = "Each device has its part of them, so rings of fewer members a node share what one ring over "
             "all its "
             "devices has alone.\n"},
    {"node", "card_gb", ROW_NUMBER, WITH_CARDS, NODE(card_gb), "25", 0, 1e9, .low_out = true, .example = "50",
     .help = "GB (1e9 bytes) a second of a card, in each direction", .more = "25 is 200 Gbit/s.\n"},
    {"node", "card_share", ROW_NUMBER, WITH_CARDS, NODE(card_share), "1", 0, 1, .low_out = true,
     .example = "0.92", .help = "share of that which a collective reaches"},
    {"node", "message_share", ROW_NUMBER, WITH_CARDS, NODE(message_share), "1", 0, 1, .low_out = true,
     .example = "0.4", .help = "and a message between two devices of their part"},
    {"node", "card_us", ROW_NUMBER, WITH_CARDS, NODE(card_us), "0", 0, 1e9, .example = "5",
     .help = "microseconds before the first byte, between nodes"},
    {"node", "any_card", ROW_SWITCH, WITH_CARDS, NODE(any_card), "no", .example = "yes",
     .help = "a device reaches each card of its node at full rate (NCCL's PXN)",
     .more = "no: a ring whose members in a node do not lie side by side (data parallelism beside tp = 2 or "
             "4) goes "
             "through one card there, and all rings like it through the same.\n"},
    {"node", "switch_gb", ROW_NUMBER, WITH_A_CARRIER, NODE(switch_gb), "0", 0, 1e9, .example = "480",
     .help = "GB a second of an all-reduce that the switch adds (NVLS); 0: it does not",
     .more = "In bus bandwidth, 2 (n-1)/n of the bytes over the time, of all-reduces inside a node on three "
             "devices "
             "or more. Only the time is the switch's; what is sent is counted as a ring's.\n"},
    {"node", "collectives", ROW_CHOICE, WITH_A_MACHINE, NODE(carrier), "ideal", .choices = carriers,
     .example = "nccl-ampere", .help = "what carries them: ideal, or NCCL's protocols, by chip",
     .more =
         "ideal: each step of a ring takes link_us or card_us and its bytes over the bandwidth. nccl: the "
         "fastest of LL, LL128 and Simple by NCCL's own model, which has latencies of its own.\n"},
    {"node", "collective_us", ROW_NUMBER, WITH_A_CARRIER, NODE(collective_us), "0", 0, 1e9, .example = "25",
     .help = "microseconds to launch a collective, beside NCCL's model"},
    {"node", "simple_us", ROW_NUMBER, WITH_A_CARRIER, NODE(simple_us), "0", 0, 1e9, .example = "62",
     .help = "and more where it is carried by Simple, or by the switch"},

    {"node", "taken", ROW_NUMBER, WITH_A_MACHINE, NODE(taken), "0", 0, 1, .example = "0.2",
     .help = "share of computing that a collective under way beside it takes",
     .more = "NCCL's kernels run on the same processors. A collective that is hidden behind computing makes "
             "it longer by "
             "this share of its own time.\n"},

    {"software", "sender_waits", ROW_SWITCH, WITH_A_MACHINE, NODE(sender_waits), "no", .example = "yes",
     .help = "a message between stages keeps its sender until it has arrived"},
    {"software", "message_us", ROW_NUMBER, WITH_A_MACHINE, NODE(message_us), "0", 0, 1e9, .example = "100",
     .help = "microseconds of the host and its waiting, of a message"},
    {"software", "fused_bias", ROW_SWITCH, WITH_A_MACHINE, SOFTWARE(fused_bias), "yes", .example = "no",
     .help = "a bias is added by the kernel behind it",
     .more =
         "Behind a product stand an activation, dropout or the residual sum. A kernel that is fused reads "
         "and writes nothing of its own, and is not launched.\n"},
    {"software", "fused_dropout", ROW_SWITCH, WITH_A_MACHINE, SOFTWARE(fused_dropout), "yes", .example = "no",
     .help = "dropout before a residual sum is done with it, forward"},
    {"software", "loss_passes", ROW_NUMBER, WITH_A_MACHINE, SOFTWARE(loss_passes), "1", 0, 1e3,
     .low_out = true, .example = "1.9", .help = "bytes the loss moves, in those of a fused one",
     .more = "Maximum, difference, exponential, sum and quotient in a kernel each move 38 bytes a logit; in "
             "two kernels 20.\n"},
    {"software", "accumulate_bytes", ROW_NUMBER, WITH_A_MACHINE, SOFTWARE(accumulate_bytes), "0", 0, 1e3,
     .example = "10", .help = "a parameter and microbatch, when its gradient joins the sum",
     .more = "0: the product that makes the gradient adds to the sum itself. In a kernel of its own it is "
             "read, 2 bytes, and the sum read and written, 8 in fp32.\n"},
    {"software", "optimizer_bytes", ROW_NUMBER, WITH_A_MACHINE, SOFTWARE(optimizer_bytes), "0", 0, 1e6,
     .example = "46", .help = "a parameter's update moves, norm and copies with it; 0: what it must",
     .more = "Adam on 16-bit parameters must move 30 with fp32 gradients, 4 more for their norm.\n"},
    {"software", "copies", ROW_SWITCH, WITH_A_MACHINE, SOFTWARE(copies), "no", .example = "yes",
     .help = "copying and zeroing memory take their bytes' time",
     .more = "no: results are written where they belong, and sums begin by writing.\n"},
    {"software", "step_ms", ROW_NUMBER, WITH_A_MACHINE, SOFTWARE(step_ms), "0", 0, 1e9, .example = "3",
     .help = "milliseconds of the host between two steps"},
    {"software", "launch_us", ROW_NUMBER, WITH_A_MACHINE, SOFTWARE(launch_us), "0", 0, 1e6, .example = "80",
     .help = "microseconds of the host for a kernel of a forward pass",
     .more = "The host goes ahead of the device and waits for it where a pass ends, so launching is hidden "
             "behind large kernels; small ones wait for it.\n"},
    {"software", "launch_backward_us", ROW_NUMBER, WITH_A_MACHINE, SOFTWARE(launch_backward_us), "0", 0, 1e6,
     .example = "16", .help = "and of a backward pass, which takes no interpreter"},

    {"output", "file", ROW_TEXT, ALWAYS, FIELD(output.file), "", .example = "results/try.h5",
     .help = "where the run is recorded; empty: results/NAME.h5",
     .more = "NAME is that of the ini file: zero3.ini records into results/zero3.h5; with --set "
             "parallel.schedule=my.csv it is that schedule's: results/my.h5. --output FILE does "
             "the same. An earlier finished run at that place is kept under another name, and so is "
             "what lies where weights or gradients go.\n"},
    {"output", "weights", ROW_TEXT, ALWAYS, FIELD(output.weights), "", .example = "results/weights.h5",
     .help = "HDF5 file for the weights at the end; empty: none",
     .more = "As model.init reads them. With train.steps = 0 these are the weights before the first "
             "step. Under bf16 and fp16 they are the 16-bit ones it computed with, not the optimizer's.\n"},
    {"output", "gradients", ROW_TEXT, ALWAYS, FIELD(output.gradients), "", .example = "results/gradients.h5",
     .help = "HDF5 file for the first step's gradients; empty: none",
     .more =
         "After the reduction over the ranks, before clipping, under the names of the weights. Under fp16 "
         "those of the first step that is not skipped; if every step is, there are none, and the run ends "
         "with status 1.\n"},
    {"output", "checkpoint", ROW_TEXT, ALWAYS, FIELD(output.checkpoint), "", .example = "results/ck.h5",
     .help = "HDF5 file of all that a run needs to go on; empty: none",
     .more =
         "Written after the last step, and every checkpoint_every steps before. The number of steps done "
         "goes "
         "into the name: results/ck.h5 makes results/ck-000120.h5. It holds the weights as the optimizer "
         "updates them, what the optimizer has besides, the loss scale and the place in the data, all of it "
         "whole: nothing in it depends on the split. Every rank writes its own parts, each tensor has a "
         "checksum, and the file appears complete or not at all. On a full disk a warning says so, and "
         "training goes on; a run whose last checkpoint is missing ends with status 1. Dry runs write "
         "none.\n"},
    {"output", "checkpoint_every", ROW_INTEGER, ALWAYS, FIELD(output.checkpoint_every), "0", 0, 1e9,
     .example = "20", .help = "with checkpoint: steps from one to the next; 0: only after the last step"},
    {"output", "checkpoint_keep", ROW_INTEGER, ALWAYS, FIELD(output.checkpoint_keep), "2", 0, 1e9,
     .example = "1", .help = "with checkpoint: how many of a run stay, the newest; 0: all",
     .more =
         "An older one goes when a new one is complete, so that there is one at any moment. Those of other "
         "runs stay: what lies where one goes is kept under another name.\n"},
    {"output", "baseline", ROW_TEXT, ALWAYS, FIELD(output.baseline), "", .example = "results/fp32.h5",
     .help = "run file whose losses this run's are held against; empty: none",
     .more =
         "/steps/loss_difference keeps the loss minus the baseline's, step by step, and the report sums it "
         "up: what 16 bits, 8 bits on the wire or another optimizer cost. Both runs must train on the same "
         "tokens: the same [data], model.vocab, model.sequence, train.global_batch and train.seed.\n"},
};
_Static_assert((int)CONFIG_ROWS <= (int)CONFIG_KEYS_MAX, "Config.origin has a place for every row");

const ConfigRow *config_row_at(int index)
{
    return &config_rows[index];
}
