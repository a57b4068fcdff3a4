/* rows_moe.c - [moe]: layers whose MLP is many, the experts. */
#include "sim/config/row_field.h"

static const char *const routers[] = {[ROUTER_SOFTMAX] = "softmax", [ROUTER_SIGMOID] = "sigmoid", NULL};
static const char *const policies[] = {
    [DROP_BY_POSITION] = "position", [DROP_BY_PROBABILITY] = "probability", NULL};
static const char *const balances[] = {
    [BALANCE_NONE] = "none", [BALANCE_AUXILIARY] = "auxiliary", [BALANCE_BIAS] = "bias", NULL};
static const char *const scopes[] = {
    [SCOPE_MICROBATCH] = "microbatch", [SCOPE_SEQUENCE] = "sequence", [SCOPE_BATCH] = "global_batch", NULL};

static const char *const dispatches[] = {
    [DISPATCH_ALL_TO_ALL] = "all_to_all", [DISPATCH_ALL_GATHER] = "all_gather", NULL};

#define OF(member) FIELD(model.shape.experts.member)
const ConfigRow rows_of_moe[] = {
    {"moe", "experts", ROW_INTEGER, ALWAYS, OF(count), NULL, 0, 65536, .example = "8",
     .help = "MLPs in the place of a layer's one; 0: there are none",
     .more =
         "Sparse experts: a router, a linear layer from a token to a number of each expert, chooses those "
         "that the token goes to, and the sum of what they make, each times its gate, is the layer's result "
         "(Shazeer et al., arXiv 1701.06538; Fedus et al., arXiv 2101.03961). Experts and router have no "
         "biases, whatever model.bias says, and experts have the model's activation. Every rank holds all "
         "experts, as it holds all else, or under parallel.ep some; under parallel.tp each is cut as an MLP "
         "is. Loads, dropped tokens and the router's entropy are recorded, and the losses of [moe] apart "
         "from that of the language. A dry run routes no tokens, and assumes the load: even, or as moe.load "
         "or moe.skew have it.\n"},
    {"moe", "top_k", ROW_INTEGER, WITH_EXPERTS, OF(top_k), NULL, 1, 65536, .example = "2",
     .help = "experts that a token goes to",
     .more = "Of equal scores those of lower numbers, so that runs repeat.\n"},
    {"moe", "ffn", ROW_INTEGER, WITH_EXPERTS, OF(ffn), NULL, 0, 1e8, .example = "1408",
     .help = "inner width of an expert; 0 is model.ffn"},
    {"moe", "shared_experts", ROW_INTEGER, WITH_EXPERTS, OF(shared), NULL, 0, 65536, .example = "2",
     .help = "as many more that every token goes to, without a gate",
     .more = "One MLP of their widths together (Dai et al., arXiv 2401.06066, section 3.2).\n"},
    {"moe", "first_dense", ROW_INTEGER, WITH_EXPERTS, OF(first_dense), NULL, 0, 1e6, .example = "1",
     .help = "first layers that keep their MLP; DeepSeek's models have 1 or 3"},
    {"moe", "every", ROW_INTEGER, WITH_EXPERTS, OF(every), NULL, 1, 1e6, .example = "2",
     .help = "of the layers after them each n-th has experts, the first too; 1: all",
     .more = "GShard and Switch have them in every other layer, Mixtral and DeepSeek in all.\n"},
    {"moe", "router", ROW_CHOICE, WITH_EXPERTS, OF(router), NULL, .choices = routers, .example = "sigmoid",
     .help = "a score is the softmax of the router's numbers, or each one's sigmoid",
     .more = "DeepSeek-V3 has sigmoids (arXiv 2412.19437, eq. 15), others the softmax.\n"},
    {"moe", "normalise_top_k", ROW_SWITCH, WITH_EXPERTS, OF(normalise), NULL, .example = "yes",
     .help = "divide a token's gates by their sum",
     .more = "Mixtral's and DeepSeek-V3's are, Switch's and DeepSeekMoE's not.\n"},
    {"moe", "route_scale", ROW_NUMBER, WITH_EXPERTS, OF(scale), NULL, 0, 1e6, .low_out = true,
     .example = "2.5", .help = "factor of gates; 16 in DeepSeek-V2, 2.5 in V3"},
    {"moe", "groups", ROW_INTEGER, WITH_EXPERTS, OF(groups), NULL, 1, 65536, .example = "2",
     .help = "runs of as many experts each, of which a token goes to some; 1: none",
     .more = "Device-limited and node-limited routing (arXiv 2405.04434, section 2.2.2; 2412.19437, section "
             "2.1.2): a group is as good as its best expert, under router = sigmoid as its best two "
             "together. Experts of other groups are not chosen, whatever their scores.\n"},
    {"moe", "groups_limited", ROW_INTEGER, WITH_GROUPS_OF_EXPERTS, OF(groups_limited), NULL, 1, 65536,
     .example = "1", .help = "groups that a token's experts come from"},
    {"moe", "capacity_factor", ROW_NUMBER, WITH_EXPERTS, OF(capacity), "0", 0, 1e6, .example = "1.25",
     .help = "an expert takes so many times the mean load at most; 0: all",
     .more =
         "An expert takes ceil(factor x tokens x top_k / experts) choices of a moe.balance_scope (GShard, "
         "arXiv 2006.16668, section 2.2). A token whose choice is dropped misses that expert's part and "
         "passes by in the residual.\n"},
    {"moe", "drop_policy", ROW_CHOICE, WITH_CAPACITY, OF(drop), "position", .choices = policies,
     .example = "probability", .help = "who comes last is dropped, or who has the smallest gate",
     .more =
         "By position all tokens' best choices come first, then all their second ones, and so on (GShard, "
         "algorithm 1).\n"},
    {"moe", "dispatch", ROW_CHOICE, WITH_DISPATCH, FIELD(expert.way), "all_to_all", .choices = dispatches,
     .example = "all_gather", .help = "under parallel.ep how tokens reach their experts",
     .more =
         "all_to_all: each token's row goes to the ranks of its experts, and what they make of it comes back "
         "(Lepikhin et al., arXiv 2006.16668). all_gather: all tokens of the ep ranks go to all, each adds "
         "up what its experts make of them, and the sums are reduce-scattered: as many bytes whatever is "
         "chosen, fewer only where tokens go to most of the ranks. The sums are added in another order.\n"},
    {"moe", "balance", ROW_CHOICE, WITH_EXPERTS, OF(balance), "none", .choices = balances,
     .example = "auxiliary", .help = "what keeps the load of experts even",
     .more =
         "auxiliary: a loss, moe.balance_coefficient times E / (k T) x the choices of an expert, times its "
         "mean score, summed over experts and layers: 1 times the coefficient a layer under an even load "
         "(Switch, arXiv 2101.03961, eq. 4 to 6; DeepSeekMoE, arXiv 2401.06066, eq. 12). Its gradient joins "
         "that of the language's; its value is recorded apart, /moe/balance_loss.\n"
         "bias: no loss. Each expert of a layer has a number that is added to its scores where experts, and "
         "groups of them, are chosen, not in a gate; in every step that updates weights it rises by "
         "moe.bias_step where the expert had less than the mean of all choices of the global batch, and "
         "falls where it had more (Wang et al., arXiv 2408.15664; DeepSeek-V3, arXiv 2412.19437, section "
         "2.1.2). It is recorded, /moe/bias, and in checkpoints and weights files: "
         "mlp.gate.e_score_correction_bias. Any moe.balance_coefficient above 0 adds the loss to it, and "
         "with moe.balance_scope = sequence that is V3's complementary one (eq. 17 to 20, there 0.0001), of "
         "what scores without the bias would choose.\n"},
    {"moe", "bias_step", ROW_NUMBER, WITH_A_BIAS, OF(bias_step), "0.001", 0, 1e6, .low_out = true,
     .example = "0.0001", .help = "what a bias rises or falls by in a step",
     .more =
         "DeepSeek-V3's is 0.001, and 0 in the end. Scores are below 1: softmaxes of many experts far, and "
         "want a smaller one.\n"},
    {"moe", "balance_coefficient", ROW_NUMBER, WITH_A_BALANCE, OF(auxiliary), "0.01", 0, 1e6,
     .example = "0.001", .help = "of the auxiliary loss; with balance = bias 0 unless it is given"},
    {"moe", "device_coefficient", ROW_NUMBER, WITH_GROUPS_OF_EXPERTS, OF(device), "0", 0, 1e6,
     .example = "0.05", .help = "of a loss that keeps the load of groups even, whatever their experts'",
     .more =
         "DeepSeekMoE's device-level balance loss, a group being a device's experts (arXiv 2401.06066, eq. "
         "15 to 17): the mean of f in a group times the sum of its P, f and P as in moe.balance = auxiliary. "
         "Added to that, or by itself.\n"},
    {"moe", "communication_coefficient", ROW_NUMBER, WITH_GROUPS_OF_EXPERTS, OF(communication), "0", 0, 1e6,
     .example = "0.02", .help = "of a loss that keeps even how many tokens each group is sent",
     .more = "DeepSeek-V2's communication balance loss (arXiv 2405.04434, eq. 29 to 31): groups / "
             "(groups_limited T) times the tokens that go to a group, times the sum of its P. Limited "
             "routing bounds what a device sends; this is of what it receives. Added to the others, or by "
             "itself.\n"},
    {"moe", "balance_scope", ROW_CHOICE, WITH_LOADS_OF_A_SCOPE, OF(scope), "microbatch", .choices = scopes,
     .example = "sequence", .help = "the tokens that loads are of, for balance and capacity",
     .more =
         "microbatch: train.microbatch samples of one replica together; sequence: each sample by itself "
         "(arXiv 2412.19437, eq. 17); global_batch: all samples of a step, on whatever replicas, so that "
         "experts may be of one kind of text each (Qiu et al., arXiv 2501.11873). With the last two no split "
         "of the batch changes a run. Loads of a global batch are known when its last forward has ended: it "
         "wants a schedule that has all forwards before the first backward, as gpipe, or one microbatch a "
         "replica; between them loads are summed over the replicas. And it takes no moe.capacity_factor: an "
         "expert's room for a global batch is taken in the order of its tokens, and a replica that drops in "
         "forward has yet to learn what the others' tokens chose. Capacities are of a microbatch or a "
         "sample, as in GShard, whose groups are parts of a batch.\n"},
    {"moe", "z_loss", ROW_NUMBER, WITH_EXPERTS, OF(z_loss), "0", 0, 1e6, .example = "0.001",
     .help = "coefficient of the router's z-loss, which keeps its numbers small",
     .more = "The mean over tokens of log(sum(exp))^2, summed over layers (Zoph et al., arXiv 2202.08906, "
             "eq. 5). Recorded apart, /moe/z_loss.\n"},
    {"moe", "load", ROW_TEXT, WITH_EXPERTS, FIELD(assumed.load), "", .example = "results/moe.h5",
     .help = "of a dry run: the file of the run whose load of experts it assumes",
     .more =
         "Of a run with as many experts and layers that have them, its step moe.load_step. Where its file "
         "has /moe/rows, and its batch, replicas, microbatches, sequence, top_k and capacity, with its "
         "moe.balance_scope, are this run's: each replica's and microbatch's own, so that the dry run has "
         "that step's bytes, memory and simulated time, whatever else of the grid differs. Else each "
         "expert's share of its /moe/load, in every microbatch alike. The report says which. A run that "
         "trains routes its own tokens and refuses the key.\n"},
    {"moe", "load_step", ROW_INTEGER, WITH_A_LOAD, FIELD(assumed.step), "0", 0, 1e9, .example = "100",
     .help = "the step of moe.load's run, from 1; 0: its last"},
    {"moe", "skew", ROW_NUMBER, WITHOUT_A_LOAD, FIELD(assumed.skew), "0", 0, 16, .example = "0.5",
     .help = "of a dry run: a layer's i-th expert has a load as i^-skew; 0: even",
     .more =
         "Zipf's law: of experts 1, 2, 3, ... under skew = 1 the second has half of the first's, the third a "
         "third. In every layer and microbatch the same experts are the full ones, and lie on the first of "
         "the ranks that share experts, for which all others wait. As a token goes to top_k different "
         "experts, none has more choices than there are tokens: what would be above goes to the others, by "
         "their shares. A run that trains routes its own tokens and refuses the key.\n"},
};
