/* rows_machine.c - [hardware], [chip], [node], [software]: how simulated time passes, and the machine it is of. */
#include "sim/config/row_field.h"

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
static const char *const all_to_alls[] = {[ALL_TO_ALL_STRAIGHT] = "straight",
                                          [ALL_TO_ALL_HIERARCHICAL] = "hierarchical",
                                          [ALL_TO_ALL_AUTO] = "auto",
                                          NULL};
static const char *const carriers[] = {[CARRIED_IDEALLY] = "ideal",
                                       [CARRIED_BY_NCCL_VOLTA] = "nccl-volta",
                                       [CARRIED_BY_NCCL_AMPERE] = "nccl-ampere",
                                       [CARRIED_BY_NCCL_HOPPER] = "nccl-hopper",
                                       NULL};

#define CHIP(member) FIELD(machine.chip.member)
#define NODE(member) FIELD(node.member)
#define STORAGE(member) FIELD(storage.member)
#define SOFTWARE(member) FIELD(machine.software.member)
#define VECTOR(kind) CHIP(vector_gflops[WORK_##kind])

#define VECTOR_MORE                                                                                    \
    "Operations as the kernels count them. An accelerator has more of these than its memory feeds; a " \
    "CPU may not, where there are exponentials, roots or sums along rows. `sim calibrate` measures it.\n"

const ConfigRow rows_of_hardware[] = {
    {"hardware", "profile", ROW_TEXT, ALWAYS, FIELD(hardware.name), "ideal", .required = true,
     .example = "h100-dgx", .help = "where simulated time comes from: ideal, measured, given, or a machine",
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
             "node talks over its links; what does not, over its part of the node's cards.\n"},
    {"hardware", "all_reduce", ROW_CHOICE, WITH_A_MACHINE, FIELD(hardware.all_reduce), "ring",
     .choices = all_reduces, .example = "hierarchical",
     .help = "how gradients and activations are summed over nodes",
     .more =
         "ring: one over all members. tree: over pairs of binary trees whose nodes are those of the machine, "
         "with a chain inside each (NCCL since 2.4): half of each pair's bytes over either tree, up to its "
         "root and down again. A step for each level instead of one for each rank: sooner for short messages "
         "over many nodes. Leaves send less than others; all together as much as on a ring. auto: where a "
         "group lies over several nodes, ring or tree, whichever takes less for that group and that many "
         "bytes alone, with the cards to itself (node.collectives says how they are carried); in one node, "
         "ring. hierarchical: where a group has as many members in each of its nodes, two or more, a "
         "reduce-scatter inside each node, an all-reduce of each block across, and an all-gather inside. A "
         "rank sends as much as on a ring; of g members a node 1/g of it leaves the node.\n"
         "These are all-reduces: of ddp's gradients and, with tp, of activations, under sequence_parallel of "
         "a few gradients only. What zero1, zero2 and zero3 send between replicas goes around rings, "
         "whatever this says.\n"
         "Each adds in an order of its own, always the same, so losses differ in rounding; and ring alone "
         "adds in that of a reduce-scatter, so that ddp and zero1 are the same to the last bit. Published "
         "steps and all-reduces over two nodes with four cards took what a ring takes, up to twice what auto "
         "foretells.\n"},
    {"hardware", "all_to_all", ROW_CHOICE, WITH_ALL_TO_ALLS, FIELD(hardware.all_to_all), "straight",
     .choices = all_to_alls, .example = "hierarchical", .help = "how rows go to experts over nodes, and back",
     .more =
         "straight: to the rank of the expert. hierarchical: where the ranks that share experts are as many, "
         "two or more, in each of several nodes, first inside the node to the one whose place is that of the "
         "expert's rank in its node, then across (Hwang et al., arXiv 2206.03382, section 3.3): of g ranks "
         "in each of N nodes one sends g - 1 messages and N - 1 instead of g N - 1, for up to twice the "
         "bytes, of which as many leave the nodes; refused where no ranks lie so. auto: whichever takes less "
         "for these rows alone. The rows that arrive are the same.\n"},
};

const ConfigRow rows_of_chip[] = {
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
             "vectors compute what there is; the time that operands cost is tile_traffic over the shortest "
             "of m, n and k, and tile_us is once a product.\n"},
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
};

const ConfigRow rows_of_node[] = {
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
             "devices joined directly each has a third of its links to each other one.\n"},
    {"node", "link_us", ROW_NUMBER, WITH_A_MACHINE, NODE(link_us), "0", 0, 1e9, .example = "2",
     .help = "microseconds before the first byte, inside"},
    {"node", "cards", ROW_INTEGER, WITH_A_MACHINE, NODE(cards), "", 0, 1e6, .example = "8",
     .help = "of a node to the network; 0: none, and ranks must fit one node",
     .more = "Each device has its part of them, so rings of fewer members a node share what one ring over "
             "all its devices has alone.\n"},
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
             "4) goes through one card there, and all rings like it through the same.\n"},
    {"node", "switch_gb", ROW_NUMBER, WITH_A_CARRIER, NODE(switch_gb), "0", 0, 1e9, .example = "480",
     .help = "GB a second of an all-reduce that the switch adds (NVLS); 0: it does not",
     .more = "In bus bandwidth, 2 (n-1)/n of the bytes over the time, of all-reduces inside a node on three "
             "devices or more. Only the time is the switch's; what is sent is counted as a ring's.\n"},
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
             "it longer by this share of its own time.\n"},
    {"node", "storage_gb", ROW_NUMBER, WITH_A_MACHINE, STORAGE(gb), "1", 0, 1e9, .low_out = true,
     .example = "2", .help = "GB a second that a node writes checkpoints with, and reads",
     .more = "`sim goodput` alone asks for it. All nodes at once: of a file system that they share, its rate "
             "over their number. 1: Llama 3's 2 TB/s for 2048 nodes (2407.21783, section 3.3.1).\n"},
    {"node", "copy_gb", ROW_NUMBER, WITH_A_MACHINE, STORAGE(copy_gb), "25", 0, 1e9, .low_out = true,
     .example = "50", .help = "GB a second that an accelerator copies to its host's memory",
     .more = "`sim goodput` alone asks for it: all that training waits for under output.checkpoint_async = "
             "yes. Of PCI Express 4 with 16 lanes, 31.5 in each direction, about 25 arrive.\n"},
};

const ConfigRow rows_of_software[] = {
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
};
