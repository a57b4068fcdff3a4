/* test_config_suggestions.c - what a refusal says to try is taken: each value it names, on the ranks it was refused
 * for, and the ranks it names; with a schedule of one's own, too. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config/ranks.h"
#include "sim/run/plan_from_config.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

enum { SETS = 16, SET = 96 };

/* A config in words and its sets; each word is one. */
typedef struct Asked {
    char set[SETS][SET];
    int sets, ranks;      /* 0: not asked for ranks */
    const char *schedule; /* what parallel.schedule's file has; NULL: none is read */
} Asked;

static void add_words(Asked *a, const char *words)
{
    char copy[512], *rest;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(a->sets < SETS && strlen(word) < SET);
        strcpy(a->set[a->sets++], word);
    }
}

static bool taken(const Asked *a, Error *error)
{
    const char *sets[SETS + 1] = {NULL};
    Config c;
    for (int i = 0; i < a->sets; i++) sets[i] = a->set[i];
    if (!parse(&c, "", sets, error)) return false;
    int ranks = a->ranks || !a->schedule ? a->ranks : (int)config_replica_ranks(&c);
    bool good = ranks == 0 || config_check_ranks(&c, ranks, error);
    if (good && a->schedule) {
        Plan plan;
        good = plan_from_config(&c, a->ranks, a->schedule, (int64_t)strlen(a->schedule), &plan, error);
        if (good) plan_free(&plan);
    }
    config_free(&c);
    return good;
}

/* The key that stands here, "section.key = ", or with another sign, into `key`; NULL: none. Else what comes behind. */
static const char *read_key_before(const char *sign, const char *at, char key[64])
{
    size_t section = strspn(at, "abcdefghijklmnopqrstuvwxyz");
    size_t name = at[section] == '.' ? strspn(at + section + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
    size_t length = section + 1 + name;
    if (!section || !name || length >= 64 || strncmp(at + length, sign, strlen(sign)) != 0) return NULL;
    snprintf(key, 64, "%.*s", (int)length, at);
    return at + length + strlen(sign);
}

static const char *read_key(const char *at, char key[64])
{
    return read_key_before(" = ", at, key);
}

/* One value, up to a blank or a comma that a blank or nothing follows. */
static const char *read_value(const char *at, char value[64])
{
    size_t length = 0;
    while (at[length] && at[length] != ' ' &&
           !(at[length] == ',' && (at[length + 1] == ' ' || !at[length + 1])))
        length++;
    snprintf(value, 64, "%.*s", (int)(length < 63 ? length : 63), at);
    return at + length;
}

/* Past ", " or " or "; NULL when the list of values ends here. */
static const char *next_value(const char *at)
{
    size_t length = strncmp(at, ", ", 2) == 0 ? 2 : strncmp(at, " or ", 4) == 0 ? 4 : 0;
    return length && isdigit((unsigned char)at[length]) ? at + length : NULL;
}

static void try_it(const Asked *refused, const char *key, const char *value, const char *beside, int *tried)
{
    Asked again = *refused;
    Error error;
    char word[160];
    snprintf(word, sizeof word, "%s=%s", key, value);
    add_words(&again, word);
    if (*beside) add_words(&again, beside);
    if (!taken(&again, &error)) fail_msg("%s=%s %s: %s", key, value, beside, error.text);
    ++*tried;
}

/* "6 or 8 ranks", "1, 2 or 4 ranks": the numbers before the word, from where this alternative begins. */
static void try_ranks(const Asked *refused, const char *words, int *tried)
{
    const char *end = strstr(words, " ranks"), *begins = words;
    if (!end || refused->ranks == 0 || strstr(words, " on ")) return;
    for (const char *at = words; (at = strstr(at, ", or ")) && at < end; at++) begins = at + 5;
    for (const char *at = begins; at < end; at++) {
        Asked again = *refused;
        Error error;
        char *after;
        if (!isdigit((unsigned char)*at)) continue;
        again.ranks = (int)strtol(at, &after, 10);
        if (!taken(&again, &error)) fail_msg("on %d ranks: %s", again.ranks, error.text);
        ++*tried;
        at = after - 1;
    }
}

/* "; try 1f1b, or ...": a value of the key that was refused, which the line names before, as "--set section.key=" or
 * behind its place. */
static void try_bare(const Asked *refused, const char *text, const char *words, int *tried)
{
    char key[64], value[64];
    const char *at = text, *end = read_value(words, value);
    if ((*end && *end != ',') || isdigit((unsigned char)end[-1])) return;
    const char *sign = strncmp(text, "--set ", 6) == 0 ? "=" : " = ";
    while (*at && !(at > text && at[-1] == ' ' && read_key_before(sign, at, key))) at++;
    if (*at) try_it(refused, key, value, "", tried);
}

/* All that a refusal names. */
static int try_all(const Asked *refused, const char *text)
{
    int tried = 0;
    const char *at = strstr(text, "; try ");
    if (!at) fail_msg("nothing to try: %s", text);
    try_ranks(refused, at, &tried);
    try_bare(refused, text, at + strlen("; try "), &tried);
    for (; *at; at++) {
        char key[64], value[64], beside[256] = "", other[64], with[64];
        if (at[-1] != ' ') continue;
        const char *values = read_key(at, key);
        if (!values) continue;
        for (const char *v = values; v;) {
            const char *end = read_value(v, value), *joined;
            Asked on = *refused;
            while (strncmp(end, " and ", 5) == 0 && (joined = read_key(end + 5, other))) {
                size_t used = strlen(beside);
                end = read_value(joined, with);
                snprintf(beside + used, sizeof beside - used, "%s=%s ", other, with);
            }
            sscanf(end, " on %d ranks", &on.ranks);
            try_it(&on, key, value, beside, &tried);
            at = end - 1;
            v = next_value(end);
        }
    }
    return tried;
}

static const struct {
    int ranks;
    const char *words;
} REFUSED[] = {
    {0, "model.heads=3"},
    {0, "model.hidden=30"},
    {2, "model.hidden=30 parallel.tp=2"},
    {0, "model.heads=6 model.hidden=48 model.kv_heads=4"},
    {3, "model.heads=6 model.hidden=48 model.kv_heads=4 parallel.tp=3"},
    {0, "model.hidden=12 model.position=rope"},
    {2, "model.hidden=20 model.position=rope parallel.tp=2"},
    {0, "model.vocab=3"},
    {0, "model.vocab=64 data.source=a.txt"},
    {0, "model.dropout=1e-9"},
    {0, "model.dropout=0.999999999"},
    {0, "train.steps=0 output.gradients=g.h5"},
    {0, "model.sequence=10000000 train.microbatch=1000"},
    {0, "model.sequence=10000000 train.microbatch=1000 train.global_batch=1000"},
    {0, "train.steps=1000000000 train.global_batch=1000000000"},
    {0, "parallel.pp=3 model.layers=2"},
    {0, "parallel.pp=2 model.layers=3 parallel.schedule=interleaved parallel.virtual_stages=2"},
    {0, "parallel.pp=2 model.layers=8 parallel.schedule=interleaved"},
    {0, "parallel.pp=2 model.layers=8 parallel.schedule=interleaved parallel.layers_per_stage=4,4"},
    {0, "parallel.pp=4 model.layers=32 parallel.layers_per_stage=7,8,8"},
    {0, "parallel.pp=4 model.layers=32 parallel.layers_per_stage=7,8,8,8"},
    {0, "parallel.schedule=gpip train.microbatch=4"},
    {3, "parallel.tp=3"},
    {0, "model.heads=8 model.kv_heads=6 parallel.tp=4"},
    {6, "model.heads=8 parallel.tp=6"},
    {6, "model.heads=8 model.hidden=64 parallel.tp=3"},
    {12, "model.heads=8 parallel.tp=3 parallel.pp=2"},
    {7, "model.heads=8 parallel.tp=4 train.global_batch=28"},
    {7, "model.heads=8 parallel.tp=2 train.global_batch=28"},
    {5, "parallel.tp=4"},
    {1, "parallel.tp=2"},
    {3, "parallel.pp=2"},
    {7, "parallel.pp=2"},
    {8, "parallel.pp=3 model.layers=8"},
    {8, "parallel.tp=2 parallel.pp=3 model.layers=3"},
    {10, "parallel.pp=2 parallel.tp=2"},
    {5, ""},
    {7, ""},
    {9, "train.microbatch=5"},
    {5, "train.microbatch=2"},
    {48, ""},
    {3, "train.microbatch=5"},
    {8, "parallel.pp=2 train.microbatch=5"},
    {5, "parallel.pp=5 model.layers=5 train.global_batch=7 train.microbatch=2"},
    {2, "parallel.pp=2 model.layers=4 parallel.schedule=interleaved parallel.virtual_stages=2"},
    {4, "parallel.pp=4 model.layers=8 parallel.schedule=interleaved parallel.virtual_stages=2 "
        "train.microbatch=4"},
    {16, "parallel.pp=4 model.layers=8 parallel.schedule=interleaved parallel.virtual_stages=2"},
    {3, "parallel.pp=3 model.layers=6 parallel.schedule=interleaved parallel.virtual_stages=2 "
        "train.global_batch=7 train.microbatch=7"},
    {6, "parallel.pp=3 model.layers=6 parallel.schedule=interleaved parallel.virtual_stages=2 "
        "train.microbatch=3"},
    {4, "model.heads=6 model.hidden=48 model.ffn=48 parallel.tp=4 parallel.pp=2"},
    {30, "model.heads=30 model.hidden=60 model.ffn=120 parallel.tp=7 train.global_batch=30"},
};

static void each_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        Asked a = {.ranks = REFUSED[i].ranks};
        Error error;
        add_words(&a, REFUSED[i].words);
        if (taken(&a, &error)) fail_msg("%s on %d ranks is taken", REFUSED[i].words, a.ranks);
        if (!try_all(&a, error.text)) fail_msg("nothing to try: %s", error.text);
    }
}

/* Where another key is wrong too nothing can be taken, and what is named is right for the one. */
static void of_two_faults_one(void **state)
{
    (void)state;
    refuse_with("[model]\nhidden = 30\n[parallel]\npp = 9\n", NULL,
                "; try model.heads = 1, 2, 3, 5, 6, 10, 15 or 30");
    Config c;
    Error error;
    take(&c, "[model]\nheads = 8\n[parallel]\ntp = 6\n[train]\nglobal_batch = 7\n", NULL);
    assert_false(config_check_ranks(&c, 6, &error));
    assert_non_null(strstr(error.text, "does not divide model.heads = 8; try parallel.tp = 1, 2, 4 or 8"));
    config_free(&c);
}

/* Two lines, of so many stages each: the schedule of a pipeline of two ranks. */
#define ONE_STAGE "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n"
#define TWO_STAGES "0F0,0F1,2F0,2F1,2B0,2B1,0B0,0B1\n1F0,1F1,3F0,3B0,3F1,3B1,1B0,1B1\n"

static const struct {
    int ranks;
    const char *words, *schedule;
} MISFIT[] = {
    {2, "parallel.pp=2", ONE_STAGE},                    /* one microbatch */
    {4, "parallel.pp=2 train.microbatch=1", ONE_STAGE}, /* of twelve */
    {4, "parallel.pp=2 train.microbatch=4 train.global_batch=8", ONE_STAGE},
    {6, "parallel.pp=2 train.microbatch=5 train.global_batch=15", ONE_STAGE}, /* no halves */
    {6, "parallel.pp=2 train.global_batch=15", ONE_STAGE},
    {0, "parallel.pp=2", ONE_STAGE},
    {0, "", ONE_STAGE},
    {1, "", ONE_STAGE},
    {3, "", ONE_STAGE},
    {4, "parallel.pp=4 model.layers=4 train.microbatch=12", ONE_STAGE},
    {4, "parallel.tp=2 train.microbatch=6", ONE_STAGE},
    {6, "parallel.tp=2 train.microbatch=4", ONE_STAGE},
    {2, "parallel.pp=2 train.microbatch=12 parallel.virtual_stages=2 model.layers=4", ONE_STAGE},
    {2, "parallel.pp=2 train.microbatch=12 parallel.virtual_stages=3 model.layers=6", TWO_STAGES},
    {2, "parallel.pp=2 train.microbatch=12", TWO_STAGES}, /* two layers for four stages */
    {2, "parallel.pp=2 train.microbatch=8", TWO_STAGES},
    {3, "parallel.pp=3 train.microbatch=8 model.layers=3 parallel.layers_per_stage=1,1,1", TWO_STAGES},
    {2, "parallel.pp=2 train.microbatch=12 model.layers=6 parallel.layers_per_stage=3,3", TWO_STAGES},
    {2, "parallel.pp=2 train.microbatch=12 model.layers=6 parallel.layers_per_stage=1,1,1,1", TWO_STAGES},
};

static void of_ones_own_schedule(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof MISFIT / sizeof *MISFIT; i++) {
        Asked a = {.ranks = MISFIT[i].ranks, .schedule = MISFIT[i].schedule};
        Error error;
        add_words(&a, MISFIT[i].words);
        add_words(&a, "parallel.schedule=my.csv");
        if (taken(&a, &error)) fail_msg("%s on %d ranks is taken", MISFIT[i].words, a.ranks);
        if (!try_all(&a, error.text)) fail_msg("nothing to try: %s", error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_taken),
        cmocka_unit_test(of_two_faults_one),
        cmocka_unit_test(of_ones_own_schedule),
    };
    return cmocka_run_group_tests_name("suggestions", tests, NULL, NULL);
}
