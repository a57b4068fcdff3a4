/* request.c - the words behind `sim validate`. */
#include "sim/validate/request.h"
#include <string.h>
#include "sim/base/option.h"

const char validate_help[] =
    "sim validate [FILE.csv...] [--set section.key=value]... [--csv | --out DIR | --fit KEY,... [--half]]\n"
    "\n"
    "Foretells what others measured and published, each by a dry run on the machine it was measured on, and\n"
    "prints both, how far off what is foretold is, and of each set the mean and the worst. Without FILE all\n"
    "sets that come with sim, in configs/validation. A set is NAME.csv, with a case a line (case, source,\n"
    "ranks, a measure, and keys of a config), and NAME.ini, which all its cases share. Measures:\n"
    "    seconds                 of a step\n"
    "    all_reduce_us           microseconds of an all-reduce of all_reduce_bytes over the ranks\n"
    "    product_us              of a matrix product, (product_m, product_k) by (product_k, product_n)\n"
    "    bubble                  share of the longest stage's time, from its first action to its last\n"
    "    model_states_gb         parameters, gradients and optimizer state, of the rank with most\n"
    "    parameters_billions     of the whole model\n"
    "    active_parameters_billions  of it that a token meets\n"
    "    layer_activation_bytes  what a layer keeps of a microbatch\n"
    "Those from bubble on follow exactly: each case is as printed, to the last digit, or not.\n"
    "    --set ...   of every case, over its own: what would another number make of them? Without FILE, of\n"
    "                those that were measured\n"
    "    --csv       a case a row, numbers in full\n"
    "    --out DIR   draw what is foretold against what was measured into DIR, made if missing:\n"
    "                validation.png, .svg, and the .gp that drew them; what is there and not as sim\n"
    "                wrote it is kept as validation.1.png\n"
    "    --fit KEY,...  find the values of these keys that make the mean error least, each set weighted\n"
    "                alike, from where they are (--set begins elsewhere) and inside their ranges, and print\n"
    "                them as lines of an ini file. All cases share a value; SET:KEY is of that set alone\n"
    "    --half      with --fit: also fit to every other case of each set and to the rest, and say how far\n"
    "                off the cases are that the fit did not see: what to expect of steps that nobody\n"
    "                measured\n"
    "    --force     also cases that are estimated to be too large for this machine, or to take long\n"
    "\n"
    "    sim validate --out results/validation-charts\n"
    "    sim validate --set chip.sustained=0.8\n"
    "    sim validate mine.csv --fit chip.sustained,software.launch_us --half\n"
    "The last fits a machine to your own measurements: put them into mine.csv, its hardware.profile (a copy\n"
    "of the nearest in configs/hardware) into mine.ini, and the lines it prints into that profile. Fit few\n"
    "keys: fewer than a tenth of the cases; --half shows when there are too many.\n"
    "Exit status: 0 foretold, however far off, 1 failed, 2 bad request.\n";

/* A word without a dash in front is a set's file. */
static bool take_path(ValidateRequest *r, const char *word, Error *error)
{
    if (word[0] == '-')
        return error_set(error, "%s: no such option of sim validate; try sim help validate", word);
    if (r->paths == REQUEST_SETS)
        return error_set(error, "more than %d sets; try some of them", REQUEST_SETS);
    for (int i = 0; i < r->paths; i++)
        if (!strcmp(r->path[i], word)) return error_set(error, "%s: given twice; try it once", word);
    r->path[r->paths++] = word;
    return true;
}

static bool take_set(ValidateRequest *r, const char *value, Error *error)
{
    if (!value[0]) return error_set(error, "--set needs a value; try sim help validate");
    if (!strncmp(value, "output.", 7))
        return error_set(error, "--set %s: no case writes a file; try leaving it out", value);
    if (r->keys == REQUEST_KEYS)
        return error_set(error, "--set: more than %d of them; try a set of your own", REQUEST_KEYS);
    r->key[r->keys++] = value;
    return true;
}

/* An option that is given once. */
static bool take_once(const char **place, const char *option, const char *value, Error *error)
{
    if (!value[0]) return error_set(error, "%s needs a value; try sim help validate", option);
    return option_once(option, place, value, error);
}

/* What does not go together. */
static bool check(const ValidateRequest *r, Error *error)
{
    if (r->csv && r->out) return error_set(error, "--csv and --out are two forms; try one of them");
    if (r->half && !r->fit) return error_set(error, "--half is of a fit; try --fit chip.sustained --half");
    if (r->fit && (r->csv || r->out))
        return error_set(error,
                         "%s is of what is foretold, not of a fit; try it with --set of what --fit finds",
                         r->csv ? "--csv" : "--out");
    return true;
}

bool validate_parse(ValidateRequest *r, int argc, char **argv, Error *error)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value;
        bool good = true;
        if (!strcmp(word, "--help") || !strcmp(word, "-h"))
            r->help = true;
        else if (!strcmp(word, "--csv"))
            r->csv = true;
        else if (!strcmp(word, "--half"))
            r->half = true;
        else if (!strcmp(word, "--force"))
            r->force = true;
        else if ((value = option_value("--out", argc, argv, &i)))
            good = take_once(&r->out, "--out", value, error);
        else if ((value = option_value("--fit", argc, argv, &i)))
            good = take_once(&r->fit, "--fit", value, error);
        else if ((value = option_value("--set", argc, argv, &i)))
            good = take_set(r, value, error);
        else
            good = take_path(r, word, error);
        if (!good) return false;
    }
    return r->help || check(r, error);
}
