/* space.h - all combinations of some keys' values: numbered, the last key's values turning fastest. */
#ifndef SIM_SWEEP_SPACE_H
#define SIM_SWEEP_SPACE_H
#include <stdint.h>
#include "models/machine/error.h"

enum { SPACE_KEYS = 32, SPACE_SETS = 64, SPACE_MOST = 1000000, SPACE_NAME = 96 };

/* A key that has several values: of the config, or "ranks". */
typedef struct SpaceKey {
    char name[SPACE_NAME]; /* "parallel.tp" */
    int row;               /* of the config's (rows.h); -1: ranks */
    int count;
    char **value; /* (count) as the ini spells them; no two are the same */
} SpaceKey;

typedef struct Space {
    SpaceKey key[SPACE_KEYS];
    int keys;
    char *set[SPACE_SETS]; /* "section.key=value" of what has one value, in all combinations */
    int sets;
    int ranks; /* in all combinations; 0: they are a key */
    int64_t count;
} Space;

/* Takes "section.key=value", or "section.key=value,value,...": one value is the same in all combinations, more make a
 * key. Values of a key that is a list of numbers itself stand between semicolons: "8,8,8,8;7,8,8,9". Refuses unknown
 * keys, values that no config takes, repeated ones and keys given again. After a refusal, too, it is to be freed. */
bool space_add(Space *space, const char *set, Error *error);
/* The same of how many ranks there are: "512" or "256,512". */
bool space_add_ranks(Space *space, const char *list, Error *error);
/* Counts them, when all is added: false when there is no key, or more than SPACE_MOST combinations. */
bool space_close(Space *space, Error *error);
void space_free(Space *space);

/* Which of the key's values combination `index` has. */
int space_choice(const Space *space, int64_t index, int key);
const char *space_value(const Space *space, int64_t index, int key);
int space_ranks(const Space *space, int64_t index);
/* The key of that name; -1: there is none. */
int space_find(const Space *space, const char *name);
/* "parallel.tp 8, train.microbatch 2" of combination `index`. */
void space_describe(const Space *space, int64_t index, char *text, unsigned long size);
#endif
