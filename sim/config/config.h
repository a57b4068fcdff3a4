/* config.h - what a run is asked to do: an ini file, resolved.
 *
 * The struct and what is read off it alone. Every key is one row of a table (rows.h), which gives parsing
 * (parse.h), range checks, `sim help`, the printed plan and the attribute recorded in the run file. A key that is
 * given where it has no effect is refused (conditions.h, parse.h). */
#ifndef SIM_CONFIG_CONFIG_H
#define SIM_CONFIG_CONFIG_H
#include "models/hardware/software.h"
#include "models/layers/gpt_shape.h"
#include "models/training/data.h"
#include "models/training/optimizer.h"
#include "parallel/data/strategy.h"
#include "parallel/expert_parallel.h"
#include "parallel/grid.h"
#include "parallel/network/network.h"
#include "parallel/schedule/schedule.h"
#include "parallel/tensor_parallel.h"
#include "sim/config/faults.h"

enum { CONFIG_PATH = 512, CONFIG_LIST = 256, CONFIG_VALUE = 8 * CONFIG_LIST, CONFIG_KEYS_MAX = 192 };
typedef enum { DECAY_CONSTANT, DECAY_COSINE } Decay;
typedef enum { PRECISION_FP32, PRECISION_BF16, PRECISION_FP16 } Precision;
/* What gradients are kept in: auto is fp32 where a step adds up those of several microbatches, else as precision. */
typedef enum { GRADIENTS_AUTO, GRADIENTS_FP32, GRADIENTS_SAME } Gradients;
/* How ranks of one node do together what a ring does: through memory that they share, or by messages. */
typedef enum { COLLECTIVES_AUTO, COLLECTIVES_MESSAGES } Collectives;
/* Where simulated seconds come from: told, taken here, or worked out for a machine that a file describes. */
typedef enum { PROFILE_IDEAL, PROFILE_MEASURED, PROFILE_GIVEN, PROFILE_MACHINE } HardwareProfile;

/* Whole numbers, as many as are given; none: the key is not. */
typedef struct NumberList {
    int count, number[CONFIG_LIST];
} NumberList;

typedef struct Config {
    struct {
        int preset; /* index into the table of presets; explicit keys override it */
        GptShape shape;
        bool whole_heads; /* kv_heads was given as 0: as many as heads */
        char init[CONFIG_PATH];
    } model;
    struct {
        char load[CONFIG_PATH]; /* a run's file */
        int64_t step;           /* of it; 0: the last */
        double skew;            /* of a Zipf distribution; 0: even */
    } assumed;                  /* of a dry run's routing */
    DataConfig data;
    struct {
        int64_t steps, global_batch;
        int64_t microbatch;        /* 0 until config_check_ranks, when whole_share */
        bool whole_share;          /* a rank's share of the batch is one microbatch */
        OptimizerConfig optimizer; /* kind, weight_decay, beta1, beta2, epsilon, momentum */
        double learning_rate;
        int64_t warmup;
        int decay;
        double clip;
        int recompute;                         /* Recompute */
        int precision;                         /* Precision */
        int gradients;                         /* Gradients */
        int matmul;                            /* MatmulChoice */
        int64_t threads;                       /* of a rank; 0: the cores that it has for itself */
        double loss_scale, loss_scale_backoff; /* fp16's first, and what it is multiplied by at an overflow */
        int64_t loss_scale_interval;           /* steps without one after which it is doubled */
        int64_t seed;
    } train;
    DataParallelConfig parallel; /* data, reduce, bucket_mb, overlap */
    int collectives;             /* Collectives */
    TensorParallelConfig tensor; /* tp, sequence_parallel, tensor_overlap, scatter_messages */
    ExpertParallelConfig expert; /* ep, dispatch, overlap */
    struct {
        int64_t size, virtual_stages; /* pp; stages a rank */
        char schedule[CONFIG_PATH];   /* a ScheduleKind's name, or the path of a schedule in text */
        NumberList layers;            /* of each stage, in all the model's */
    } pipeline;
    struct {
        char name[CONFIG_PATH]; /* the profile's: ideal, measured, given, a machine's name or its file */
        int profile;            /* HardwareProfile, by that name */
        double forward_ms, input_ms, weight_ms, message_ms; /* given: F, I, W, and a message between stages */
        double latency_us, bandwidth;      /* of a link: microseconds, GB (1e9 bytes) a second */
        int order, all_reduce, all_to_all; /* RankOrder, AllReduce, AllToAllWay */
    } hardware;
    Machine machine;  /* what a profile's file describes, */
    NetworkNode node; /* and of how these are joined */
    struct {
        /* GB (1e9 bytes) a second: of a node to what checkpoints lie on; of an accelerator to its host's memory */
        double gb, copy_gb;
    } storage;
    struct {
        char file[CONFIG_PATH], weights[CONFIG_PATH], gradients[CONFIG_PATH], baseline[CONFIG_PATH];
        char checkpoint[CONFIG_PATH];              /* a step's number goes into its name */
        int64_t checkpoint_every, checkpoint_keep; /* steps, 0: only the last; how many stay, 0: all */
        bool checkpoint_async;                     /* written beside the steps that follow */
        double stall_timeout;                      /* seconds; 0: for ever */
    } output;
    FaultTexts faults; /* as the ini spells them, */
    Faults fault;      /* and read (faults_read.h) */

    /* where things came from, for errors and for the record */
    char name[CONFIG_PATH];      /* the file as the user named it: zero3.ini */
    char *text;                  /* the ini text as given */
    int origin[CONFIG_KEYS_MAX]; /* per row: line > 0, or one of the below */
} Config;
enum { ORIGIN_DEFAULT = 0, ORIGIN_PRESET = -1, ORIGIN_SET = -2, ORIGIN_OPTION = -3, ORIGIN_PROFILE = -4 };
/* Line n of the profile's file is ORIGIN_PROFILE - n. */

void config_free(Config *config);
/* Once checked: the grid of the ranks, whose dp is replicas of the model; and microbatches each of them runs a step. */
MeshShape config_mesh(const Config *config, int ranks);
int64_t config_replica_ranks(const Config *config); /* of one of them: pp x tp */
int config_microbatches(const Config *config, int ranks);
/* Steps that a run has: a dry one walks one for all, or, where faults make them differ, each that is finished. */
int64_t config_steps(const Config *config, bool dry);
/* The schedule of that name; SCHEDULE_KINDS when parallel.schedule is no name. */
ScheduleKind config_schedule(const Config *config);
/* Whether parallel.schedule is the path of a user's own. */
bool config_schedule_is_file(const Config *config);
/* What joins so many ranks, in simulated time. */
Network config_network(const Config *config, int ranks);
/* The file that describes the machine, as it is shown: hardware/NAME.ini, or as the user named it; localhost.ini of the
 * machine that `sim calibrate` measured, which is in the current folder. */
void config_profile_file(const Config *config, char *file, size_t size);
bool config_is_localhost(const Config *config);
/* What stage_blocks() takes: the blocks of each of so many stages, or NULL when they are not given. */
const int *config_layers_per_stage(const Config *config, int stages);
/* As the ini file spells them, by Precision and by DataParallelKind; the lists end in NULL. */
extern const char *const config_precision_names[], *const config_data_names[];
/* What parameters and activations are kept in; and the gradients of so many microbatches a step. */
DType config_dtype(const Config *config);
DType config_gradient_dtype(const Config *config, int microbatches);
const char *config_precision_name(const Config *config); /* "fp32", or what reals are; "bf16", "fp16" */
#endif
