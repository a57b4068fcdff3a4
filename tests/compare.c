/* compare.c - what the shell tests ask of HDF5 files.
 *
 *   compare bytes RUN              every step's counted bytes equal the formula's, on every rank
 *   compare memory RUN             peaks equal the formula's where there is one
 *   compare witness RUN PREFIX     counted bytes and messages equal what PREFIX.RANK saw; a stamp a message
 *   compare window RUN PREFIX      the same, and some on every rank that went through a window, as it was told
 *   compare dry REAL DRY           the same bytes of a step, peaks and, in ideal runs, simulated seconds
 *   compare given REAL DRY STEP    the same of that step, from 1, of which the dry run was given what experts took
 *   compare steps RUN N            N finished steps, every value of them there
 *   compare same A B               the same tensors, no more and no fewer, bit for bit
 *   compare near A B TOLERANCE     the same tensors, to a part of each one's largest value
 *   compare losses RUN FILE TOL    /steps/loss equals the numbers of a text file, relatively
 *   compare floor RUN PERCENT      the last tenth's mean loss is within PERCENT of the entropy
 *   compare beside RUN OTHER PCT   the last tenth's mean losses are within PCT percent
 *   compare alike RUN OTHER        every step of RUN is in OTHER with the same loss, norm, rate and bytes
 *   compare difference RUN BASE    /steps/loss_difference is what RUN's losses are above BASE's
 *   compare skipped RUN MIN [MAX]  so many steps were skipped, and none of the last tenth
 *   compare overflow WEIGHTS       makes WEIGHTS such that, with relu and after one step that decays them by -1e6, the
 *                                  loss in fp16 is finite and gradients never are
 *   compare core                   prints whose kernels sim has OpenBLAS take here
 * Exit status 0 when so; else 1, with a line that says where not. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/kernels/openblas.h"
#include "sim/file/h5.h"

typedef struct Numbers {
    double *value;
    int rank;
    size_t dims[H5_MAX_RANK], count;
} Numbers;

static H5 *open_file(const char *path)
{
    Error error;
    H5 *file = h5_open(path, &error);
    if (file) return file;
    printf("%s\n", error.text);
    exit(1);
}

static Numbers read_numbers(H5 *file, const char *path)
{
    Error error;
    Numbers n = {.count = 1};
    n.value = h5_read_numbers(file, path, &n.rank, n.dims, &error);
    if (!n.value) {
        printf("%s\n", error.text);
        exit(1);
    }
    for (int i = 0; i < n.rank; i++) n.count *= n.dims[i];
    return n;
}

__attribute__((format(printf, 1, 2))) static int differ(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    printf("\n");
    return 1;
}

static size_t finished(H5 *file)
{
    Numbers step = read_numbers(file, "/steps/step");
    size_t n = 0;
    while (n < step.count && step.value[0] >= 0 && step.value[n] == step.value[0] + (double)n) n++;
    free(step.value);
    return n;
}

static int compare_bytes(H5 *file)
{
    Numbers sent = read_numbers(file, "/comm/bytes_sent"), theory = read_numbers(file, "/comm/theory_bytes");
    size_t steps = finished(file), cells = theory.count;
    int known = 0;
    if (steps == 0) return differ("no finished step");
    for (size_t i = 0; i < steps * cells; i++) {
        if (isnan(theory.value[i % cells])) continue; /* what tokens choose */
        known++;
        if (sent.value[i] != theory.value[i % cells])
            return differ("%s: sent %.1f, formula %.1f", "bytes", sent.value[i], theory.value[i % cells]);
    }
    return known ? 0 : differ("bytes: no formula");
}

/* Where no copy was due both are 0. */
static int compare_copies(H5 *file)
{
    Numbers copy = read_numbers(file, "/memory/checkpoint_copy"),
            theory = read_numbers(file, "/memory/checkpoint_theory");
    for (size_t i = 0; i < copy.count; i++)
        if (copy.value[i] != theory.value[i])
            return differ("%s: copied %.1f, formula %.1f", "checkpoint", copy.value[i], theory.value[i]);
    return 0;
}

static int compare_memory(H5 *file)
{
    Numbers peak = read_numbers(file, "/memory/peak"), theory = read_numbers(file, "/memory/theory");
    int known = 0;
    for (size_t i = 0; i < peak.count; i++) {
        if (isnan(theory.value[i])) continue;
        known++;
        if (peak.value[i] != theory.value[i])
            return differ("%s: peak %.1f, formula %.1f", "memory", peak.value[i], theory.value[i]);
    }
    return known ? compare_copies(file) : differ("memory: no formula");
}

static int compare_witness(H5 *file, const char *prefix, bool window)
{
    static const char *const kinds[][2] = {{"/comm/bytes_sent", "/comm/bytes_outside"},
                                           {"/comm/messages", "/comm/messages_outside"}};
    size_t steps = finished(file);
    for (int k = 0; k < 2; k++) {
        Numbers in = read_numbers(file, kinds[k][0]), out = read_numbers(file, kinds[k][1]);
        size_t ranks = out.dims[0], purposes = out.dims[1];
        for (size_t r = 0; r < ranks; r++) {
            double counted = 0;
            for (size_t p = 0; p < purposes; p++) {
                counted += out.value[r * purposes + p];
                for (size_t s = 0; s < steps; s++) counted += in.value[(s * ranks + r) * purposes + p];
            }
            char name[4096];
            long long rank, seen[2], beside[2], stamps, violations;
            snprintf(name, sizeof name, "%s.%zu", prefix, r);
            FILE *witness = fopen(name, "r");
            if (!witness || fscanf(witness, "%lld %lld %lld %lld %lld %lld %lld", &rank, &seen[0], &seen[1],
                                   &stamps, &violations, &beside[0], &beside[1]) != 7)
                return differ("%s: unreadable", name);
            fclose(witness);
            if (violations)
                return differ("%s: %.0f collectives of MPI's own, or odd stamps", name, (double)violations);
            if (k == 0 && stamps != seen[1])
                return differ("%s: %.0f messages, %.0f stamps", name, (double)seen[1], (double)stamps);
            if (window != (beside[k] > 0)) return differ("%s: %.0f through windows", name, (double)beside[k]);
            seen[k] += beside[k];
            if (counted != (double)seen[k] || counted <= 0)
                return differ("%s: counted %.0f, the witness saw %.0f", name, counted, (double)seen[k]);
        }
    }
    return 0;
}

static int compare_dry(H5 *real_run, H5 *dry)
{
    static const char *const paths[] = {"/memory/peak",         "/memory/peak_total",
                                        "/comm/bytes_outside",  "/comm/messages_outside",
                                        "/breakdown/simulated", "/pipeline/bubble_ratio_simulated",
                                        "/links/bytes",         "/links/busy"};
    Numbers a = read_numbers(real_run, "/comm/bytes_sent"), b = read_numbers(dry, "/comm/bytes_sent");
    for (size_t i = 0; i < b.dims[1] * b.dims[2]; i++)
        if (a.value[i] != b.value[i])
            return differ("%s: real %.0f, dry %.0f", "/comm/bytes_sent", a.value[i], b.value[i]);
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        a = read_numbers(real_run, paths[k]), b = read_numbers(dry, paths[k]);
        for (size_t i = 0; i < a.count; i++)
            if (a.value[i] != b.value[i] && !(isnan(a.value[i]) && isnan(b.value[i])))
                return differ("%s: real %.9g, dry %.9g", paths[k], a.value[i], b.value[i]);
    }
    return 0;
}

/* Which of a dry run's rows stands for a rank. */
static size_t row_of(const Numbers *rank, size_t real_rank)
{
    size_t row = 0;
    while (row + 1 < rank->count && rank->value[row + 1] <= (double)real_rank) row++;
    return row;
}

/* Of a dry run that was given what experts took in a step (from 1) of the real one. Peaks are of all its steps, so of one
 * that has no other. */
static int compare_given(H5 *real_run, H5 *dry, size_t step)
{
    static const char *const paths[] = {"/steps/simulated_time", "/moe/load",  "/moe/imbalance",
                                        "/moe/dropped",          "/moe/moved", "/moe/rows"},
                             *const ranks[] = {"/comm/bytes_sent", "/comm/messages", "/memory/peak",
                                               "/memory/peak_total"};
    Numbers rank = read_numbers(dry, "/rank");
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        Numbers a = read_numbers(real_run, paths[k]), b = read_numbers(dry, paths[k]);
        for (size_t i = 0; i < b.count; i++)
            if (a.value[(step - 1) * b.count + i] != b.value[i])
                return differ("%s: real %.17g, dry %.17g", paths[k], a.value[(step - 1) * b.count + i],
                              b.value[i]);
    }
    for (size_t k = 0; k < (finished(real_run) > 1 ? 2 : sizeof ranks / sizeof *ranks); k++) {
        Numbers a = read_numbers(real_run, ranks[k]), b = read_numbers(dry, ranks[k]);
        const bool steps = k < 2;
        const size_t each = steps ? a.dims[2] : a.count / a.dims[0], all = a.dims[steps];
        for (size_t i = 0; i < all * each; i++) {
            double is = b.value[row_of(&rank, i / each) * each + i % each],
                   was = a.value[(steps ? (step - 1) * all * each : 0) + i];
            if (is != was) return differ("%s: real %.0f, dry %.0f", ranks[k], was, is);
        }
    }
    return 0;
}

static int compare_steps(H5 *file, double wanted)
{
    static const char *const columns[] = {"/steps/loss", "/steps/grad_norm", "/steps/wall_time"};
    size_t n = finished(file);
    if (wanted >= 0 ? (double)n != wanted : n == 0)
        return differ("%s: %.0f finished, not %.0f", "steps", (double)n, wanted);
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        Numbers column = read_numbers(file, columns[k]);
        for (size_t i = 0; i < n; i++)
            if (!isfinite(column.value[i]))
                return differ("%s: step %.0f is %f", columns[k], (double)i, column.value[i]);
    }
    return 0;
}

typedef struct Pair {
    H5 *a, *b;
    double tolerance; /* < 0: bit for bit */
    int tensors, apart;
} Pair;

static bool compare_tensor(const char *name, void *context)
{
    Pair *pair = context;
    char path[256];
    snprintf(path, sizeof path, "/%s", name);
    Numbers a = read_numbers(pair->a, path), b = read_numbers(pair->b, path);
    pair->tensors++;
    double largest = 0, apart = 0;
    for (size_t i = 0; i < a.count && a.count == b.count; i++) {
        largest = fmax(largest, fabs(a.value[i]));
        double difference = fabs(a.value[i] - b.value[i]);
        if (!(difference <= apart) && !isnan(apart)) apart = difference; /* a NaN stays */
    }
    double allowed = pair->tolerance < 0 ? 0 : pair->tolerance * largest;
    if (a.count != b.count || !(apart <= allowed))
        pair->apart += differ("%s: %.3g apart, %.3g allowed", name, apart, allowed);
    free(a.value);
    free(b.value);
    return true;
}

static bool count_tensor(const char *name, void *context)
{
    (void)name;
    ++*(int *)context;
    return true;
}

static int compare_tensors(H5 *a, H5 *b, double tolerance)
{
    Pair pair = {.a = a, .b = b, .tolerance = tolerance};
    Error error;
    int others = 0;
    if (!h5_each(a, compare_tensor, &pair, &error) || !h5_each(b, count_tensor, &others, &error))
        return differ("%s", error.text);
    return pair.apart > 0 || pair.tensors == 0 || pair.tensors != others;
}

static int compare_losses(H5 *file, const char *path, double tolerance)
{
    Numbers loss = read_numbers(file, "/steps/loss");
    FILE *text = fopen(path, "r");
    size_t n = 0;
    for (double wanted; text && fscanf(text, "%lf", &wanted) == 1; n++)
        if (n >= loss.count || !(fabs(loss.value[n] / wanted - 1) <= tolerance))
            return differ("%s: %.9g, not %.9g", "loss", n < loss.count ? loss.value[n] : (double)NAN, wanted);
    return n != finished(file) || n == 0;
}

/* The mean loss of the last tenth. */
static double last_loss(H5 *file)
{
    Numbers loss = read_numbers(file, "/steps/loss");
    size_t n = finished(file), tail = n / 10;
    double mean = 0;
    for (size_t i = n - tail; i < n; i++) mean += loss.value[i] / (double)tail;
    free(loss.value);
    return tail > 0 ? mean : (double)NAN;
}

static int compare_floor(H5 *file, double percent)
{
    double entropy = (double)NAN, mean = last_loss(file);
    h5_get_number(file, "/", "entropy", &entropy);
    return fabs(mean / entropy - 1) * 100 <= percent ? 0
                                                     : differ("%s: %.4f, floor %.4f", "loss", mean, entropy);
}

static int compare_beside(H5 *file, H5 *other, double percent)
{
    double mean = last_loss(file), wanted = last_loss(other);
    return fabs(mean / wanted - 1) * 100 <= percent ? 0 : differ("%s: %.4f, not %.4f", "loss", mean, wanted);
}

/* By the steps' own numbers: either may begin with another. */
static int compare_alike(H5 *file, H5 *other)
{
    static const char *const columns[] = {
        "/step",         "/steps/loss",       "/steps/grad_norm", "/steps/learning_rate",
        "/steps/tokens", "/steps/loss_scale", "/comm/bytes_sent"};
    Numbers steps = read_numbers(file, "/step"), others = read_numbers(other, "/step");
    size_t n = finished(file);
    if (n == 0 || steps.value[0] < others.value[0] ||
        steps.value[n - 1] > others.value[0] + (double)finished(other) - 1)
        return differ("%s: %.0f of the one are not of the other, which begins with %.0f", "steps", (double)n,
                      others.value[0]);
    size_t apart = (size_t)(steps.value[0] - others.value[0]);
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        Numbers a = read_numbers(file, columns[k]), b = read_numbers(other, columns[k]);
        size_t row = a.count / a.dims[0];
        if (row != b.count / b.dims[0] ||
            memcmp(a.value, b.value + apart * row, n * row * sizeof *a.value) != 0)
            return differ("%s: not the same, from step %.0f on", columns[k], steps.value[0]);
        free(a.value);
        free(b.value);
    }
    return 0;
}

/* Neither all zero, nor anything else than it says. */
static int compare_difference(H5 *file, H5 *base)
{
    Numbers apart = read_numbers(file, "/steps/loss_difference"), mine = read_numbers(file, "/steps/loss");
    Numbers theirs = read_numbers(base, "/steps/loss");
    bool any = false, same = mine.count == theirs.count && apart.count == mine.count;
    for (size_t n = 0; same && n < mine.count; n++) {
        same = apart.value[n] == mine.value[n] - theirs.value[n];
        any |= apart.value[n] != 0;
    }
    return same && any ? 0
                       : differ("%s: as recorded %.9g, %.9g at the end", "difference",
                                apart.value[apart.count - 1], mine.value[mine.count - 1]);
}

static int compare_skipped(H5 *file, double least, double most)
{
    Numbers skipped = read_numbers(file, "/steps/skipped");
    size_t n = finished(file);
    double all = 0, late = 0;
    for (size_t i = 0; i < n; i++) all += skipped.value[i];
    for (size_t i = n - n / 10; i < n; i++) late += skipped.value[i];
    free(skipped.value);
    return n > 0 && all >= least && all <= most && late == 0
               ? 0
               : differ("%s: %.0f, %.0f of them at the end", "skipped", all, late);
}

/* All is 0 but the first MLP: it sees -1 and multiplies by -1, until decay a million times the weight has made that
 * more than 16 bits hold: then what it makes is -inf, of which relu leaves 0, and backward multiplies 0 by infinity. */
static bool fill_for_overflow(const char *name, void *context)
{
    H5 *file = context;
    Error error;
    char path[128];
    snprintf(path, sizeof path, "/%s", name);
    double value = strcmp(name, "h.0.ln_2.bias") == 0 || strcmp(name, "h.0.mlp.c_fc.weight") == 0 ? -1 : 0;
    Numbers n = read_numbers(file, path);
    for (size_t k = 0; k < n.count; k++) n.value[k] = value;
    bool ok = h5_write(file, path, 0, n.dims[0], H5_F64, n.value, &error);
    if (!ok) printf("%s\n", error.text);
    free(n.value);
    return ok;
}

static int make_overflow(const char *path)
{
    Error error;
    H5 *file = h5_edit(path, &error);
    return file && h5_each(file, fill_for_overflow, file, &error) && h5_close(file, &error)
               ? 0
               : differ("%s", error.text);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "core") == 0) {
        if (openblas_core()) puts(openblas_core());
        return 0;
    }
    if (argc < 3) return 2;
    const char *what = argv[1];
    if (strcmp(what, "overflow") == 0) return make_overflow(argv[2]);
    H5 *a = open_file(argv[2]);
    if (strcmp(what, "bytes") == 0) return compare_bytes(a);
    if (strcmp(what, "memory") == 0) return compare_memory(a);
    if (argc < 4) return 2;
    if (strcmp(what, "witness") == 0) return compare_witness(a, argv[3], false);
    if (strcmp(what, "window") == 0) return compare_witness(a, argv[3], true);
    if (strcmp(what, "dry") == 0) return compare_dry(a, open_file(argv[3]));
    if (strcmp(what, "steps") == 0) return compare_steps(a, atof(argv[3]));
    if (strcmp(what, "same") == 0) return compare_tensors(a, open_file(argv[3]), -1);
    if (strcmp(what, "alike") == 0) return compare_alike(a, open_file(argv[3]));
    if (strcmp(what, "difference") == 0) return compare_difference(a, open_file(argv[3]));
    if (strcmp(what, "floor") == 0) return compare_floor(a, atof(argv[3]));
    if (strcmp(what, "skipped") == 0)
        return compare_skipped(a, atof(argv[3]), argc > 4 ? atof(argv[4]) : HUGE_VAL);
    if (argc < 5) return 2;
    if (strcmp(what, "given") == 0)
        return compare_given(a, open_file(argv[3]), (size_t)strtoul(argv[4], NULL, 10));
    if (strcmp(what, "beside") == 0) return compare_beside(a, open_file(argv[3]), atof(argv[4]));
    if (strcmp(what, "near") == 0) return compare_tensors(a, open_file(argv[3]), atof(argv[4]));
    if (strcmp(what, "losses") == 0) return compare_losses(a, argv[3], atof(argv[4]));
    return 2;
}
