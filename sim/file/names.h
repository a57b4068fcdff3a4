/* names.h - what a parameter is called in files of weights, and how it
 * lies there: as Hugging Face keeps models of GPT-2's family, or of Llama's, of which
 * DeepSeek-V2 and V3 are but for their attention and experts, and Mixtral but for its experts. */
#ifndef SIM_FILE_NAMES_H
#define SIM_FILE_NAMES_H
#include "models/layers/gpt_parameters.h"

/* Of each family the bare model's names, and those of a language model around it, which has all but the head under
 * a prefix: "transformer." in a GPT2LMHeadModel, "model." in a LlamaForCausalLM. Mixtral's are Llama's but for router and
 * experts, which under Llama's have DeepSeek's names. */
typedef enum {
    NAMES_GPT2,
    NAMES_GPT2_LM,
    NAMES_LLAMA,
    NAMES_LLAMA_LM,
    NAMES_MIXTRAL,
    NAMES_MIXTRAL_LM,
    NAMINGS
} Naming;
extern const char *const naming_title[NAMINGS];
/* Of Llama's family, Mixtral's among them. */
bool naming_is_llama(Naming naming);

/* What sim writes. Llama's family is RMSNorm first, SwiGLU, RoPE and no biases, and has a language model's names,
 * Mixtral's where the experts are as Mixtral has them; every other mixture has the bare GPT-2's, as its released files do. */
Naming naming_of(const GptShape *shape);

/* One tensor of a file: some columns of a parameter, or all. Of a vector columns are elements. */
typedef struct FileTensor {
    char path[80]; /* a '/' and the name */
    int64_t first, columns;
    bool transposed; /* [out, in] in the file */
} FileTensor;
/* The tensors that parameter p is in a file, in its columns' order; returns how many. */
int file_tensors(Naming naming, const Parameter *p, FileTensor tensor[CUT_PARTS]);

/* The name of a head's own matrix, of every family. */
#define HEAD_NAME "lm_head.weight"
/* A router's, in its layer; of DeepSeek the same. */
#define ROUTER_NAME "mlp.gate.weight"
/* What files of others hold beside the parameters: causal masks, RoPE's frequencies. */
bool naming_passes_over(Naming naming, const char *name);
#endif
