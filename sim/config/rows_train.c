/* rows_train.c - [train], [output]: how it learns, and what is kept. */
#include "models/kernels/kinds.h"
#include "models/machine/team.h"
#include "sim/config/row_field.h"

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
static const char *const matmuls[] = {
    [MATMUL_AUTO] = "auto", [MATMUL_BLAS] = "blas", [MATMUL_OWN] = "own", NULL};
static const char *const gradient_types[] = {
    [GRADIENTS_AUTO] = "auto", [GRADIENTS_FP32] = "fp32", [GRADIENTS_SAME] = "same", NULL};

const ConfigRow rows_of_train[] = {
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
     .help = "steps over which the rate rises from 0",
     .more = "Update n of these has n/warmup of learning_rate; a run of fewer steps ends on its way up, as "
             "one that tries a config for a few steps may. A step that fp16 skips is no update: "
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
    {"train", "matmul", ROW_CHOICE, ALWAYS, FIELD(train.matmul), "auto", .choices = matmuls,
     .example = "blas", .help = "whose matrix products: OpenBLAS's, or sim's own",
     .more =
         "auto: sim's own where they are of AVX-512, or of wider instructions than OpenBLAS's kernels are "
         "here (OPENBLAS_CORETYPE says which those are); else sim's own of factors of 16 bits and of "
         "causal attention, of which they leave out half, and OpenBLAS's of all others. own: packed and "
         "tiled in sim itself, in fp32, by AVX-512, AVX2 or what every processor has; two factors of bf16 "
         "by AMX or AVX512_BF16, where there is one of them. 16 bits are read as they lie, where for blas "
         "they are copied into 32. An element's sum does not depend on the rows and columns beside it, so "
         "a product cut over ranks has the bits of the whole. With AVX2 and with AVX-512 about as fast as "
         "OpenBLAS (make bench-step). In fp64 all are OpenBLAS's. Which it was stands in the run's file, "
         "as its attribute products.\n"},
    {"train", "threads", ROW_INTEGER, ALWAYS, FIELD(train.threads), "0", 0, TEAM_MOST, .example = "1",
     .help = "that share a rank's kernels; 0: as many as it has cores",
     .more =
         "0: the node's cores over its ranks, as far as the launcher lets a rank use them (mpirun binds each "
         "of one or two ranks to a core, and so to one thread; with --bind-to none it does not), and a "
         "container; one thread where ranks outnumber cores, or OMPI_MCA_mpi_yield_when_idle says that "
         "others want them. Matrix products, attention, activations, norms' forward and updates are "
         "divided, so that the numbers are the same however many threads there are, but for OpenBLAS's "
         "products. With hardware.profile = measured a step's time is that of the first thread. How many "
         "there were stands in the run's file, as its attribute threads.\n"},
    {"train", "seed", ROW_INTEGER, WITH_DRAWN_WEIGHTS, FIELD(train.seed), "1", .example = "7",
     .help = "of the random weights"},
};

const ConfigRow rows_of_output[] = {
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
         "Written after the last step, every checkpoint_every steps before, and where a signal (TERM, INT, "
         "USR1) stops the run, which then ends with status 75. The number of steps done goes into the name: "
         "results/ck.h5 makes results/ck-000120.h5. It holds the weights as the optimizer updates them, what "
         "the optimizer has besides, the loss scale and the place in the data, all of it whole: nothing in "
         "it depends on the split. Every rank writes its own parts, each tensor has a checksum, and the file "
         "appears complete or not at all. On a full disk, or where a rank cannot write, a warning says so, "
         "and training goes on; a run whose last checkpoint is missing ends with status 1. Dry runs write "
         "none.\n"},
    {"output", "checkpoint_every", ROW_INTEGER, ALWAYS, FIELD(output.checkpoint_every), "0", 0, 1e9,
     .example = "20", .help = "with checkpoint: steps from one to the next; 0: only after the last step"},
    {"output", "checkpoint_keep", ROW_INTEGER, ALWAYS, FIELD(output.checkpoint_keep), "2", 0, 1e9,
     .example = "1", .help = "with checkpoint: how many of a run stay, the newest; 0: all",
     .more =
         "An older one goes when a new one is complete, so that there is one at any moment. Those of other "
         "runs stay: what lies where one goes is kept under another name.\n"},
    {"output", "checkpoint_async", ROW_SWITCH, ALWAYS, FIELD(output.checkpoint_async), "yes", .example = "no",
     .help = "with checkpoint_every: training goes on while one is written",
     .more =
         "yes: between two steps every rank copies its parts, and a thread writes the copy beside the steps "
         "that follow, in time that no rank wants (nice 19); the next checkpoint waits for it, and so does "
         "the end of the run. no: every rank waits until the file is complete. The files are the same. yes "
         "is the default because a step then pays for the copy alone; the copy takes memory of the host, "
         "beside what the ledger counts of the accelerator's: the report has how much, and what steps beside "
         "a checkpoint took. What ends the job while one is written leaves the one before. The last "
         "checkpoint has no step beside it: it is waited for either way.\n"},
    {"output", "baseline", ROW_TEXT, ALWAYS, FIELD(output.baseline), "", .example = "results/fp32.h5",
     .help = "run file whose losses this run's are held against; empty: none",
     .more =
         "/steps/loss_difference keeps the loss minus the baseline's, step by step, and the report sums it "
         "up: what 16 bits, 8 bits on the wire or another optimizer cost. Both runs must train on the same "
         "tokens: the same [data], model.vocab, model.sequence, train.global_batch and train.seed.\n"},
    {"output", "stall_timeout", ROW_NUMBER, ALWAYS, FIELD(output.stall_timeout), "600", 0, 1e6,
     .example = "60", .help = "seconds that a rank waits for a message before the run ends; 0: for ever",
     .more = "A rank that is stopped, or lost with its node, would keep the others waiting for ever. So when "
             "one has waited this long, every rank that waits says at which action, for which message and "
             "for whom, the ranks that say nothing are named, and the run ends with status 1, its file "
             "holding every finished step. A shorter pause costs only its time. It must be longer than a "
             "rank ever computes, or writes a file, while others wait: the default is that of PyTorch for "
             "NCCL, 10 minutes.\n"},
};
