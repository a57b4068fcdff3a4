/* discard.c - a file without a name lasts as long as it is open. */
#include "sim/base/discard.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "models/machine/error.h"

void discard_name(Discard *d, const char *path)
{
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    unlink(path);
    if (file < 0) return;
    d->file = allocate_more(d->file, d->files, sizeof *d->file);
    d->file[d->files++] = file;
}

static void close_all(void *discard)
{
    Discard *d = discard;
    for (size_t i = 0; i < d->files; i++) close(d->file[i]);
    d->files = 0;
}

void discard_begin(Discard *d)
{
    if (d->files) beside_begin(&d->beside, close_all, d);
}

void discard_end(Discard *d)
{
    beside_end(&d->beside);
    close_all(d);
    free(d->file);
    d->file = NULL;
}
