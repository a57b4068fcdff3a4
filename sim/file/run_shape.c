/* run_shape.c - how a recorded run was split over its ranks: from its file's configuration. */
#include "sim/file/run_shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/schedule/schedule.h"
#include "sim/base/words.h"

bool run_shape_text(H5 *file, const char *key, char *text, size_t size)
{
    text[0] = '\0';
    return h5_exists(file, "/config") && h5_get_text(file, "/config", key, text, size);
}

/* A count of at least 1; `absent` when the file does not say, or says 0. */
static int64_t read_count(H5 *file, const char *key, int64_t absent)
{
    char text[32];
    const int64_t count = run_shape_text(file, key, text, sizeof text) ? strtoll(text, NULL, 10) : 0;
    return count >= 1 ? count : absent;
}

bool run_shape_read(RunShape *shape, H5 *file, int ranks, Error *error)
{
    char schedule[512], profile[32];
    const int64_t pp = read_count(file, "parallel.pp", 1), tp = read_count(file, "parallel.tp", 1);
    if (pp > ranks || tp > ranks || ranks % (pp * tp))
        return error_set(error, "parallel.pp = %lld times parallel.tp = %lld does not divide %d ranks",
                         (long long)pp, (long long)tp, ranks);
    *shape = (RunShape){.mesh = mesh_shape(ranks, (int)pp, (int)tp)};
    shape->ideal =
        run_shape_text(file, "hardware.profile", profile, sizeof profile) && !strcmp(profile, "ideal");
    shape->virtual_stages = (int)read_count(file, "parallel.virtual_stages", 1);
    const int64_t batch = read_count(file, "train.global_batch", 0),
                  microbatch = read_count(file, "train.microbatch", 0);
    if (microbatch) shape->microbatches = (int)(batch / (shape->mesh.dp * microbatch));
    run_shape_text(file, "parallel.data", shape->data, sizeof shape->data);
    if (pp == 1) return true;
    run_shape_text(file, "parallel.schedule", schedule, sizeof schedule);
    const char *slash = strrchr(schedule, '/');
    snprintf(shape->schedule, sizeof shape->schedule, "%s", slash ? slash + 1 : schedule);
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
