/* checkpoint_image.c - what lies between the values. */
#include "sim/file/checkpoint_image.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "models/machine/real.h"
#include "sim/base/posix.h"

/* Bytes of the file. */
typedef struct Range {
    uint64_t from, to;
} Range;

struct CheckpointImage {
    uint64_t *place; /* (places) */
    size_t places;
    Range *between; /* (ranges), of what is no tensor's */
    size_t ranges;
    char *bytes; /* of these, one after the other */
    uint64_t length;
};

/* ---- taking it ---- */

typedef struct Places {
    const uint64_t *place;
    Range *of; /* (count) */
    size_t count;
} Places;

static bool add_values(const Parameter *p, const char *path, int tensor, void *context)
{
    (void)path;
    Places *v = context;
    size_t bytes = (size_t)parameter_whole_count(p) * sizeof(real);
    v->of[v->count++] = (Range){v->place[tensor], v->place[tensor] + bytes};
    return true;
}

static int by_place(const void *a, const void *b)
{
    const Range *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void find_between(CheckpointImage *image, Places *values)
{
    uint64_t at = 0;
    qsort(values->of, values->count, sizeof *values->of, by_place);
    image->between = allocate((values->count + 1) * sizeof *image->between);
    for (size_t i = 0; i <= values->count; i++) {
        uint64_t to = i < values->count ? values->of[i].from : image->length;
        if (at < to) image->between[image->ranges++] = (Range){at, to};
        if (i < values->count) at = values->of[i].to;
    }
}

static bool read_between(CheckpointImage *image, int file)
{
    size_t all = 0, done = 0;
    for (size_t i = 0; i < image->ranges; i++) all += image->between[i].to - image->between[i].from;
    image->bytes = allocate(all);
    for (size_t i = 0; i < image->ranges; i++) {
        size_t bytes = image->between[i].to - image->between[i].from;
        if (pread(file, image->bytes + done, bytes, (off_t)image->between[i].from) != (ssize_t)bytes)
            return false;
        done += bytes;
    }
    return true;
}

CheckpointImage *checkpoint_image_take(const char *draft, const Gpt *gpt, const Config *config,
                                       const uint64_t *place)
{
    struct stat about;
    int file = open(draft, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    if (fstat(file, &about)) {
        close(file);
        return NULL;
    }
    CheckpointImage *image = allocate_zeroed(1, sizeof *image);
    image->length = (uint64_t)about.st_size;
    image->places = checkpoint_places(gpt, config);
    image->place = allocate(image->places * sizeof *place);
    memcpy(image->place, place, image->places * sizeof *place);
    Places values = {.place = place, .of = allocate(image->places * sizeof *values.of)};
    checkpoint_each(gpt, config, add_values, &values);
    find_between(image, &values);
    bool read = read_between(image, file);
    free(values.of);
    close(file);
    if (read) return image;
    checkpoint_image_free(image);
    return NULL;
}

/* ---- another ---- */

static int write_between(const CheckpointImage *image, int file)
{
    size_t done = 0;
    int number = 0;
    for (size_t i = 0; i < image->ranges && !number; i++) {
        size_t bytes = image->between[i].to - image->between[i].from;
        number = files_write_at(file, image->bytes + done, bytes, image->between[i].from);
        done += bytes;
    }
    return number;
}

bool checkpoint_image_put(const CheckpointImage *image, H5 *file, uint64_t *place, Error *error)
{
    int draft = open(h5_draft(file), O_WRONLY | O_CLOEXEC), number = draft < 0 ? errno : 0;
    if (!number && ftruncate(draft, (off_t)image->length)) number = errno;
    bool room = number || h5_take_room(file, error);
    if (!number && room) number = write_between(image, draft);
    if (draft >= 0) close(draft);
    memcpy(place, image->place, image->places * sizeof *place);
    return room && (!number || files_refuse(h5_path(file), "write", number, error));
}

void checkpoint_image_free(CheckpointImage *image)
{
    if (!image) return;
    free(image->place);
    free(image->between);
    free(image->bytes);
    free(image);
}
