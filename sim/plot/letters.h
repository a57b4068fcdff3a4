/* letters.h - the letters that a picture can show. */
#ifndef SIM_PLOT_LETTERS_H
#define SIM_PLOT_LETTERS_H
#include <stddef.h>

/* Letters that no font of this machine has become '?': gnuplot draws one in a PNG as strokes across all of it. Fonts
 * are asked for once, and only where some text needs more than Latin; where they cannot be (fc-list comes with
 * gnuplot's cairo), they have no more. */
void letters_keep_known(char *const *texts, size_t count);
#endif
