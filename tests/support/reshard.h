/* reshard.h - cases that write a checkpoint and read one beside training, and splits that read each other's. */
#ifndef TESTS_SUPPORT_RESHARD_H
#define TESTS_SUPPORT_RESHARD_H
#include "models/machine/error.h"
#include "tests/support/case.h"

/* ---- a case that stops, or goes on ---- */

enum { STOPS_PATH = 64 };

/* What a case does beside training: before the first step it reads, writes again what it read, and after step `at`
 * it writes; NULL: not. Names are of files in a folder of the test's own. */
typedef struct Stops {
    const char *load, *save, *again;
    int64_t at;
    double loss_scale; /* what rank 0 has at the end; of it */
    int64_t fine, updates;
    bool refused;
    Error error;
    void (*look)(Trainer *t, struct Stops *stops); /* every rank's, after each step; or NULL */
} Stops;

/* The folder, which all ranks of a launch know: 0, as cmocka's set-up has it. */
int stops_begin(void);
int stops_end(void);
void stops_path(char path[STOPS_PATH], const char *name);
/* As run_case(), on the ranks of the launch; on virtual ones, whatever the launch, of rank 0 alone. */
bool stops_run(Case *c, Stops *stops, int ranks);
bool stops_virtual(Case *c, Stops *stops, int ranks);
/* Whether two checkpoints hold the same: every tensor, their checksums, and the state. */
bool stops_same(const Case *c, const char *a, const char *b);
/* Removes one. */
void stops_remove(const char *name);
/* Rank 0 of a launch is done with what the others will look for. */
void stops_meet(void);
/* Whether this process looks at results. */
bool stops_is_first(void);

/* ---- any split's checkpoint under any other ---- */

/* A vocabulary that is padded, heads of keys and values that ranks share, a tied embedding of which a pipeline has a
 * copy, and units that no number of replicas divides. A checkpoint is written after step RESHARD_AT; RESHARD_STEPS
 * more follow, of which the last shows what the optimizer held. */
enum { RESHARD_AT = 2, RESHARD_STEPS = 2, RESHARD_SPLITS = 10 };
/* And behind these splits of a model with experts, which replicas share or not, and which read each other's alone. */
enum { RESHARD_ALL = RESHARD_SPLITS + 7 };
extern const char reshard_model[];
typedef struct ReshardSplit {
    int ranks;
    const char *words;
} ReshardSplit;
extern const ReshardSplit reshard_split[RESHARD_ALL]; /* the first of each kind is none */
/* Whether both are splits of the same model. */
bool reshard_fits(int from, int to);

/* What `from` wrote lies under its number. `truth` is what one rank makes of it: losses of the next steps, norm and
 * gradients of the first of them; `unbroken` is how far its losses are from those of `from` itself, which never
 * stopped. `numbers` are further sets: the precision. All on virtual ranks. */
typedef struct Reshard {
    int from;
    const char *numbers;
    Case truth;
    double unbroken;
} Reshard;
void reshard_begin(Reshard *r, int from, const char *numbers);
void reshard_end(Reshard *r);

/* How `to` reads it: whether at all, whether it writes the same again, and how far its next steps are from the truth's,
 * relatively: each parameter's gradient to its largest value, and all together. False where there is nothing to look
 * at, on other ranks than the first. */
typedef struct Reread {
    bool read, same;
    double loss, norm, gradients, together;
    char error[sizeof((Error *)0)->text];
} Reread;
bool reshard_read(const Reshard *r, int to, Reread *reread);
#endif
