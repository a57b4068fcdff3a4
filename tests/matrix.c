/* matrix.c - every split of a small model against the unsplit run.
 *
 * `matrix` runs all grids of 8, 6 and 3 ranks x data x reduce x schedule x
 * sequence parallelism x recomputation on virtual ranks, a process a core; of
 * other families than GPT-2's those that cut a model two ways at least. Built
 * in double it does so in fp64, else in bf16 and fp16; `matrix slice` runs a few
 * dozen, `matrix experts` what the last paragraph tells of. A line a case, then the totals.
 *
 * Where replicas share experts, every grid pp x dp x tp of these ranks that has any with each ep that divides dp, with each
 * data x reduce x schedule: 30 cases a grid in fp64, and 6 more under gpipe, of losses of a global batch's load. Which kind
 * of experts a case has (router, capacity or none, what keeps the load even, shared experts), what it computes again, and,
 * where four or more share them, how rows go (on a network without nodes, or over nodes in two hops, always or where these
 * take less), go round so that of any two of all these each pair of values meets in every grid. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/case.h"
#include "tests/support/rounding.h"

/* How far the loss, the norm and all gradients together may be apart, relative to the truth's; and each parameter's
 * gradient, of its largest value, or, in 16 bits of a unit roundoff, as far as rounding.h says. */
typedef struct Numbers {
    const char *name, *set, *gradients;
    double apart, roundoff;
} Numbers;
static const Numbers FORMAT[] = {
#ifdef SIM_DOUBLE
    {"fp64", "train.precision=fp32", NULL, 1e-12, 0},
#else
    {"bf16", "train.precision=bf16", "train.gradients=same", 0.02, 0x1p-9},
    {"bf16 with fp32 gradients", "train.precision=bf16", "train.gradients=fp32", 0.02, 0x1p-9},
    {"fp16", "train.precision=fp16", "train.gradients=same", 0.0025, 0x1p-12},
#endif
};
enum { FORMATS = sizeof FORMAT / sizeof *FORMAT };

/* 19 words divide by nothing; 24 samples are a multiple of pp microbatches on every grid, as interleaved wants. No
 * clipping: its norm is added up in an order that follows which rank has which layers, and weights shall be
 * compared bit by bit. Layers come with the grid: 2 pp + 1 of them fill 2 pp stages and divide by none. The
 * unsplit run has all samples in one microbatch, the others one in each. */
#define MODEL "model.heads=24", "model.ffn=48", "model.sequence=24", "train.clip=0", "train.microbatch=0"
#define SHARED_EXPERTS "moe.experts=24", "moe.ffn=24", "moe.top_k=2"
enum { STEPS = 2, SPLIT_SETS = 14 };
typedef enum {
    GPT2,
    PUBLISHED,
    GPT2_DROPOUT,
    LLAMA,
    LATENT,
    MOE,
    SHARED, /* the first of those whose replicas share experts */
    SHARED_SIGMOID,
    SHARED_DROPLESS,
    SHARED_BY_GATE,
    SHARED_BATCH, /* under gpipe alone */
    FAMILIES
} Family;
static const struct {
    const char *name, *sets[32]; /* NULL-terminated */
} FAMILY[FAMILIES] = {
    [GPT2] = {"gpt-2", {MODEL, "model.hidden=24"}},
    [PUBLISHED] = {"as first published",
                   {MODEL, "model.hidden=24", "model.post_norm=yes", "model.position=sinusoidal",
                    "model.activation=relu"}},
    [GPT2_DROPOUT] = {"gpt-2 with SiLU, dropout, flash, one kv head",
                      {MODEL, "model.hidden=24", "model.kv_heads=1", "model.activation=silu",
                       "model.dropout=0.1", "model.attention=flash"}},
    [LLAMA] = {"llama with dropout",
               {MODEL, "model.hidden=48", "model.kv_heads=12", "model.norm=rmsnorm",
                "model.activation=swiglu", "model.position=rope", "model.bias=no", "model.tie_embeddings=no",
                "model.dropout=0.1"}},
    [LATENT] = {"latents with dropout",
                {MODEL, "model.hidden=48", "model.attention_kind=mla", "model.q_lora_rank=18",
                 "model.kv_lora_rank=14", "model.qk_nope_head_dim=3", "model.qk_rope_head_dim=2",
                 "model.v_head_dim=5", "model.norm=rmsnorm", "model.activation=swiglu", "model.position=rope",
                 "model.bias=no", "model.dropout=0.1"}},
    /* in 16 bits a split may choose other experts where scores are as good as equal */
    [MOE] = {"experts in every other layer",
             {MODEL, "model.hidden=24", "moe.experts=6", "moe.ffn=24", "moe.every=2", "moe.shared_experts=1",
              "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.balance_scope=sequence",
              "moe.capacity_factor=1.5", "moe.z_loss=0.01"}},
    [SHARED] = {"experts over replicas",
                {MODEL, "model.hidden=24", SHARED_EXPERTS, "moe.every=2", "moe.shared_experts=1",
                 "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.balance_scope=sequence",
                 "moe.capacity_factor=1.5", "moe.z_loss=0.01"}},
    [SHARED_SIGMOID] = {"experts over replicas, of DeepSeek-V3's kind",
                        {MODEL,
                         "model.hidden=48",
                         "model.attention_kind=mla",
                         "model.q_lora_rank=18",
                         "model.kv_lora_rank=14",
                         "model.qk_nope_head_dim=3",
                         "model.qk_rope_head_dim=2",
                         "model.v_head_dim=5",
                         "model.norm=rmsnorm",
                         "model.activation=swiglu",
                         "model.position=rope",
                         "model.bias=no",
                         SHARED_EXPERTS,
                         "moe.router=sigmoid",
                         "moe.groups=4",
                         "moe.groups_limited=2",
                         "moe.normalise_top_k=yes",
                         "moe.route_scale=2.5",
                         "moe.first_dense=1",
                         "moe.shared_experts=2",
                         "moe.balance=bias",
                         "moe.bias_step=0.05"}},
    [SHARED_DROPLESS] = {"experts over replicas, of Llama's kind",
                         {MODEL, "model.hidden=48", "model.kv_heads=12", "model.norm=rmsnorm",
                          "model.activation=swiglu", "model.position=rope", "model.bias=no",
                          "model.tie_embeddings=no", SHARED_EXPERTS, "moe.normalise_top_k=yes",
                          "moe.balance=auxiliary", "moe.balance_scope=sequence"}},
    [SHARED_BY_GATE] = {"experts over replicas, the smallest gates dropped",
                        {MODEL, "model.hidden=24", SHARED_EXPERTS, "moe.capacity_factor=0.6",
                         "moe.drop_policy=probability", "moe.balance_scope=sequence", "moe.z_loss=0.01"}},
    [SHARED_BATCH] = {"experts over replicas, their load of the batch",
                      {MODEL, "model.hidden=24", SHARED_EXPERTS, "moe.groups=4", "moe.groups_limited=2",
                       "moe.balance=auxiliary", "moe.balance_coefficient=0.1", "moe.device_coefficient=0.1",
                       "moe.communication_coefficient=0.1", "moe.balance_scope=global_batch"}},
};
enum { SHARED_KINDS = SHARED_BATCH - SHARED };

static const int RANKS[] = {8, 6, 3};
static const struct {
    const char *data, *reduce;
    bool each_microbatch; /* reduces */
} DATA[] = {{"ddp", "auto", false},   {"zero1", "auto", false}, {"zero2", "auto", true},
            {"zero2", "step", false}, {"zero3", "auto", true},  {"zero3", "step", false}};
static const char *const RECOMPUTE[] = {"none", "selective", "full"};
enum { DATAS = sizeof DATA / sizeof *DATA, RECOMPUTES = 3 };

typedef struct Split {
    const Numbers *format;
    Family family;
    int ranks, pp, dp, tp, ep;
    bool sequence_parallel;
} Split;

typedef struct Choice {
    Split split;
    int data, schedule, recompute;
} Choice;

/* What one process has counted. */
typedef struct Tally {
    int passed, failed, refused;
    Margin margin; /* in 16 bits */
    struct {
        char text[2048];
        int count;
    } reason[8];
} Tally;

enum { WORKERS = 64, SPLITS = FAMILIES * FORMATS * 64 };
typedef struct Shared {
    atomic_int next; /* split that no process has taken */
    Tally tally[WORKERS];
} Shared;

static bool shares_experts(const Split *s)
{
    return s->family >= SHARED;
}

/* All of GPT-2's, and where replicas share experts; of the others those with two axes or three. The first two and experts
 * in fp64 alone. */
static bool is_listed(const Split *s)
{
    if ((s->family <= PUBLISHED || s->family >= MOE) && s->format->roundoff > 0) return false;
    if (shares_experts(s)) return s->ep > 1;
    if (s->ep > 1) return false;
    return s->family == GPT2 || (s->pp > 1) + (s->dp > 1) + (s->tp > 1) > 1;
}

static int list_splits(Split *split)
{
    int count = 0;
    for (int i = 0; i < FAMILIES * FORMATS * (int)(sizeof RANKS / sizeof *RANKS); i++) {
        int ranks = RANKS[i / (FAMILIES * FORMATS)];
        Split s = {
            .family = (Family)(i % FAMILIES), .format = &FORMAT[i / FAMILIES % FORMATS], .ranks = ranks};
        for (s.pp = 1; s.pp <= ranks; s.pp++)
            for (s.tp = 1; s.tp <= ranks / s.pp; s.tp++) {
                s.dp = ranks / (s.pp * s.tp);
                for (s.ep = 1; s.ep <= s.dp; s.ep++) {
                    if (s.dp * s.pp * s.tp != ranks || s.dp % s.ep || !is_listed(&s)) continue;
                    s.sequence_parallel = false;
                    split[count++] = s;
                    s.sequence_parallel = true;
                    split[count++] = s;
                }
            }
    }
    return count;
}

/* The slice: all data, reduce and schedules, every other one of a pair, on one grid with everything in it, deeper
 * pipelines beside it; in 16 bits the schedules with each kind of sharding, a pair in every other format. */
static bool in_slice(const Choice *c)
{
    const Split *s = &c->split;
    bool all = s->ranks == 8 && s->pp == 2 && s->dp == 2 && s->sequence_parallel && c->recompute == 2;
    bool deep = s->ranks == 8 && s->pp == 4 && s->tp == 2 && !s->sequence_parallel &&
                c->recompute == (s->family == GPT2_DROPOUT ? 0 : 1);
    bool odd = s->ranks == 6 && s->pp == 3 && s->dp == 2 && !s->sequence_parallel && c->recompute == 0;
    bool sharded = odd && DATA[c->data].each_microbatch, even = (c->data / 2 + c->schedule) % 2 == 0;
    bool some = (c->data + 4 * c->schedule + s->ep) % 6 == 0;
    if (shares_experts(s))
        return some &&
               ((s->ranks == 8 && s->pp == 2 && s->tp == 2 && s->sequence_parallel) ||
                (s->ranks == 8 && s->dp == 8 && s->ep == 4) || (s->ranks == 6 && s->ep == 3 && s->pp == 2));
    if (s->format->roundoff > 0) return sharded && s->family >= LLAMA && even == (s->format - FORMAT) % 2;
    if (s->family != GPT2)
        return (all || deep) && c->data == DATAS - 2 && all == (s->family + c->schedule) % 2;
    return (all && (c->data + c->schedule) % 2 == 0) || (deep && c->data == 0) || (sharded && even);
}

/* Of a split whose replicas share experts: one kind of them, and one way to compute again, for each data and schedule. */
static bool in_cover(const Choice *c)
{
    const Split *s = &c->split;
    if (!shares_experts(s)) return true;
    if (s->sequence_parallel && s->tp == 1) return false; /* that this is refused the others see */
    int first = s->pp + 2 * s->tp + s->ep + s->sequence_parallel;
    if (s->family == SHARED_BATCH) /* others want the first backwards before the last forwards */
        return c->schedule == SCHEDULE_GPIPE && (c->data + first) % RECOMPUTES == c->recompute;
    return (c->data + c->schedule + first) % SHARED_KINDS == (int)(s->family - SHARED) &&
           (c->data + 2 * c->schedule + first) % RECOMPUTES == c->recompute;
}

/* What there is no such thing as: slices of a sequence that nobody shares, scores that flash attention would have kept.
 * The config must refuse this and nothing else. */
static bool impossible(const Choice *c)
{
    bool selective = strcmp(RECOMPUTE[c->recompute], "selective") == 0;
    return (c->split.sequence_parallel && c->split.tp == 1) || (selective && c->split.family == GPT2_DROPOUT);
}

/* Some of each that can be; bulk changes no bit. */
static RegionOverlap overlap_of(const Choice *c)
{
    int some = (c->schedule + c->data + c->recompute) % 3;
    if (c->split.tp == 1 || some == 0) return REGION_WAITS;
    if (c->split.sequence_parallel && some == 2) return REGION_PIPELINED;
    return c->schedule == SCHEDULE_ZB_H1 ? REGION_WAITS : REGION_BULK;
}

/* hardware.all_to_all, on nodes that two of those that share experts lie in; NULL: there are none. */
static const char *hops_of(const Choice *c)
{
    static const char *const ways[] = {NULL, "hierarchical", "auto"};
    return c->split.ep < 4 ? NULL : ways[(c->data + c->schedule / 2 * 2) % 3];
}

typedef struct Settings {
    char layers[32], text[SPLIT_SETS][48];
} Settings;

/* The unsplit run that has the model of a grid. */
static Case truth_of(const Split *split, Settings *settings)
{
    Case truth = {.steps = STEPS};
    int n = 0;
    for (; FAMILY[split->family].sets[n]; n++) truth.sets[n] = FAMILY[split->family].sets[n];
    snprintf(settings->layers, sizeof settings->layers, "model.layers=%d", 2 * split->pp + 1);
    truth.sets[n++] = settings->layers;
    truth.sets[n++] = split->format->set;
    truth.sets[n] = split->format->gradients;
    return truth;
}

static Case case_of(const Choice *c, Settings *settings)
{
    const Split *s = &c->split;
    Case one = truth_of(s, settings);
    int n = 0;
    while (one.sets[n]) n++;
    bool interleaved = c->schedule == SCHEDULE_INTERLEAVED;
    char(*text)[48] = settings->text;
    snprintf(text[0], sizeof *text, "parallel.pp=%d", s->pp);
    snprintf(text[1], sizeof *text, "parallel.tp=%d", s->tp);
    snprintf(text[2], sizeof *text, "parallel.sequence_parallel=%s", s->sequence_parallel ? "yes" : "no");
    snprintf(text[3], sizeof *text, "parallel.data=%s", DATA[c->data].data);
    snprintf(text[4], sizeof *text, "parallel.reduce=%s", DATA[c->data].reduce);
    snprintf(text[5], sizeof *text, "parallel.schedule=%s", schedule_name[c->schedule]);
    snprintf(text[6], sizeof *text, "parallel.virtual_stages=%d", interleaved ? 2 : 1);
    snprintf(text[7], sizeof *text, "train.recompute=%s", RECOMPUTE[c->recompute]);
    snprintf(text[8], sizeof *text, "train.microbatch=1");
    static const char *const overlap[] = {"none", "bulk", "pipelined"};
    snprintf(text[9], sizeof *text, "parallel.tensor_overlap=%s", overlap[overlap_of(c)]);
    snprintf(text[10], sizeof *text, "parallel.ep=%d", s->ep);
    const char *hops = hops_of(c);
    snprintf(text[11], sizeof *text, "hardware.profile=%s", "slow.ini");
    snprintf(text[12], sizeof *text, "hardware.all_to_all=%s", hops ? hops : "");
    snprintf(text[13], sizeof *text, "node.devices=%d", 2 * s->tp);
    for (int i = 0; i < (hops ? SPLIT_SETS : 11); i++) one.sets[n + i] = text[i];
    return one;
}

static void name_of(const Choice *c, char *name, size_t size)
{
    const Split *s = &c->split;
    char ep[32] = "";
    if (s->ep > 1)
        snprintf(ep, sizeof ep, ", ep %d%s%s", s->ep, hops_of(c) ? " " : "", hops_of(c) ? hops_of(c) : "");
    snprintf(name, size, "%s in %s, pp %d x dp %d x tp %d%s%s, %-5s reduce %-4s, %-11s, recompute %-9s",
             FAMILY[s->family].name, s->format->name, s->pp, s->dp, s->tp, ep,
             s->sequence_parallel ? " sp" : "   ", DATA[c->data].data, DATA[c->data].reduce,
             schedule_name[c->schedule], RECOMPUTE[c->recompute]);
}

static void count_refusal(Tally *tally, const char *reason)
{
    size_t most = sizeof tally->reason / sizeof *tally->reason, i = 0;
    while (i + 1 < most && tally->reason[i].count && strcmp(tally->reason[i].text, reason) != 0) i++;
    snprintf(tally->reason[i].text, sizeof tally->reason[i].text, "%s", reason);
    tally->reason[i].count++;
    tally->refused++;
}

/* Cases of one split that add the same numbers in the same order: those that reduce at the same moments, but that
 * interleaved on one rank has two stages there, and so two copies of the tied embedding; and products by pieces may be
 * rounded otherwise. */
enum { CLASSES = 8 };
static int class_of(const Choice *c)
{
    return 4 * (overlap_of(c) == REGION_PIPELINED) + 2 * DATA[c->data].each_microbatch +
           (c->split.pp == 1 && c->schedule == SCHEDULE_INTERLEAVED);
}

/* The unsplit run, and how far its gradients in 16 bits may be from others'. */
typedef struct Truth {
    Case run;
    Rounding rounding;
} Truth;

static void find_truth(const Split *split, Settings *settings, Truth *truth)
{
    const Numbers *format = split->format;
    truth->run = truth_of(split, settings);
    if (!case_virtual(&truth->run, 1)) fail("the unsplit run: %s", truth->run.refused);
    if (format->roundoff == 0) return;
    truth->rounding = rounding_of(&truth->run, format->roundoff);
    if (!(truth->rounding.all <= format->apart))
        fail("in %s rounding alone makes the gradient %.3g wrong", format->name, truth->rounding.all);
}

/* The case is as the truth, its dry run as itself, and the first of its class as it, bit for bit. */
static bool holds(const Truth *truth, const Choice *choice, const char *name, Case *c, Case *first,
                  Margin *margin)
{
    int ranks = choice->split.ranks;
    const Numbers *format = choice->split.format;
    bool ok = format->roundoff > 0
                  ? rounding_agrees(&truth->rounding, &truth->run, c, name, ranks, format->apart, margin)
                  : case_agrees(&truth->run, c, name, ranks, format->apart);
    Settings settings = {0};
    Case dry = case_of(choice, &settings);
    dry.dry = true;
    dry.steps = 1;
    bool ran = case_virtual(&dry, ranks);
    if (!ran) printf("# %s on %d ranks, dry: %s\n", name, ranks, dry.refused);
    ok = ran && case_dry_equals(c, &dry, name, ranks) && ok;
    case_free(&dry);
    if (!first->loss || case_same_bits(first, c)) return ok;
    printf("# %s on %d ranks: other bits than the first of its kind\n", name, ranks);
    return false;
}

static void run_choice(const Truth *truth, const Choice *choice, Case *firsts, Tally *tally)
{
    char name[256];
    int ranks = choice->split.ranks;
    name_of(choice, name, sizeof name);
    Settings settings = {0};
    Case c = case_of(choice, &settings), *first = &firsts[class_of(choice)];
    bool ran = case_virtual(&c, ranks), ok = ran;
    if (!ran && !c.stuck && impossible(choice)) { /* with the reason in the totals */
        count_refusal(tally, c.refused);
        printf("refused - %d ranks, %s\n", ranks, name);
        return;
    }
    if (!ran) printf("# %s on %d ranks: %s\n", name, ranks, c.refused);
    if (ran) ok = holds(truth, choice, name, &c, first, &tally->margin) && !impossible(choice);
    *(ok ? &tally->passed : &tally->failed) += 1;
    printf("%s - %d ranks, %s: loss %.0e, gradients %.0e, norm %.0e, bubble %.4f%s\n", ok ? "ok" : "not ok",
           ranks, name, c.loss_apart, c.gradients_apart, c.norm_apart, ran ? c.bubble[0] : 0,
           ok ? "; bytes, memory, dry, bits equal" : "");
    if (ran && !first->loss)
        *first = c;
    else
        case_free(&c);
}

typedef enum { ALL, SLICE, EXPERTS } Which;

static void run_split(Split split, Which which, Tally *tally)
{
    Settings settings = {0};
    Case firsts[CLASSES] = {0};
    Truth truth = {0};
    for (int r = 0; r < RECOMPUTES; r++)
        for (int d = 0; d < DATAS; d++)
            for (int s = 0; s < SCHEDULE_KINDS; s++) {
                Choice choice = {.split = split, .data = d, .schedule = s, .recompute = r};
                if ((which == SLICE && !in_slice(&choice)) || !in_cover(&choice)) continue;
                if (which == EXPERTS && !shares_experts(&split)) continue;
                if (!truth.run.loss) find_truth(&split, &settings, &truth);
                run_choice(&truth, &choice, firsts, tally);
            }
    for (int i = 0; i < CLASSES; i++) case_free(&firsts[i]);
    case_free(&truth.run);
    rounding_free(&truth.rounding);
}

/* One process: takes splits until none is left. */
static void work(Shared *shared, Tally *tally, Which which)
{
    Split split[SPLITS];
    int count = list_splits(split);
    for (int i; (i = atomic_fetch_add(&shared->next, 1)) < count;) run_split(split[i], which, tally);
}

static int start(Shared *shared, int workers, Which which)
{
    int died = 0;
    for (int w = 0; w < workers; w++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("matrix: fork");
            exit(1);
        }
        if (pid > 0) continue;
        work(shared, &shared->tally[w], which);
        exit(0);
    }
    for (int w = 0, status; w < workers; w++)
        if (wait(&status) < 0 || status != 0) died++;
    return died;
}

int main(int argc, char **argv)
{
    static const char *const words[] = {[SLICE] = "slice", [EXPERTS] = "experts"};
    Which which = ALL;
    for (int w = SLICE; w <= EXPERTS && argc == 2; w++)
        if (strcmp(argv[1], words[w]) == 0) which = (Which)w;
    if (argc > 1 && which == ALL) {
        fprintf(stderr, "usage: matrix [slice or experts]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines of several processes */
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = cores < 1 ? 1 : cores > WORKERS ? WORKERS : (int)cores;
    Shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("matrix: mmap");
        return 1;
    }
    int died = start(shared, workers, which);
    Tally all = {0};
    for (int w = 0; w < workers; w++) {
        const Tally *t = &shared->tally[w];
        all.passed += t->passed;
        all.failed += t->failed;
        if (t->margin.share > all.margin.share) all.margin = t->margin;
        for (size_t i = 0; i < sizeof t->reason / sizeof *t->reason; i++)
            for (int k = 0; k < t->reason[i].count; k++) count_refusal(&all, t->reason[i].text);
    }
    if (died) printf("not ok - %d of %d processes died\n", died, workers);
    for (size_t i = 0; i < sizeof all.reason / sizeof *all.reason; i++)
        if (all.reason[i].count) printf("# refused %d: %s\n", all.reason[i].count, all.reason[i].text);
    if (all.margin.share > 0)
        printf("# in 16 bits a gradient was at most %.2f of its bound apart: %s\n", all.margin.share,
               all.margin.where);
    printf("# %d run, %d passed, %d failed, %d refused\n", all.passed + all.failed, all.passed,
           all.failed + died, all.refused);
    return died > 0 || all.failed > 0 || all.passed == 0;
}
