/* asked.h - the words after `sim sweep`, and its help. */
#ifndef SIM_SWEEP_ASKED_H
#define SIM_SWEEP_ASKED_H
#include "sim/sweep/space.h"

typedef struct Asked {
    const char *config;    /* the ini; NULL: `file` is shown again */
    const char *file;      /* of an earlier sweep */
    const char *out;       /* the folder; NULL: the default */
    const char *axes[2];   /* the keys of the chart; NULL: the two with most values */
    const char *axes_word; /* as given */
    char *axes_text;       /* that these lie in */
    int workers;           /* 0: as many as there are cores */
    Space space;
    bool help, csv, all, force;
} Asked;

extern const char asked_help[];

/* Looks at no file. After a refusal, too, it is to be freed. */
bool asked_parse(Asked *asked, int argc, char **argv, Error *error);
void asked_free(Asked *asked);
#endif
