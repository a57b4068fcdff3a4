/* balance.h - losses, and a bias, that keep the load of experts even.
 *
 * Letters: n tokens here, E experts, k of them a token, D devices that hold E / D experts each in order. Of the T
 * tokens of a scope (a sequence, a microbatch, a global batch: all ranks')
 *
 *     f_i  = E / (k T) times the tokens that chose expert i
 *     P_i  = 1 / T times the sum of their scores for it, each token's scores divided by their sum
 *     f'_d = the mean of f over the experts of device d
 *     P'_d = the sum of P over them
 *     f"_d = D / (M T) times the tokens that chose one of them, where a token goes to M devices at most
 *
 *     L = alpha_1 sum f_i P_i + alpha_2 sum f'_d P'_d + alpha_3 sum f"_d P'_d
 *
 * With an even load each sum is 1. The first is the load balancing loss of Switch (Fedus et al. 2101.03961, eq. 4 to 6,
 * k = 1), that of GShard (Lepikhin et al. 2006.16668, algorithm 1) times E^2, which counts first choices alone,
 * DeepSeekMoE's expert-level loss (Dai et al. 2401.06066, eq. 12 to 14; DeepSeek-V2, 2405.04434, eq. 23 to 25) and, the
 * scope being a sequence and what is chosen the best scores of all without a bias, V3's complementary one (2412.19437,
 * eq. 17 to 20). The second is DeepSeekMoE's device-level loss (eq. 15 to 17; V2, eq. 26 to 28), the third V2's
 * communication balance loss (eq. 29 to 31).
 *
 * f has no gradient: L is linear in P, by weights that are known once the loads are. So it goes in steps: what a rank
 * has of a scope is added up, the loads then over the ranks that share it, and all of them have its weights; and of P,
 * which each has its tokens' part of, the same part of its loss.
 *
 * Loads and experts are INT32, sums of scores and weights REAL; other tensors REAL, BF16 or FP16 in any mixture. */
#ifndef MODELS_KERNELS_BALANCE_H
#define MODELS_KERNELS_BALANCE_H
#include "models/machine/tensor.h"

typedef struct Balance {
    int64_t experts, top_k;
    int64_t scopes;          /* that the tokens here are of: as many of each, one scope's after the other's */
    int64_t tokens;          /* of a scope, T, on whatever ranks */
    int64_t devices;         /* D */
    int64_t devices_limited; /* M */
    double expert, device, communication; /* alpha_1, alpha_2, alpha_3 */
} Balance;

/* load (scopes, E) INT32 += choices of each expert, of experts (n, k) */
void balance_load(const Balance *b, Tensor experts, Tensor load);
/* sent (scopes, D) INT32 += tokens that chose an expert of each device */
void balance_sent(const Balance *b, Tensor experts, Tensor sent);
/* probability (scopes, E) += scores (n, E), each token's over their sum */
void balance_probability(const Balance *b, Tensor scores, Tensor probability);

/* Weights (scopes, E) such that a scope's L is sum(weight_i P_i), from its loads on all ranks; and that sum of all scopes
 * here added up, 0 on a dry device: L, if `probability` is of all their tokens, else the part of those that it is of.
 * `sent` may be without elements where alpha_3 is 0. */
double balance_loss(const Balance *b, Tensor load, Tensor sent, Tensor probability, Tensor weights);
/* dscores (n, E) += scale times the gradient of that */
void balance_backward(const Balance *b, Tensor scores, Tensor weights, double scale, Tensor dscores);

/* Router z-loss (Zoph et al. 2202.08906, ST-MoE, eq. 5, which divides by the tokens): of logits (n, E) the sum of
 * log(sum(exp))^2 over the tokens, 0 on a dry device; dlogits += scale times its gradient. */
double z_loss_forward(Tensor logits, int64_t E);
void z_loss_backward(Tensor logits, double scale, Tensor dlogits, int64_t E);

/* bias (E) += gamma sign(mean(load) - load), load (E) INT32 that of all tokens of a step (Wang et al. 2408.15664,
 * algorithm 1; V3, section 2.1.2): balance without a loss, where what is chosen is of scores with this bias
 * (router.h). */
void balance_bias(Tensor bias, Tensor load, double gamma);
#endif
