/* damage.c - changes of a file's bytes, and of its structure, by chance. */
#include "tests/support/damage.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/file/checksums.h"
#include "sim/file/layout.h"
#include "tests/support/check.h"

/* Vigna's splitmix64. */
uint64_t dice_roll(Dice *dice, uint64_t sides)
{
    uint64_t x = dice->state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (x ^ x >> 31) % sides;
}

/* ---- bytes ---- */

static void overwrite(int file, off_t at, const void *bytes, size_t count)
{
    assert_int_equal(pwrite(file, bytes, count, at), count);
}

void damage_bytes(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    int file = open(path, O_RDWR);
    struct stat about;
    assert_true(file >= 0 && fstat(file, &about) == 0 && about.st_size > 0);
    const uint64_t size = (uint64_t)about.st_size, kind = dice_roll(dice, 10);
    if (kind == 0) {
        const uint64_t rest = dice_roll(dice, size);
        snprintf(words, DAMAGE_WORDS, "cut to %llu of %llu bytes", (unsigned long long)rest,
                 (unsigned long long)size);
        assert_int_equal(ftruncate(file, (off_t)rest), 0);
    } else if (kind == 1) {
        static const char zeros[4096];
        const uint64_t count = 1 + dice_roll(dice, sizeof zeros), at = dice_roll(dice, size - count);
        snprintf(words, DAMAGE_WORDS, "%llu zeros at %llu", (unsigned long long)count,
                 (unsigned long long)at);
        overwrite(file, (off_t)at, zeros, count);
    } else {
        const uint64_t count = kind < 7 ? 1 : 1 + dice_roll(dice, 32);
        uint64_t at = 0;
        for (uint64_t i = 0; i < count; i++) {
            unsigned char byte;
            at = dice_roll(dice, size);
            assert_int_equal(pread(file, &byte, 1, (off_t)at), 1);
            byte ^= (unsigned char)(1 + dice_roll(dice, 255)); /* another one */
            overwrite(file, (off_t)at, &byte, 1);
        }
        snprintf(words, DAMAGE_WORDS, "%llu bytes changed, the last at %llu", (unsigned long long)count,
                 (unsigned long long)at);
    }
    close(file);
}

/* ---- structure ---- */

void damage_seal(const char *path)
{
    Error error;
    H5 *file = h5_edit(path, &error);
    const bool sealed = file && checksums_write(file, &error);
    if (sealed)
        h5_close(file, NULL);
    else
        h5_abandon(file);
    if (sealed) damage_number(path, "/", "complete", 1); /* whatever it has become */
}

static const char *any_dataset(Dice *dice)
{
    static const char *const others[] = {"/config/ini", "/timeline/actions", "/checksums"};
    const uint64_t i = dice_roll(dice, LAYOUT_DATASETS + LAYOUT_NAMES + 3);
    if (i < LAYOUT_DATASETS) return layout_datasets[i].path;
    if (i < LAYOUT_DATASETS + LAYOUT_NAMES) return layout_names[i - LAYOUT_DATASETS].path;
    return others[i - LAYOUT_DATASETS - LAYOUT_NAMES];
}

static void change_shape(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    static const uint64_t lengths[] = {0,   1,   2,      3,        5,          255,
                                       256, 257, 100000, 1u << 31, 1ull << 40, 1ull << 62};
    const char *object = any_dataset(dice);
    Remade as;
    if (!damage_shape(path, object, &as)) return;
    const uint64_t kind = dice_roll(dice, 6);
    if (kind == 0) {
        as.rank = (int)dice_roll(dice, 5);
        for (int i = 0; i < as.rank; i++) as.dims[i] = 1 + dice_roll(dice, 4);
    } else if (kind == 1) {
        as.type = (DamageType)dice_roll(dice, AS_TYPES);
    } else if (kind == 2) {
        as.compressed = as.rank > 0;
    } else if (as.rank > 0) {
        uint64_t *axis = &as.dims[dice_roll(dice, (uint64_t)as.rank)];
        *axis = kind == 3 ? *axis + 1 : kind == 4 && *axis > 0 ? *axis - 1 : lengths[dice_roll(dice, 12)];
    }
    uint64_t values = 1;
    for (int i = 0; i < as.rank; i++) as.sparse |= as.dims[i] && (values *= as.dims[i]) > 100000;
    as.compressed = as.compressed && !as.sparse;
    snprintf(words, DAMAGE_WORDS, "%s of type %d, [%llu, %llu, %llu] of rank %d%s%s", object, (int)as.type,
             (unsigned long long)as.dims[0], (unsigned long long)as.dims[1], (unsigned long long)as.dims[2],
             as.rank, as.sparse ? ", sparse" : "", as.compressed ? ", compressed" : "");
    damage_dataset(path, object, &as);
}

static void change_number(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    static const char *const names[] = {"ranks", "complete", "dry", "parameters", "entropy"};
    static const double numbers[] = {-1,     0,      1,      2,      3,     5,   0.5,
                                     100000, 0x1p24, 0x1p31, 0x1p40, 1e300, NAN, -HUGE_VAL};
    const uint64_t kind = dice_roll(dice, 20);
    const char *object = kind < 3 ? "/timeline" : "/", *name = kind < 3 ? "step" : names[dice_roll(dice, 5)];
    const double value = numbers[dice_roll(dice, 14)];
    snprintf(words, DAMAGE_WORDS, "%s of %s is %g", name, object, value);
    if (kind == 19)
        damage_pair(path, object, name);
    else if (kind == 18)
        damage_no_attribute(path, object, name);
    else if (kind == 17)
        damage_any_text(path, object, name, "1");
    else if (kind == 16)
        damage_text(path, object, name, "1");
    else
        damage_number(path, object, name, value);
}

static void change_config(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    static const char *const keys[] = {"parallel.pp",        "parallel.tp",       "parallel.virtual_stages",
                                       "train.global_batch", "train.microbatch",  "model.layers",
                                       "model.heads",        "model.hidden",      "model.sequence",
                                       "model.vocab",        "parallel.data",     "parallel.schedule",
                                       "hardware.profile",   "train.precision",   "train.recompute",
                                       "model.mlp",          "parallel.quantize", "output.baseline",
                                       "train.seed",         "train.optimizer"};
    static const char *const values[] = {
        "",       "0",      "-1",    "1",       "3",          "2147483647",          "2147483648",
        "1e300",  "nan",    "abc",   "1000000", "1000000000", "9223372036854775807", "99999999999999999999",
        "a\nb\n", "%s%n%d", "gpipe", "measured"};
    char *longest = NULL;
    const char *key = keys[dice_roll(dice, sizeof keys / sizeof *keys)];
    const char *value = values[dice_roll(dice, sizeof values / sizeof *values)];
    const uint64_t kind = dice_roll(dice, 12);
    if (kind == 0) {
        longest = calloc(1, 50001);
        value = memset(longest, 'x', 50000);
    }
    snprintf(words, DAMAGE_WORDS, "%s is %.40s (%llu)", key, value, (unsigned long long)kind);
    if (kind == 1)
        damage_any_text(path, "/config", key, value);
    else if (kind == 2)
        damage_number(path, "/config", key, 2);
    else if (kind == 3)
        damage_no_attribute(path, "/config", key);
    else
        damage_text(path, "/config", key, value);
    free(longest);
}

static void change_object(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    static const char *const groups[] = {"/config",   "/steps",     "/comm",    "/memory",
                                         "/pipeline", "/breakdown", "/timeline"};
    const char *object = dice_roll(dice, 3) ? any_dataset(dice) : groups[dice_roll(dice, 7)];
    const uint64_t kind = dice_roll(dice, 3);
    snprintf(words, DAMAGE_WORDS, "%s %s", object, kind == 0 ? "missing" : kind == 1 ? "a group" : "a link");
    if (kind == 0)
        damage_dataset(path, object, NULL);
    else if (kind == 1)
        damage_group(path, object);
    else
        damage_link(path, object);
}

static void change_values(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    const char *object = any_dataset(dice);
    snprintf(words, DAMAGE_WORDS, "random values in %s", object);
    damage_values(path, object, dice);
}

void damage_structure(const char *path, Dice *dice, char words[DAMAGE_WORDS])
{
    static void (*const changes[])(const char *, Dice *, char *) = {
        change_shape,  change_shape,  change_shape,  change_number, change_config,
        change_config, change_object, change_values, change_values};
    const uint64_t count = 1 + dice_roll(dice, 8) / 6;
    bool endless = false;
    words[0] = '\0';
    for (uint64_t i = 0; i < count; i++) {
        changes[dice_roll(dice, sizeof changes / sizeof *changes)](path, dice, words);
        endless = endless || strstr(words, "sparse");
    }
    /* else the checksums tell. Of what has no end there is none, and its structure tells. */
    if (dice_roll(dice, 4) && !endless) damage_seal(path);
}
