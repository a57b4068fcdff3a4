/* glossary.h - what PyTorch, DeepSpeed, Megatron-LM and Hugging Face call keys and values of a config. */
#ifndef SIM_CONFIG_GLOSSARY_H
#define SIM_CONFIG_GLOSSARY_H

typedef struct GlossaryTerm {
    const char *ours, *theirs; /* those between blanks */
} GlossaryTerm;
extern const GlossaryTerm glossary_keys[], glossary_choices[]; /* they end in NULL */

/* The key, "train.learning_rate", that others call `theirs`, "lr"; NULL: none. */
const char *glossary_key(const char *theirs);

/* Of `choices`, which end in NULL, that which others call `theirs`: zero3 of "fsdp". NULL: none. */
const char *glossary_choice(const char *theirs, const char *const *choices);
#endif
