/* experts_kept.h - what a branch of experts keeps, by its numbers. */
#ifndef MODELS_LAYERS_EXPERTS_KEPT_H
#define MODELS_LAYERS_EXPERTS_KEPT_H

/* On t ranks; n tokens, E experts, k of them a token, room for R rows of those here. */
enum {
    EXPERTS_LOGITS, /* these as in Routing */
    EXPERTS_SCORES,
    EXPERTS_CHOSEN,
    EXPERTS_GATES,
    EXPERTS_BALANCE,
    EXPERTS_ROW,
    EXPERTS_COUNTS,
    EXPERTS_DLOGITS,
    EXPERTS_ALL_GATES, /* of all ranks that share the experts, where all tokens go to all */
    EXPERTS_PLACES,    /* INT32: of what arrived from those ranks (expert_rows.h), */
    EXPERTS_ROWS,      /* and the rows it made, (R, C) */
    EXPERTS_INNER,     /* (R, inner width of an expert/t) */
    EXPERTS_OUTER,     /* (R, f/t): what the activation made */
    EXPERTS_RESULTS, /* (R, C), or of the tokens here: a part of the sum; between backward's halves its gradient */
    EXPERTS_DINNER, /* like inner */
    SHARED_INNER,   /* (n, inner width of the shared/t) */
    SHARED_OUTER,
    SHARED_DINNER,
    EXPERTS_KEPT
};
#endif
