/* domain.h - units that the same ranks hold alike, and what one of those ranks has of them.
 *
 * Every unit belongs to a domain (Unit.domain). Domain 0 is that of the data group, of what all replicas hold. The
 * group of any other is a part of the data group, and the other parts hold units of their own in place of its: each of
 * them an expert, say. Gradients are sums over the whole batch, not means: if few replicas add up what many tokens
 * gave each, nothing is to be scaled.
 *
 * In a group of N each unit is padded to a multiple of N, and rank r owns block r of it. In a flat, whole or of one
 * rank's shards, units lie one after the other; here of three, and N = 2:
 *
 *   whole              a0 a1 b0 b1 c0 c1
 *   shards of rank 1   a1 b1 c1            a shard begins at its unit's offset / N
 *
 * As backward completes them, from the last to the first, units fill buckets, whose rings begin together. */
#ifndef PARALLEL_DATA_DOMAIN_H
#define PARALLEL_DATA_DOMAIN_H
#include "models/layers/gpt_parameters.h"
#include "models/training/optimizer.h"
#include "parallel/data/strategy.h"
#include "parallel/data/transfer.h"

/* Those that hold the domain's units alike; and one rank of each such group, which holds others in their place (NULL:
 * there is but one such group). */
typedef struct DomainGroups {
    Group *group, *others;
} DomainGroups;

/* Units of a domain and of one stage whose parameters or gradients travel together. */
typedef struct Bucket {
    struct Domain *domain;
    const int *unit;  /* (units): some of the domain's, in its order */
    int units, ready; /* ready: how many gradients are complete in this microbatch */
    Transfer gathering, reducing;
    Tensor wide; /* what travels in place of 16-bit gradients, while it does */
} Bucket;

typedef struct Domain {
    DomainGroups groups;
    int *unit, units; /* (units): those that are held here, from the last to the first */
    int64_t total;    /* of all of them, padded */
    bool updates;     /* this rank has an optimizer: in dp the group's first alone */
    /* flat: whole, or this rank's shards; state is REAL and may be absent; it has a master where parameters
     * are rounded: to 16 bits, or to what arrived quantised */
    Tensor parameters, gradients, state[OPTIMIZER_STATES];
    Bucket *bucket; /* (buckets): in the order backward completes them */
    int buckets;
    Bucket *sent; /* the last whose gradients were, or NULL */
} Domain;

/* A unit in its domain; of one that is not held padded is 0, and there is no bucket. */
typedef struct DomainUnit {
    Domain *domain;
    Bucket *bucket;
    int64_t padded, offset;
    Tensor weights, gradients; /* whole: views of a flat that is whole, or what is here for a moment */
    bool blank; /* so the domain's gradients have it: in this step nobody had it to add to (tensor.h) */
} DomainUnit;

/* What is held, and how. */
typedef struct Holding {
    const Gpt *gpt;
    const DataParallelConfig *config;
    const OptimizerConfig *optimizer;
    DType gradient_dtype; /* what gradients are kept, and travel, in */
} Holding;

/* Lays out the domain of this number and allocates its flats, and fills in its units, of the model's `unit`. It must
 * stay where it is; the groups and the model must live as long. */
void domain_make(Domain *domain, const Holding *held, int number, DomainGroups groups, DomainUnit *unit);
void domain_end(Domain *domain);

/* A unit's range of a flat of its domain that is whole, padded; and of one of shards. */
Tensor domain_whole(const DomainUnit *unit, Tensor flat);
Tensor domain_shard(const DomainUnit *unit, Tensor flat);
/* This rank's range of the unit: its block of the padded length. */
void domain_owned(const DomainUnit *unit, int64_t *offset, int64_t *count);
/* A unit's whole gradient, of so many values and what pads them, as blank (tensor.h) but for zeros in the padding. */
Tensor domain_blank(Tensor gradient, int64_t count);
#endif
