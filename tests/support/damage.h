/* damage.h - what may have happened to a run file, or what someone made of it: bytes changed, and structure that sim
 * never writes. */
#ifndef TESTS_SUPPORT_DAMAGE_H
#define TESTS_SUPPORT_DAMAGE_H
#include <stdbool.h>
#include <stdint.h>

/* A generator of the same numbers for the same seed. */
typedef struct Dice {
    uint64_t state;
} Dice;
uint64_t dice_roll(Dice *dice, uint64_t sides); /* from 0 to sides - 1 */

enum { DAMAGE_WORDS = 160 };

/* Changes some bytes, zeroes a region, or cuts the end off; `words` says what. */
void damage_bytes(const char *path, Dice *dice, char words[DAMAGE_WORDS]);

/* What a dataset is made again as. */
typedef enum {
    AS_NUMBERS,   /* 8-byte floats */
    AS_FLOATS,    /* 4-byte floats */
    AS_INTEGERS,  /* 8 bytes, signed */
    AS_COUNTS,    /* 8 bytes, unsigned */
    AS_BYTES,     /* 1 byte, signed */
    AS_TEXT,      /* 16 bytes a text */
    AS_ANY_TEXT,  /* texts of variable length */
    AS_SEQUENCE,  /* sequences of variable length */
    AS_REFERENCE, /* to other objects */
    AS_ROW,       /* a compound of one field */
    AS_TYPES
} DamageType;

typedef struct Remade {
    DamageType type;
    int rank;
    uint64_t dims[4];
    bool sparse;     /* chunks that nobody allocated, as extents that nobody has room for need */
    bool compressed; /* chunks that are */
    bool raw;        /* bytes of a file of another kind */
    bool virtual;    /* of no bytes of its own, but another file's dataset */
} Remade;

/* Removes an object, and makes it again as given; NULL: not at all. */
void damage_dataset(const char *path, const char *object, const Remade *as);
/* What the dataset is, for a Remade that differs in one thing; false when it is none. */
bool damage_shape(const char *path, const char *object, Remade *as);
/* Makes of an object a group, or a link that leads nowhere. */
void damage_group(const char *path, const char *object);
void damage_link(const char *path, const char *object);
/* And one to the same object of another file. */
void damage_link_to(const char *path, const char *object, const char *other);
/* Random bits for every value of a dataset. */
void damage_values(const char *path, const char *object, Dice *dice);

/* An attribute: made again. */
void damage_number(const char *path, const char *object, const char *name, double value);
void damage_text(const char *path, const char *object, const char *name, const char *text);
void damage_any_text(const char *path, const char *object, const char *name, const char *text);
void damage_pair(const char *path, const char *object, const char *name); /* two numbers */
void damage_no_attribute(const char *path, const char *object, const char *name);

/* Checksums of what the file has become, where it has all that they are taken of. */
void damage_seal(const char *path);

/* One such change of structure, or a few; `words` says which. */
void damage_structure(const char *path, Dice *dice, char words[DAMAGE_WORDS]);
#endif
