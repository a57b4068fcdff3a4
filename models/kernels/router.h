/* router.h - which experts a token goes to, and with what weight.
 *
 * Letters: n tokens, E experts, k of them a token.
 *
 * A token's scores are the softmax of its logits (Shazeer et al. 1701.06538; with k = 1 Switch, Fedus et al.
 * 2101.03961; DeepSeek-V2, 2405.04434, eq. 22) or the sigmoid of each (DeepSeek-V3, 2412.19437, eq. 15). It goes to
 * the k experts of the best scores; equal ones go by expert number, so that runs repeat.
 *
 * Experts may stand in groups, those of a device or a node. A token then goes to the best groups alone, a group being
 * as good as its best experts' scores together: the best one's in device-limited routing (DeepSeek-V2, section 2.2.2),
 * the best two's in node-limited (V3, section 2.1.2, which has k over the groups a token goes to). Experts of other
 * groups are not chosen, whatever their scores.
 *
 * A bias may be added to the scores for the choice, of groups too (Wang et al. 2408.15664; V3, eq. 16). It has no part
 * in the gates, and no gradient.
 *
 * A gate is a score, or a score over those of the k together (V3, eq. 13), times a factor (16 in V2, 2.5 in V3).
 *
 * Tensors are REAL, BF16 or FP16 in any mixture, experts INT32. What is chosen is the best of scores as they are
 * stored: in 16 bits more of them are equal. */
#ifndef MODELS_KERNELS_ROUTER_H
#define MODELS_KERNELS_ROUTER_H
#include "models/kernels/kinds.h"
#include "models/machine/tensor.h"

typedef struct Router {
    RouterKind kind;
    int64_t experts, top_k;
    int64_t groups;         /* divide the experts into runs of as many; 1: none */
    int64_t groups_limited; /* that a token's experts come from; they hold top_k */
    int64_t group_best;     /* experts whose scores make a group's, no more than it has */
    bool normalise;         /* gates by the sum of the k scores */
    double scale;           /* of the gates */
} Router;

/* scores (n, E) from logits (n, E) */
void router_scores(const Router *r, Tensor logits, Tensor scores);
/* experts (n, k), the best first. A bias (E) without elements is none. */
void router_choose(const Router *r, Tensor scores, Tensor bias, Tensor experts);
/* gates (n, k) of the experts, in their order */
void router_gates(const Router *r, Tensor scores, Tensor experts, Tensor gates);
/* dlogits (n, E) of a choice that stays what it is. On entry they hold what losses want of the scores (balance.h),
 * dscores, or zeros. */
void router_backward(const Router *r, Tensor scores, Tensor experts, Tensor dgates, Tensor dlogits);

/* What scores are divided by, when they are to make 1 together: sigmoids may all be next to nothing. */
static inline double router_sum(double scores)
{
    return scores + 1e-20;
}
#endif
