/* profile.c - an ini with a comment a line, as those that come with sim have. */
#include "sim/calibrate/profile.h"
#include <string.h>
#include "models/kernels/matmul.h"
#include "models/machine/real.h"
#include "sim/base/words.h"

Profile profile_begin(int devices, double memory)
{
    return (Profile){
        .machine = {.chip = {.peak_16_tflops = 1,
                             .peak_32_tflops = 1,
                             .processors = 1,
                             .sustained = 1,
                             .misaligned = 1,
                             .flash_forward = 1,
                             .flash_backward = 1,
                             .memory_gb = 1e-9 * memory / devices,
                             .bandwidth_gb = 1,
                             .stream = 1,
                             .elementwise = 1,
                             .cut_tiles = true},
                    .software = {.loss_passes = 1, .copies = true}},
        .node = {.devices = devices, .link_gb = 1, .link_share = 1, .pair_share = 1, .taken = 1}};
}

static void number(FILE *out, const char *key, double value, const char *says)
{
    fprintf(out, "%s = %-*.4g ; %s\n", key, 23 - (int)strlen(key), value, says);
}

static void word(FILE *out, const char *key, const char *value, const char *says)
{
    fprintf(out, "%s = %-*s ; %s\n", key, 23 - (int)strlen(key), value, says);
}

static void write_chip(FILE *out, const Chip *c)
{
    fprintf(out,
            "[chip]\n"
            "; what a core makes of a rank's kernels, with train.threads = 1, train.matmul = auto: %s\n",
            matmul_chosen());
    number(out, "peak_16_tflops", c->peak_16_tflops,
           "1e12 operations a second on bf16, rounding included; fitted to products");
    number(out, "peak_32_tflops", c->peak_32_tflops, "and on " REAL_NAME ": the fastest product measured");
    number(out, "sustained", c->sustained, "share of it; fitted to products from 16 to 1024 on a side");
    number(out, "processors", (double)c->processors, "a rank's: its core");
    word(out, "cut_tiles", "yes", "a core computes no more than the product");
    number(out, "tile_traffic", c->tile_traffic,
           "a product takes 1 + this over its shortest side as long; fitted");
    number(out, "tile_us", c->tile_us, "microseconds of a product, of each of a batch; fitted");
    number(out, "misaligned", c->misaligned, "share of the speed of sides of 50, 130 and 500; fitted");
    number(out, "flash_forward", c->flash_forward, "share of the sustained peak of flash attention; fitted");
    number(out, "flash_backward", c->flash_backward, "and of its backward; fitted");
    number(out, "memory_gb", c->memory_gb, "1e9 bytes: this machine's memory, a rank's part of it");
    number(out, "bandwidth_gb", c->bandwidth_gb,
           "1e9 bytes a second, of caches where activations fit; the larger of the next two");
    number(out, "stream", c->stream, "share of it in the optimizer's update; fitted");
    number(out, "elementwise", c->elementwise, "and in biases, residual sums, positions, embedding; fitted");
    number(out, "gap_us", c->gap_us, "microseconds around a kernel: room in memory, its call; fitted");
    fputs("; 1e9 operations a second of what is no product, where memory does not bound it; fitted, each to "
          "its kind\n",
          out);
    number(out, "softmax_gflops", c->vector_gflops[WORK_SOFTMAX],
           "attention's softmax, what its products leave");
    number(out, "norm_gflops", c->vector_gflops[WORK_NORM], "LayerNorm and RMSNorm");
    number(out, "activation_gflops", c->vector_gflops[WORK_ACTIVATION], "GELU and SwiGLU");
    number(out, "loss_gflops", c->vector_gflops[WORK_CROSS_ENTROPY], "the loss' exponentials");
    number(out, "squares_gflops", c->vector_gflops[WORK_SQUARES], "squares of gradients, in fp64");
    number(out, "draws_g", c->vector_gflops[WORK_DROPOUT], "1e9 random numbers a second");
}

static void write_node(FILE *out, const Profile *p)
{
    const NetworkNode *n = &p->node;
    fputs("\n[node]\n", out);
    fprintf(out, "host = %s\n", n->host);
    number(out, "devices", (double)n->devices, "ranks with a core each");
    if (p->ranks > 1) {
        number(out, "link_gb", n->link_gb,
               "GB a second of a ring between these ranks, copies and additions included; fitted");
        number(out, "link_us", n->link_us, "microseconds of a ring's step; fitted");
    } else {
        number(out, "link_gb", n->link_gb,
               "not measured: on one rank there are no links; mpirun -n 2 sim calibrate");
        number(out, "link_us", n->link_us, "not measured");
    }
    number(out, "cards", 0, "none: one machine");
    number(out, "taken", n->taken,
           "of a collective's time beside computing: the core itself copies and adds");
}

static void write_software(FILE *out, const Profile *p)
{
    const Software *s = &p->machine.software;
    fputs("\n[software]\n; sim itself, which fuses nothing\n", out);
    word(out, "fused_bias", "no", "a kernel of its own");
    word(out, "fused_dropout", "no", "likewise");
    word(out, "copies", "yes", "copying and zeroing memory take their time here");
    number(out, "step_ms", s->step_ms, "milliseconds between two steps: data, zeroing gradients; measured");
    if (p->ranks > 1)
        number(out, "message_us", p->node.message_us,
               "microseconds of a message between two ranks beyond a ring's step; fitted");
}

void profile_write(FILE *out, const void *what)
{
    const Profile *p = what;
    char rounds[96];
    rounds_describe(&p->rounds, rounds, sizeof rounds);
    fprintf(out,
            "; This machine as `sim calibrate` measured it on %d rank%s, %s, in %s:\n; %s.\n;\n"
            "; hardware.profile = localhost finds this file in the current folder. It holds for " REAL_NAME
            " and for as many ranks\n; as have a core each. Measure again where the machine, the build or "
            "the load is another.\n\n",
            p->ranks, words_s(p->ranks), p->created, rounds, p->node.host);
    write_chip(out, &p->machine.chip);
    write_node(out, p);
    write_software(out, p);
}
