/* sweep_sum.c - the sums of the root, of the datasets in it, and of each key's two, one into the other. */
#include "sim/sweep/sweep_sum.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATH = SPACE_NAME + 16, SUM = 17 }; /* a sum in 16 hexadecimal digits */
static const char own[] = "checksum";

typedef struct Summing {
    H5 *file;
    uint64_t sum;
    Progress progress;
    Error *error;
    bool good;
} Summing;

static void add(Summing *s, const char *path)
{
    uint64_t one = 0;
    s->good = s->good && h5_checksum(s->file, path, own, &one, &s->progress, s->error);
    s->sum = (s->sum ^ one) * 0x9e3779b97f4a7c15u;
}

static bool add_dataset(const char *name, void *context)
{
    Summing *s = context;
    char path[PATH];
    if (snprintf(path, sizeof path, "/%s", name) < (int)sizeof path) add(s, path);
    return s->good;
}

static bool sum_all(H5 *file, const Space *space, char text[SUM], Error *error)
{
    static const char *const groups[] = {"keys", "values"};
    Summing s = {.file = file, .error = error, .good = true};
    progress_begin_aside(&s.progress, 0);
    add(&s, "/");
    bool listed = h5_each(file, add_dataset, &s, error);
    for (int i = 0; i < 2 * space->keys; i++) {
        char path[PATH];
        snprintf(path, sizeof path, "/%s/%s", groups[i % 2], space->key[i / 2].name);
        add(&s, path);
    }
    progress_end(&s.progress);
    snprintf(text, SUM, "%016" PRIx64, s.sum);
    return listed && s.good;
}

bool sweep_sum_write(H5 *file, const Space *space, Error *error)
{
    char text[SUM];
    return sum_all(file, space, text, error) && h5_set_text(file, "/", own, text, error);
}

bool sweep_sum_check(H5 *file, const Space *space, const char *path, Error *error)
{
    char is[SUM], was[SUM] = "";
    if (!sum_all(file, space, is, error)) return false;
    if (!h5_get_text(file, "/", own, was, sizeof was))
        return error_set(error, "%s: its attribute %s is missing; is it damaged?", path, own);
    return strcmp(is, was) == 0 ||
           error_set(error,
                     "%s: not as the sweep left it: its checksum is %s, not %s; the file was damaged or "
                     "changed, try a copy of it, or the sweep again",
                     path, is, was);
}
