/* config_keys.c - the table, and its words. */
#include "tests/support/config_keys.h"
#include <string.h>
#include "models/machine/error.h"
#include "models/machine/tensor.h"

#define SLOW "hardware.profile=slow.ini"
#define CHUNKED "model.layers=6 train.microbatch=4 parallel.pp=2 parallel.schedule=interleaved"
const ConfigKey config_keys[CONFIG_KEYS] = {
    {"model.rope_base", "30", NULL, "model.position=learned", "model.position=rope"},
    {"model.rope_base", "30", NULL, "model.position=sinusoidal", "model.position=rope"},
    {"data.order", "random", NULL, "data.source=markov", "data.source=a.txt model.vocab=256"},
    {"data.seed", "7", NULL, "data.source=a.txt model.vocab=256", "data.source=markov"},
    {"data.seed", "7", NULL, "data.source=a.txt model.vocab=256 data.order=sequential",
     "data.source=a.txt model.vocab=256 data.order=random"},
    {"train.beta1", "0.5", NULL, "train.optimizer=sgd", "train.optimizer=adam"},
    {"train.beta1", "0.5", NULL, "train.optimizer=momentum", "train.optimizer=adamw"},
    {"train.beta2", "0.5", NULL, "train.optimizer=rmsprop", "train.optimizer=adam"},
    {"train.beta2", "0.5", NULL, "train.optimizer=adagrad", "train.optimizer=adamw"},
    {"train.epsilon", "0.01", NULL, "train.optimizer=sgd", "train.optimizer=adam"},
    {"train.epsilon", "0.01", NULL, "train.optimizer=momentum", "train.optimizer=rmsprop"},
    {"train.epsilon", "0.01", NULL, "train.optimizer=momentum", "train.optimizer=adagrad"},
    {"train.momentum", "0.5", NULL, "train.optimizer=adamw", "train.optimizer=momentum"},
    {"train.momentum", "0.5", NULL, "train.optimizer=rmsprop", "train.optimizer=momentum"},
    {"train.alpha", "0.5", NULL, "train.optimizer=adagrad", "train.optimizer=rmsprop"},
    {"train.alpha", "0.5", NULL, "train.optimizer=adamw", "train.optimizer=rmsprop"},
    {"train.gradients", "fp32", "same", "train.precision=fp32", "train.precision=bf16"},
    {"train.gradients", "same", NULL, "train.precision=fp32", "train.precision=fp16"},
    {"train.loss_scale", "1024", NULL, "train.precision=fp32", "train.precision=fp16"},
    {"train.loss_scale", "1024", NULL, "train.precision=bf16", "train.precision=fp16"},
    {"train.loss_scale_backoff", "0.25", NULL, "train.precision=bf16",
     "train.precision=fp16 train.loss_scale=1e30"},
    {"train.loss_scale_interval", "1", NULL, "train.precision=bf16", "train.precision=fp16"},
    {"train.recompute", "selective", NULL, "model.attention=flash", "model.attention=plain"},
    {"train.seed", "7", NULL, "model.init=w.h5", "model.dropout=0"},
    {"train.seed", "7", NULL, "model.init=w.h5 model.dropout=0", "model.init=w.h5 model.dropout=0.1"},
    {"parallel.reduce", "step", NULL, "parallel.data=dp", "parallel.data=zero2"},
    {"parallel.reduce", "step", NULL, "parallel.data=ddp", "parallel.data=zero3"},
    {"parallel.reduce", "step", NULL, "parallel.data=zero1", "parallel.data=zero3"},
    {"parallel.reduce", "microbatch", "step", "parallel.data=zero1", "parallel.data=zero2"},
    {"parallel.gather", "forward", NULL, "parallel.data=ddp",
     SLOW " parallel.data=zero1 parallel.bucket_mb=0"},
    {"parallel.gather", "forward", NULL, "parallel.data=zero3",
     SLOW " parallel.data=zero2 parallel.bucket_mb=0"},
    {"parallel.bucket_mb", "0", NULL, "parallel.data=dp", "parallel.data=ddp"},
    {"parallel.bucket_mb", "0", NULL, "parallel.data=zero3", "parallel.data=zero1"},
    {"parallel.bucket_mb", "0", NULL, "parallel.data=zero3", "parallel.data=zero2"},
    {"parallel.reduce_fp32", "yes", NULL, "train.precision=fp32",
     "train.precision=bf16 train.gradients=same"},
    {"parallel.reduce_fp32", "yes", NULL, "train.precision=bf16 train.gradients=fp32",
     "train.precision=fp16 train.gradients=same parallel.data=dp"},
    {"parallel.reduce_fp32", "yes", NULL, "train.precision=bf16 train.microbatch=4",
     "train.precision=bf16 train.microbatch=0"},
    {"parallel.quantize", "both", NULL, "parallel.data=dp", "parallel.data=zero3"},
    {"parallel.quantize", "gradients", NULL, "parallel.data=dp", "parallel.data=ddp"},
    {"parallel.quantize", "parameters", NULL, "parallel.data=ddp", "parallel.data=zero1"},
    {"parallel.overlap", "no", NULL, "parallel.data=dp", "parallel.data=zero3"},
    {"parallel.sequence_parallel", "yes", NULL, "parallel.tp=1", "parallel.tp=2 model.sequence=8"},
    {"parallel.tensor_overlap", "bulk", NULL, "parallel.tp=1 " SLOW, "parallel.tp=2 " SLOW},
    {"parallel.tensor_overlap", "bulk", NULL,
     "parallel.tp=2 parallel.schedule=zb-h1 train.microbatch=4 " SLOW,
     "parallel.tp=2 parallel.schedule=1f1b train.microbatch=4 " SLOW},
    {"parallel.scatter_messages", "yes", NULL, "parallel.pp=1", "parallel.tp=2 parallel.pp=2"},
    {"parallel.schedule", "gpipe", NULL, "train.microbatch=0", "train.microbatch=4"},
    {"parallel.schedule", "naive", "gpipe", "parallel.pp=1 train.microbatch=0",
     "parallel.pp=2 train.microbatch=4"},
    {"parallel.virtual_stages", "2", "3", "parallel.pp=2 parallel.schedule=1f1b", CHUNKED},
    {"parallel.virtual_stages", "2", "3", "parallel.schedule=naive train.microbatch=4",
     "model.layers=6 train.microbatch=4 parallel.schedule=interleaved"},
    {"parallel.layers_per_stage", "1,2", NULL, "parallel.pp=1 train.microbatch=4",
     "parallel.pp=2 train.microbatch=4 model.layers=3"},
    {"hardware.latency_us", "1e6", NULL, "hardware.profile=ideal", "hardware.profile=measured"},
    {"hardware.bandwidth_gb", "1e-6", NULL, "hardware.profile=ideal", "hardware.profile=measured"},
    {"hardware.bandwidth_gb", "1e-6", NULL, SLOW, "hardware.profile=measured"},
    {"hardware.order", "dp-tp-pp", NULL, "hardware.profile=ideal", SLOW},
    {"hardware.all_reduce", "hierarchical", NULL, "hardware.profile=ideal", SLOW},
    {"hardware.forward_ms", "9000", NULL, "hardware.profile=ideal", "hardware.profile=given"},
    {"hardware.input_ms", "9000", NULL, "hardware.profile=ideal", "hardware.profile=given"},
    {"hardware.weight_ms", "9000", NULL, "hardware.profile=ideal", "hardware.profile=given"},
    {"hardware.message_ms", "10000", NULL, "hardware.profile=ideal", "hardware.profile=given parallel.pp=2"},
    {"chip.peak_16_tflops", "0.001", NULL, "hardware.profile=ideal", SLOW " train.precision=bf16"},
    {"chip.peak_32_tflops", "0.001", NULL, "hardware.profile=ideal", SLOW},
    {"chip.processors", "1", NULL, "hardware.profile=ideal", SLOW},
    {"chip.sustained", "1", NULL, "hardware.profile=ideal", SLOW},
    {"chip.tile_traffic", "600", NULL, "hardware.profile=ideal", SLOW},
    {"chip.tile_us", "1e6", NULL, "hardware.profile=ideal", SLOW},
    {"chip.misaligned", "0.01", NULL, "hardware.profile=ideal", SLOW},
    {"chip.flash_forward", "0.01", NULL, "hardware.profile=ideal", SLOW " model.attention=flash"},
    {"chip.flash_backward", "0.01", NULL, "hardware.profile=ideal", SLOW " model.attention=flash"},
    {"chip.memory_gb", "2", NULL, "hardware.profile=ideal", SLOW},
    {"chip.bandwidth_gb", "1e-5", NULL, "hardware.profile=ideal", SLOW},
    {"chip.stream", "0.01", NULL, "hardware.profile=ideal", SLOW},
    {"chip.elementwise", "0.01", NULL, "hardware.profile=ideal", SLOW},
    {"chip.gap_us", "1e6", NULL, "hardware.profile=ideal", SLOW},
    {"node.devices", "1", NULL, "hardware.profile=ideal", SLOW},
    {"node.link_gb", "1e-6", NULL, "hardware.profile=ideal", SLOW},
    {"node.link_share", "0.01", NULL, "hardware.profile=ideal", SLOW},
    {"node.pair_share", "0.01", NULL, "hardware.profile=ideal", SLOW},
    {"node.link_us", "2e6", NULL, "hardware.profile=ideal", SLOW},
    {"node.cards", "1", NULL, "hardware.profile=ideal", SLOW " node.devices=1"},
    {"node.card_gb", "1e-6", NULL, SLOW " node.cards=0", SLOW " node.devices=1"},
    {"node.card_share", "0.01", NULL, SLOW " node.cards=0", SLOW " node.devices=1"},
    {"node.message_share", "0.01", NULL, SLOW " node.cards=0", SLOW " node.devices=1 parallel.pp=2"},
    {"node.card_us", "4e6", NULL, SLOW " node.cards=0", SLOW " node.devices=1"},
    {"node.any_card", "yes", NULL, SLOW " node.cards=0", SLOW},
    {"node.switch_gb", "1", NULL, SLOW " node.collectives=ideal", SLOW " node.collectives=nccl-hopper"},
    {"node.collectives", "nccl-volta", NULL, "hardware.profile=ideal", SLOW},
    {"node.collective_us", "1e6", NULL, SLOW " node.collectives=ideal", SLOW " node.collectives=nccl-volta"},
    {"node.simple_us", "1e6", NULL, SLOW " node.collectives=ideal", SLOW " node.collectives=nccl-volta"},
    {"node.taken", "1", NULL, "hardware.profile=ideal", SLOW " parallel.bucket_mb=0.001"},
    {"software.sender_waits", "yes", NULL, "hardware.profile=ideal", SLOW " parallel.pp=2"},
    {"software.message_us", "1e6", NULL, "hardware.profile=ideal", SLOW " parallel.pp=2"},
    {"software.fused_bias", "no", NULL, "hardware.profile=ideal", SLOW},
    {"software.fused_dropout", "no", NULL, "hardware.profile=ideal", SLOW " model.dropout=0.5"},
    {"software.loss_passes", "9", NULL, "hardware.profile=ideal", SLOW},
    {"software.accumulate_bytes", "10", NULL, "hardware.profile=ideal", SLOW},
    {"software.optimizer_bytes", "100", NULL, "hardware.profile=ideal", SLOW},
    {"software.step_ms", "10000", NULL, "hardware.profile=ideal", SLOW},
    {"software.launch_us", "1e6", NULL, "hardware.profile=ideal", SLOW},
    {"software.launch_backward_us", "1e6", NULL, "hardware.profile=ideal", SLOW},
};

bool config_keys_buildable(const char *words)
{
    return sizeof(real) == sizeof(float) || !strstr(words, "16");
}

int config_keys_cut(const char *words, char text[256], const char *sets[CONFIG_KEYS_WORDS + 1])
{
    int count = 0;
    char *rest;
    if (strlen(words) >= 256) fail("%s: more than there is room for", words);
    strcpy(text, words);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count == CONFIG_KEYS_WORDS) fail("%s: more than %d words", words, CONFIG_KEYS_WORDS);
        sets[count++] = word;
    }
    sets[count] = NULL;
    return count;
}
