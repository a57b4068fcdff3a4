/* command_options.c - the table of options. */
#include "sim/command_options.h"
#include <stddef.h>

const struct option command_options[] = {
    {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
    {"output", required_argument, NULL, 'o'}, {"resume", required_argument, NULL, 'r'},
    {"dry-run", no_argument, NULL, 'd'},      {"ranks", required_argument, NULL, 'n'},
    {"all-ranks", no_argument, NULL, 'a'},    {"force", no_argument, NULL, 'f'},
    {"csv", no_argument, NULL, 't'},          {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0}};
