/* request.c - options, one after the other. */
#include "sim/goodput/request.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/option.h"
#include "sim/base/words.h"
#include "sim/config/ranks.h"

enum { RANKS = 8, RUNS = 40 };

/* 54 x 24 h x 2048 / 419: 419 unexpected interruptions in 54 days of Llama 3 405B on 16,384 GPUs (Grattafiori et al.
 * 2407.21783, section 3.3.4 and table 5), which are 2048 nodes of 8. */
static const double LLAMA_3_HOURS = 6335;

const char goodput_help[] =
    "sim goodput --config F [--set section.key=value]... [--ranks N] [--mtbf HOURS] ...\n"
    "\n"
    "How often to write a checkpoint. Goodput is the share of a job's time spent on steps that count: not\n"
    "on checkpoints, on steps that a failure lost, or on restarts. One step is foretold by a dry run on the\n"
    "machine that hardware.profile names, and so are the bytes of a checkpoint that each node writes and\n"
    "reads. Then whole jobs are walked through failures that are drawn at random, 40 for each of a row of\n"
    "intervals, and their goodput is printed and drawn beside what Daly's model expects, with the intervals\n"
    "that are best by the formulas of Young (1974) and Daly (2006).\n"
    "    --ranks N           on how many ranks; 8 unless given\n"
    "    --mtbf HOURS        of training by one node between two failures that end the job, on average; the\n"
    "                        job's is this over its nodes. 6335 unless given, 54 x 24 x 2048 / 419: Llama\n"
    "                        3's 419 unexpected interruptions in 54 days on 16,384 GPUs, 2048 nodes of 8\n"
    "                        (2407.21783, section 3.3.4). Two of Meta's research clusters had 6.50 and 2.34\n"
    "                        failures in 1000 node-days (Kokolis et al. 2410.21680): 24000 / 6.50 = 3692\n"
    "                        hours, and 10256\n"
    "    --days D            days of steps that the job needs if nothing fails; 30 unless given\n"
    "    --steps N           the same as a number of steps\n"
    "    --intervals N,N...  steps between checkpoints; a row of 17 around Daly's best unless given\n"
    "    --restart SECONDS   from a failure until the job reads its checkpoint: noticed, put on other\n"
    "                        nodes, begun again; 300 unless given, an assumption. Reading is added to it\n"
    "    --seeds N           jobs for each interval; 40 unless given. The same N failures befall all\n"
    "                        intervals; other ones with another train.seed\n"
    "    --out DIR           the folder of all that is written, made if missing; results/F-goodput unless\n"
    "                        given\n"
    "    --csv               print an interval a row, numbers in full, and nothing else\n"
    "    --force             also a dry run that is estimated to be too large for this machine, or to take\n"
    "                        long\n"
    "\n"
    "A checkpoint takes the bytes of the node that has the most of it over node.storage_gb; every node\n"
    "writes at once. Training waits until it is in the host's memory (node.copy_gb); it is written beside\n"
    "the steps that follow, and counts once it is whole. With --set output.checkpoint_async=no training\n"
    "waits until it is written.\n"
    "Into the folder go goodput.h5, a dataset a column, and the chart, goodput.png, .svg and .gp.\n"
    "\n"
    "    sim goodput --config 1f1b.ini --set model.preset=gpt3-175b --set train.precision=bf16 \\\n"
    "        --set train.global_batch=8192 --set parallel.data=zero1 --set parallel.tp=8 \\\n"
    "        --set parallel.pp=16 --set hardware.profile=h100-dgx --ranks 16384\n"
    "Exit status: 0 walked, 1 failed, 2 bad request.\n";

/* The word of an option that is given once. */
static bool take_word(const char *option, const char **word, const char *value, Error *error)
{
    return option_once(option, word, value, error) &&
           (*value || error_set(error, "%s needs a value; try sim help goodput", option));
}

static bool read_number(const char *option, const char *text, double low, double high, double *number,
                        const char *example, Error *error)
{
    char *end, shown[100];
    *number = strtod(text, &end);
    words_show(shown, sizeof shown, text);
    return (end > text && !*end && *number >= low && *number <= high) ||
           error_set(error, "%s %s: not a number from %g to %g; try %s %s", option, shown, low, high, option,
                     example);
}

static bool read_whole(const char *option, const char *text, double high, int64_t *number,
                       const char *example, Error *error)
{
    char *end, shown[100];
    long long n = strtoll(text, &end, 10);
    words_show(shown, sizeof shown, text);
    *number = n;
    return (end > text && !*end && n >= 1 && (double)n <= high) ||
           error_set(error, "%s %s: not a whole number from 1 to %.0f; try %s %s", option, shown, high,
                     option, example);
}

static int ascending(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static bool read_intervals(GoodputRequest *r, const char *text, Error *error)
{
    for (bool more = true; more; text = strchr(text, ',') ? strchr(text, ',') + 1 : text) {
        char one[32];
        size_t length = strcspn(text, ",");
        if (r->intervals == GOODPUT_INTERVALS)
            return error_set(error, "--intervals: more than %d; try fewer", GOODPUT_INTERVALS);
        more = text[length] == ',';
        error_show(one, sizeof one, text, length);
        if (!read_whole("--intervals", one, GOODPUT_STEPS_MOST, &r->interval[r->intervals++], "100,200,400",
                        error))
            return false;
    }
    qsort(r->interval, (size_t)r->intervals, sizeof *r->interval, ascending);
    for (int i = 1; i < r->intervals; i++)
        if (r->interval[i] == r->interval[i - 1])
            return error_set(error, "--intervals: %lld twice; try each once", (long long)r->interval[i]);
    return true;
}

/* Words that are numbers, in the order of the table below. */
enum { OPT_RANKS, OPT_MTBF, OPT_DAYS, OPT_STEPS, OPT_INTERVALS, OPT_RESTART, OPT_SEEDS, VALUED };
static const char *const valued[VALUED] = {"--ranks",     "--mtbf",    "--days", "--steps",
                                           "--intervals", "--restart", "--seeds"};

/* A key of a run that this command asks for by an option of its own: set, it would change nothing. */
static bool check_set(const char *set, Error *error)
{
    static const struct {
        const char *key, *instead;
    } own[] = {{"output.checkpoint_every", "--intervals"}, {"train.steps", "--steps"}};
    char shown[100];
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        size_t length = strlen(own[i].key);
        if (strncmp(set, own[i].key, length) != 0 || set[length] != '=') continue;
        words_show(shown, sizeof shown, set + length + 1);
        return error_set(error, "--set %s: it changes nothing here; try %s %s", own[i].key, own[i].instead,
                         shown);
    }
    return *set || error_set(error, "--set needs a value; try sim help goodput");
}

static bool take_option(GoodputRequest *r, const char *number[VALUED], int argc, char **argv, int *i,
                        Error *error)
{
    const char *word = argv[*i], *value;
    char shown[100], quoted[1024];
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return r->help = true;
    if (!strcmp(word, "--csv")) return r->csv = true;
    if (!strcmp(word, "--force")) return r->force = true;
    if ((value = option_value("--config", argc, argv, i)))
        return take_word("--config", &r->config, value, error);
    if ((value = option_value("--out", argc, argv, i))) return take_word("--out", &r->out, value, error);
    if ((value = option_value("--set", argc, argv, i))) {
        if (r->sets == GOODPUT_SETS)
            return error_set(error, "--set: more than %d of them; try an ini file with these keys",
                             GOODPUT_SETS);
        r->set[r->sets++] = value;
        return check_set(value, error);
    }
    for (int k = 0; k < VALUED; k++)
        if ((value = option_value(valued[k], argc, argv, i)))
            return take_word(valued[k], &number[k], value, error);
    words_show(shown, sizeof shown, word);
    words_quote(quoted, sizeof quoted, word);
    if (words_end_in(word, ".ini"))
        return error_set(error, "'%s' is a config; try --config %s", shown, quoted);
    if (word[0] != '-' && strchr(word, '='))
        return error_set(error, "'%s' is no option; try --set %s", shown, quoted);
    return error_set(error, "%s: no such option of sim goodput; try sim help goodput", shown);
}

static bool read_all(GoodputRequest *r, const char *const number[VALUED], Error *error)
{
    int64_t ranks = RANKS, runs = RUNS;
    const char *const *n = number;
    if (n[OPT_DAYS] && n[OPT_STEPS])
        return error_set(error, "--days and --steps both say how long the job is; try one of them");
    bool good =
        (!n[OPT_RANKS] || read_whole("--ranks", n[OPT_RANKS], CONFIG_RANKS_MOST, &ranks, "1024", error)) &&
        (!n[OPT_MTBF] || read_number("--mtbf", n[OPT_MTBF], 1e-6, 1e12, &r->mtbf_hours, "6335", error)) &&
        (!n[OPT_DAYS] || read_number("--days", n[OPT_DAYS], 1e-9, 1e6, &r->days, "30", error)) &&
        (!n[OPT_STEPS] ||
         read_whole("--steps", n[OPT_STEPS], GOODPUT_STEPS_MOST, &r->steps, "100000", error)) &&
        (!n[OPT_RESTART] ||
         read_number("--restart", n[OPT_RESTART], 0, 1e9, &r->restart_seconds, "300", error)) &&
        (!n[OPT_SEEDS] || read_whole("--seeds", n[OPT_SEEDS], GOODPUT_RUNS_MOST, &runs, "40", error)) &&
        (!n[OPT_INTERVALS] || read_intervals(r, n[OPT_INTERVALS], error));
    r->ranks = (int)ranks;
    r->runs = (int)runs;
    return good;
}

bool goodput_parse(GoodputRequest *r, int argc, char **argv, Error *error)
{
    const char *number[VALUED] = {NULL};
    *r = (GoodputRequest){.days = 30, .mtbf_hours = LLAMA_3_HOURS, .restart_seconds = 300};
    for (int i = 1; i < argc; i++)
        if (!take_option(r, number, argc, argv, &i, error)) return false;
    if (r->help) return true;
    if (!r->config)
        return error_set(error, "no --config; try sim goodput --config 1f1b.ini, or sim help goodput");
    return read_all(r, number, error);
}
