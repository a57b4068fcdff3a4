/* run_shape.c - how a recorded run was split over its ranks: from its file's configuration. */
#include "sim/file/run_shape.h"
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/schedule.h"
#include "sim/base/posix.h"
#include "sim/base/words.h"
#include "sim/file/h5.h"

/* A key of the file's configuration; "" when it has none. */
static void read_text(H5 *file, const char *key, char *text, size_t size)
{
    text[0] = '\0';
    h5_get_text(file, "/config", key, text, size);
}

/* A count from 1; `absent` when the file does not say, or says 0. */
static bool read_count(H5 *file, const char *key, int absent, int *count, Error *error)
{
    char text[64], shown[32], *end;
    read_text(file, key, text, sizeof text);
    const long long number = strtoll(text, &end, 10);
    *count = number ? (int)number : absent;
    if (!*end && number >= 0 && number <= INT_MAX) return true;
    words_show(shown, sizeof shown, text);
    return error_set(error, "%s is %s in /config, which is no count", key, shown);
}

bool run_shape_read(RunShape *shape, H5 *file, int ranks, Error *error)
{
    char schedule[512], profile[512];
    int pp, tp, ep, batch, microbatch;
    *shape = (RunShape){0};
    if (!read_count(file, "parallel.pp", 1, &pp, error) || !read_count(file, "parallel.tp", 1, &tp, error) ||
        !read_count(file, "parallel.ep", 1, &ep, error) ||
        !read_count(file, "parallel.virtual_stages", 1, &shape->virtual_stages, error) ||
        !read_count(file, "train.global_batch", 0, &batch, error) ||
        !read_count(file, "train.microbatch", 0, &microbatch, error))
        return false;
    if (pp > ranks || tp > ranks || ranks % ((int64_t)pp * tp))
        return error_set(error, "parallel.pp = %d times parallel.tp = %d does not divide %d rank%s", pp, tp,
                         ranks, words_s(ranks));
    if (ranks / (pp * tp) % ep)
        return error_set(error, "parallel.ep = %d does not divide %d replica%s", ep, ranks / (pp * tp),
                         words_s(ranks / (pp * tp)));
    shape->mesh = mesh_shape(ranks, pp, tp, ep);
    read_text(file, "hardware.profile", profile, sizeof profile);
    shape->ideal = !strcmp(profile, "ideal");
    shape->measured = !strcmp(profile, "measured");
    shape->machine = profile[0] && !shape->ideal && !shape->measured && strcmp(profile, "given") != 0;
    if (microbatch) shape->microbatches = (int)(batch / ((int64_t)shape->mesh.dp * microbatch));
    read_text(file, "parallel.data", shape->data, sizeof shape->data);
    if (pp == 1) return true;
    read_text(file, "parallel.schedule", schedule, sizeof schedule);
    snprintf(shape->schedule, sizeof shape->schedule, "%.63s", files_name(schedule));
    return true;
}

void run_shape_letters(const RunShape *shape, char *text, size_t size)
{
    snprintf(text, size, "p = %d", shape->mesh.pp);
    if (shape->microbatches) words_append(text, size, ", m = %d", shape->microbatches);
    if (shape->virtual_stages > 1) words_append(text, size, ", v = %d", shape->virtual_stages);
}

const char *run_shape_formula(const RunShape *shape)
{
    static const char *const formulas[SCHEDULE_KINDS] = {
        [SCHEDULE_NAIVE] = "(p−1)/p",
        [SCHEDULE_GPIPE] = "(p−1)/(m+p−1)",
        [SCHEDULE_1F1B] = "(p−1)/(m+p−1)",
        [SCHEDULE_INTERLEAVED] = "(p−1)/(vm+p−1)",
        [SCHEDULE_ZB_H1] = "", /* holds the times of F, I and W */
    };
    for (int kind = 0; kind < SCHEDULE_KINDS; kind++)
        if (!strcmp(schedule_name[kind], shape->schedule)) return formulas[kind];
    return "";
}
