/* text.h - a text of any length: a file's bytes, which nobody holds.
 *
 * Samples are read from the file as they are asked for, so what stays in memory are the system's own pages of it:
 * once a node, however many of its ranks read them, and given back where memory is short. A map of the file (mmap)
 * shares the same pages, but ends the process by SIGBUS where the file is cut short under it; a read is told. It
 * costs 3.2 us where copying from memory costs 0.4 (a sample of 1025 bytes), of a step's milliseconds.
 *
 * Samples are a function of their number alone, so the file has to stay as it is: cut short or written to, it ends
 * the job with a line that says so. */
#ifndef MODELS_TRAINING_TEXT_H
#define MODELS_TRAINING_TEXT_H
#include <stdint.h>
#include <sys/stat.h>
#include "models/machine/error.h"

typedef struct Text {
    const char *name;
    int file;
    int64_t bytes;
    struct timespec written; /* when it last was, as it was opened */
} Text;

/* Of a plain file that is open to be read; it and its name must live as long. False fills `error`. */
bool text_from(Text *text, int file, const char *name, Error *error);

/* `count` bytes from `from` on, all inside; ends the job where they cannot be read any more. */
void text_read(const Text *text, int64_t from, int64_t count, unsigned char *to);

/* What tells it from another text: all of a short one, and of a long one 4 MB in pieces all over it. */
uint64_t text_mark(const Text *text);
#endif
