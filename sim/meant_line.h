/* meant_line.h - a line that may have been meant: what was typed, put right, and tried before it is told. */
#ifndef SIM_MEANT_LINE_H
#define SIM_MEANT_LINE_H
#include "sim/command_options.h"

enum { MEANT_WORDS = 192, MEANT_TEXT = 900 }; /* two texts have room in an error's */

typedef struct MeantLine {
    const char *word[MEANT_WORDS]; /* behind "sim" or "sim schedule" */
    int words;
    bool schedules;
    char seen[16]; /* the letters of its options */
} MeantLine;

/* All words but those from `from` to before `to`: a config and values behind their options, no "train" or "run" as the
 * first; with `config` where none is among them. */
void meant_line_of(MeantLine *line, const CommandLine *request, char **argv, int from, int to,
                   const char *config);

/* The options among them that are known, with their values: what a word that is told alone is to go with. And
 * `config`, unless NULL, where none is among them. */
void meant_line_known(MeantLine *line, const CommandLine *request, char **argv, int from, int to,
                      const char *config);

void meant_line_add(MeantLine *line, const char *word);
bool meant_line_has(const MeantLine *line, int letter);

/* Writes the line, or its words from `from` on alone, as they can be typed again; false, and nothing, where the line would
 * be refused or has no room. */
bool meant_line_write(const MeantLine *line, char text[MEANT_TEXT]);
bool meant_line_write_from(const MeantLine *line, int from, char text[MEANT_TEXT]);
#endif
