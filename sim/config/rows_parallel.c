/* rows_parallel.c - [parallel]: how the work is split over the ranks. */
#include "sim/config/row_field.h"

static const char *const reduce_moments[] = {
    [REDUCE_AUTO] = "auto", [REDUCE_MICROBATCH] = "microbatch", [REDUCE_STEP] = "step", NULL};
static const char *const gather_moments[] = {[GATHER_STEP] = "step", [GATHER_FORWARD] = "forward", NULL};
static const char *const quantizations[] = {[QUANTIZE_NONE] = "none",
                                            [QUANTIZE_PARAMETERS] = "parameters",
                                            [QUANTIZE_GRADIENTS] = "gradients",
                                            [QUANTIZE_BOTH] = "both",
                                            NULL};
static const char *const collectives[] = {
    [COLLECTIVES_AUTO] = "auto", [COLLECTIVES_MESSAGES] = "messages", NULL};
static const char *const tensor_overlaps[] = {
    [REGION_WAITS] = "none", [REGION_BULK] = "bulk", [REGION_PIPELINED] = "pipelined", NULL};

const ConfigRow rows_of_parallel[] = {
    {"parallel", "data", ROW_CHOICE, ALWAYS, FIELD(parallel.kind), "ddp", .choices = config_data_names,
     .example = "zero3", .help = "what each rank holds, and what moves",
     .more = "Every rank has its own samples; they differ in who holds what. Bytes a parameter, fp32 "
             "with Adam, N ranks; and values a rank sends a step, in model sizes, with one microbatch:\n"
             "@           held by a rank                   sent by a rank\n"
             "@    dp     16 on rank 0, 8 on the others    rank 0: log2(N) down a tree; others: 1 up it\n"
             "@    ddp    4 + 4 + 8                        2 (N-1)/N   all-reduce\n"
             "@    zero1  4 + 4 + 8/N                      2 (N-1)/N   reduce-scatter, all-gather\n"
             "@    zero2  4 + 4/N + 8/N                    2 (N-1)/N   reduce-scatter, all-gather\n"
             "@    zero3  4/N + 4/N + 8/N                  3 (N-1)/N   two all-gathers, reduce-scatter\n"
             "The three terms are parameters, gradients and optimizer state; log2(N) is rounded up, and dp's "
             "others pass on the parameters that come down to them. ZeRO: Rajbhandari et al., arXiv "
             "1910.02054; DDP: Li et al., arXiv 2006.15704. Each has a file in configs/ that explains it.\n"},
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
         "order in which its forward needs them, so that with overlap most of it goes on beside computing, "
         "or while a later stage waits for its first microbatch (Megatron-Core's overlap_param_gather). The "
         "numbers and the bytes are the same either way; the first step gathers, too. zero3 gathers before "
         "each use in any case.\n"},
    {"parallel", "bucket_mb", ROW_NUMBER, WITH_BUCKETS, FIELD(parallel.bucket_mb), "25", 0, 1e6,
     .example = "1", .help = "MB (1e6 bytes) of gradients sent together",
     .more = "ddp, zero1 and zero2. Backward fills a bucket unit by unit; it closes, and is sent, at "
             "the first unit boundary at or past this size. A unit is the embedding, one block, its routed "
             "experts, or the final norm and head; 0 sends each unit alone. Large buckets cost fewer "
             "messages, small ones start earlier. 25 is PyTorch's. zero2, which has whole gradients only "
             "until they are sent, sends one bucket while the next fills: where experts outweigh the rest "
             "of a block, buckets of a block and its experts hide more. zero3 moves unit by unit, dp all at "
             "once.\n"},
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
    {"parallel", "collectives", ROW_CHOICE, ALWAYS, FIELD(collectives), "auto", .choices = collectives,
     .example = "messages", .help = "how what goes around a ring moves inside a node of this machine",
     .more =
         "auto: where all ranks of a group run on one node, through memory that they share. Gradients and "
         "parameters of replicas lie there, and are added up and gathered in place; of what else travels "
         "each puts its values there, adds up its block from where the others' lie, and takes the other "
         "sums from there (`make bench-collectives` sets them beside messages). Over several nodes, of "
         "hierarchies and trees (hardware.all_reduce), of sums in 8 bits (parallel.quantize), or with "
         "faults.late: by messages. messages: all.\n"
         "Sums are the same to the last bit, and so is all that is counted and foretold: the bytes, the "
         "memory and the simulated time of the ring between nodes that it stands for.\n"},
    {"parallel", "tp", ROW_INTEGER, ALWAYS, FIELD(tensor.size), "1", 1, 65536, .example = "2",
     .help = "ranks that share every matrix: tensor parallelism",
     .more =
         "Shoeybi et al., arXiv 1909.08053. Attention is split by heads, the MLP by columns then rows, the "
         "embedding and the head by vocabulary (padded to a multiple of tp). A block costs two all-reduces "
         "of the activations forward and two backward, for every microbatch. tp divides model.heads, "
         "model.ffn and the ranks; ranks / (pp tp) replicas of the model share the batch.\n"},
    {"parallel", "ep", ROW_INTEGER, WITH_EXPERT_PARALLELISM, FIELD(expert.size), "1", 1, 65536,
     .example = "4", .help = "replicas that share each layer's experts: expert parallelism",
     .more =
         "Lepikhin et al., arXiv 2006.16668. Of a layer's experts each of ep replicas that follow each other "
         "holds moe.experts / ep, and the tokens of all that choose them go there and back: all-to-alls, two "
         "forward and two backward a layer and microbatch. All else is as under data parallelism alone, of "
         "which ep is a part: every replica has its own samples, and of experts' gradients, parameters and "
         "optimizer state replicas / ep ranks share what replicas share of the rest (parallel.data). ep "
         "divides moe.experts and the replicas.\n"},
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
         "on beside the product that makes its weights' gradient, and under sequence_parallel the input's "
         "second gathering beside the product that makes its own, as Megatron-LM does it (arXiv 2205.05198, "
         "section 4.2.2). zb-h1 computes these products apart, so there is nothing to do it beside. The "
         "numbers are the same, bit for bit; a whole input and a whole gradient are held at once.\n"
         "pipelined, under sequence_parallel: that, and all else that enters a block's products or leaves "
         "them does so in tensor_pieces, as Megatron-Core with Transformer Engine does it "
         "(--tp-comm-overlap): a rank multiplies its own rows, then each piece of the others' as it comes; "
         "and sends a piece of a result when it is multiplied. As many bytes in more messages and more, "
         "smaller products, each of which takes whole waves of tiles; the numbers are the same to rounding. "
         "With zb-h1 only what goes by pieces is hidden.\n"},
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
     .choices = schedule_name, .example = "zb-h1",
     .help = "in which order the stages compute, or a file of it",
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
};
